"""A calendar tells of a booking: the person's emails end. What can't be read, or may mean several, is for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from worker.errors import Ambiguous, NotFound, Unmappable
from worker.hooks.bookings import read_booking
from worker.storage import alerts, installation, parked
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.parked import ParkedKind
from worker.usecases.events.tell_event import OtherEvent, ToldEvent, tell_event
from worker.usecases.services import Services

SEVERAL = "booking_several_leads"


class Received(StrEnum):
    """What became of it. `NO_LEAD`: whoever booked never wrote to us by this address or number."""

    RECORDED = "recorded"
    NOT_NEEDED = "not_needed"
    NO_LEAD = "no_lead"
    PARKED = "parked"


def receive_booking(services: Services, source: str, body: bytes, token_id: str) -> Received:
    """Record it, or keep it for a person, who is told."""
    received, code = _record(services, source, body, token_id)
    if received is not Received.PARKED:
        return received
    kept = json.dumps({"source": source, "token_id": token_id, "body": body.decode("latin-1")}).encode()
    with services.database.write() as connection:
        now = installation.product_now(connection)
        item_id = parked.park_message(connection, kept, code, services.ring, now, ParkedKind.BOOKING)
        alerts.queue(connection, AlertKind.BOOKING_PARKED, item_id, None, now, real_now(connection))
    services.queue.alert()
    return received


def receive_again(services: Services, item: Mapping[str, Any]) -> Received:
    """Try a parked one again. Raises SealError."""
    kept = json.loads(parked.open_message(item, services.ring))
    return _record(services, kept["source"], kept["body"].encode("latin-1"), kept["token_id"])[0]


def _record(services: Services, source: str, body: bytes, token_id: str) -> tuple[Received, str]:
    try:
        booking = read_booking(source, body)
        if booking is None:
            return Received.NOT_NEEDED, ""
        tell_event(services, ToldEvent(event=booking.event, names=booking.names, event_id=booking.event_id), token_id)
    except Unmappable as error:
        return Received.PARKED, error.code
    except Ambiguous:
        return Received.PARKED, SEVERAL
    except NotFound:
        return Received.NO_LEAD, ""
    except OtherEvent:
        return Received.NOT_NEEDED, ""
    return Received.RECORDED, ""
