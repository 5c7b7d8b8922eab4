"""Tests' view of what other systems are told: a receiver on this machine, an endpoint, and waits that end at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import update

from tests.support.receiver import Receiver, receiver
from tests.support.world import World
from worker.domain.outgoing_events import Tell
from worker.reach import Reach
from worker.storage import tables
from worker.usecases.webhooks import manage
from worker.usecases.webhooks.manage import Agreement
from worker.usecases.webhooks.tell import tell_endpoints

HERE = Reach(allows_loopback=True)
SECRET = {
    "email": "zebedee.quillfeather@example.com",
    "first_name": "Zebedee",
    "last_name": "Quillfeather",
    "phone": "618-555-0173",
    "condition": "ptsd",
    "treatment": "spravato",
    "message": "Xylophone-shaped worries since the accident",
}
EVERYTHING = Agreement(tells=frozenset(Tell), by="Jordan Example", on=date(2026, 1, 5))
LEAD = ("lead.*", "email.*", "consultation.*")


@contextmanager
def listening(world: World, *answers: Any) -> Iterator[Receiver]:
    """A receiver that may be called although it stands on this machine."""
    world.services.reach = HERE
    with receiver(*answers) as server:
        yield server


def add(
    world: World, url: str, *, events: tuple[str, ...] = LEAD, agreement: Agreement | None = None
) -> tuple[str, str]:
    return manage.add_endpoint(world.services, "warehouse", url, events, agreement or Agreement(), "Jordan Example")


def tell(world: World) -> dict[str, int]:
    return {str(fate): count for fate, count in tell_endpoints(world.services).items()}


def types(server: Receiver) -> list[str]:
    return [posted["type"] for posted in server.posted]


def let_waits_end(world: World) -> None:
    """Real time that tests don't wait for."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    for table in (tables.outgoing_events, tables.endpoints):
        world.execute(update(table).values(not_before=long_ago))
