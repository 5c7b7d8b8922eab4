"""Tell an endpoint after all what it did not take however often it was tried: everything parked for it."""

from __future__ import annotations

from worker.storage import outgoing_events
from worker.usecases.desk.unpark import Replayed, replay_all
from worker.usecases.services import Services
from worker.usecases.webhooks.list_endpoints import endpoint_row

_MOST = 1000


def replay_untold(services: Services, endpoint_id: str, actor: str) -> tuple[int, int]:
    """How many will be told again, and how many stay parked since it takes nothing. Raises NotFound."""
    with services.database.read() as connection:
        endpoint_row(connection, endpoint_id)
        parked = outgoing_events.parked_ids(connection, endpoint_id, _MOST)
    done = replay_all(services, parked, actor)[Replayed.DONE]
    return done, len(parked) - done
