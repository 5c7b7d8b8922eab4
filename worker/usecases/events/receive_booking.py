"""A calendar tells of a booking: the person's emails end. What can't be read, or may mean several, is for a person.

One that comes before its lead is captured waits for it, and is heard when the lead is there; so is any event that a
program tells too early. Each sweep looks for their leads; capture never asks whether any event waits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from worker.domain.waiting_bookings import is_over, is_time
from worker.errors import Ambiguous, NotFound, SealError, Unmappable
from worker.hooks.bookings import OF_PROGRAMS, read_booking
from worker.storage import alerts, installation, parked
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.parked import ParkedKind
from worker.usecases.events.tell_event import OtherEvent, ToldEvent, lead_meant, tell_event
from worker.usecases.services import Services

SEVERAL, NO_LEAD, SEALED = "booking_several_leads", "booking_no_lead", "booking_sealed"

_LOOK_AT = 100
_LOOK_FOR = 50
"""Of so many, those that came last, each sweep sees whether their lead is there."""


class Received(StrEnum):
    """What became of it. `WAITING`: nobody has written to us by this address or number, or not yet."""

    RECORDED = "recorded"
    NOT_NEEDED = "not_needed"
    WAITING = "waiting"
    PARKED = "parked"


def receive_booking(services: Services, source: str, body: bytes, token_id: str) -> Received:
    """Record it, let it wait for its lead, or keep it for a person, who is told."""
    received, code = _record(services, source, body, token_id)
    if received in _STATES:
        _keep(services, source, body, token_id, received, code)
    return received


def tell_event_early(services: Services, told: ToldEvent, token_id: str) -> None:
    """Keep what a program told of somebody who is not known, or not yet: it is heard when their lead is there."""
    body = json.dumps({"event": told.event, "names": told.names, "event_id": told.event_id}).encode()
    _keep(services, OF_PROGRAMS, body, token_id, Received.WAITING, NO_LEAD)


def _keep(services: Services, source: str, body: bytes, token_id: str, received: Received, code: str) -> None:
    kept = json.dumps({"source": source, "token_id": token_id, "body": body.decode("latin-1")}).encode()
    with services.database.write() as connection:
        now = installation.product_now(connection)
        state = _STATES[received]
        item_id = parked.park_message(connection, kept, code, services.ring, now, ParkedKind.BOOKING, state)
        if received is Received.PARKED:
            alerts.queue(connection, AlertKind.BOOKING_PARKED, item_id, None, now, real_now(connection))
    services.queue.alert()


def hear_waiting(services: Services) -> int:
    """Hear those that wait and whose lead is there, and try again those whose time it is; how many wait no more."""
    with services.database.read() as connection:
        found = parked.waiting(connection)
        if not found:
            return 0
        now = installation.product_now(connection)
        due = [item_id for item_id, first_at, last_at in found if is_time(first_at, last_at, now)]
        others = sorted(
            (first_at, item_id) for item_id, first_at, last_at in found if not is_time(first_at, last_at, now)
        )
        latest = parked.by_ids(connection, [item_id for _, item_id in others[-_LOOK_FOR:]])
        there = [item for item in latest if _is_there(services, connection, item)]
        items = [*parked.by_ids(connection, due[:_LOOK_AT]), *there]
    return sum(_hear(services, item, now) for item in items)


def _is_there(services: Services, connection: Connection, item: Mapping[str, Any]) -> bool:
    """Whether anybody it may mean has written to us by now. Only looks: most wait for people who never will."""
    try:
        source, body, _ = _kept_in(services, item)
        booking = read_booking(source, body)
        return booking is not None and bool(lead_meant(connection, services.vault, booking.names))
    except Ambiguous:
        return True
    except (NotFound, SealError, Unmappable):
        return False


def _hear(services: Services, item: Mapping[str, Any], now: datetime) -> bool:
    """Try one again. Not found in all that time, it is of someone who never wrote to us, and is let go."""
    try:
        received, code = _try_again(services, item)
    except SealError:
        received, code = Received.PARKED, SEALED
    state = _STATES.get(received, parked.REPLAYED)
    if received is Received.WAITING and is_over(item["first_at"], now):
        state = parked.DISMISSED
    with services.database.write() as connection:
        is_noted = parked.note_try(connection, item["id"], state, code or item["code"], now)
        if is_noted and state == parked.OPEN:
            alerts.queue(connection, AlertKind.BOOKING_PARKED, item["id"], None, now, real_now(connection))
    return state != parked.WAITING


def receive_again(services: Services, item: Mapping[str, Any]) -> Received:
    """Try a parked one again. Raises SealError."""
    return _try_again(services, item)[0]


_STATES = {Received.WAITING: parked.WAITING, Received.PARKED: parked.OPEN}
"""The state in which an item is kept, where it is."""


def _try_again(services: Services, item: Mapping[str, Any]) -> tuple[Received, str]:
    return _record(services, *_kept_in(services, item), item["id"])


def _kept_in(services: Services, item: Mapping[str, Any]) -> tuple[str, bytes, str]:
    """What was kept: the source, the body, and the token it came by. Raises SealError."""
    kept = json.loads(parked.open_message(item, services.ring))
    return kept["source"], kept["body"].encode("latin-1"), kept["token_id"]


def _record(
    services: Services, source: str, body: bytes, token_id: str, item_id: str | None = None
) -> tuple[Received, str]:
    """`item_id` stands for the event's own id where it has none: two workers that hear it at once hear one event."""
    try:
        booking = read_booking(source, body)
        if booking is None:
            return Received.NOT_NEEDED, ""
        event_id = booking.event_id or item_id
        tell_event(services, ToldEvent(event=booking.event, names=booking.names, event_id=event_id), token_id)
    except Unmappable as error:
        return Received.PARKED, error.code
    except Ambiguous:
        return Received.PARKED, SEVERAL
    except NotFound:
        return Received.WAITING, NO_LEAD
    except OtherEvent:
        return Received.NOT_NEEDED, ""
    return Received.RECORDED, ""
