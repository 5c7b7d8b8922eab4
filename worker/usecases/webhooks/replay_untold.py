"""Tell an endpoint after all what it did not take however often it was tried: everything parked for it."""

from __future__ import annotations

from worker.errors import NotFound
from worker.storage import endpoints, outgoing_events
from worker.usecases.desk.unpark import Replayed, replay_all
from worker.usecases.services import Services

_MOST = 1000


def replay_untold(services: Services, endpoint_id: str, actor: str) -> tuple[int, int]:
    """How many will be told again, and how many stay parked since it takes nothing. Raises NotFound."""
    with services.database.read() as connection:
        if endpoints.by_id(connection, endpoint_id) is None:
            raise NotFound("there is no endpoint of this id; see nurture webhooks list")
        parked = outgoing_events.parked_ids(connection, endpoint_id, _MOST)
    done = replay_all(services, parked, actor)[Replayed.DONE]
    return done, len(parked) - done
