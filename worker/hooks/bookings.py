"""Bookings as calendars tell them, in one shape: who booked, and under which id. Calendly, and any other program.

Calendly: https://developer.calendly.com/api-docs/webhook-payload. A person is known by our reference where the link
to the calendar carried it (`utm_content` and the like), else by the address or number that they gave there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.domain.events import LeadEvent
from worker.errors import Unmappable
from worker.hooks.decode import decode
from worker.hooks.delivery import table, texts, word

NOT_A_BOOKING, NOBODY, UNKNOWN_EVENT = "booking_unknown_shape", "booking_names_nobody", "booking_unknown_event"
_REFERENCE = re.compile(r"\bTAC-[0-9A-Z]{4}-[0-9A-Z]{4}\b", re.IGNORECASE)
_MAX_ID = 200
OF_PROGRAMS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What was told. `names` are what the person may be known by, the surest first."""

    event: LeadEvent
    names: tuple[str, ...]
    event_id: str | None


def read_booking(source: str, body: bytes) -> Booking | None:
    """What a calendar told; None for news that change nothing here, such as a cancellation. Raises Unmappable."""
    data = decode(body)
    if not isinstance(data, dict):
        raise Unmappable(NOT_A_BOOKING)
    return BOOKING_SOURCES[source](data)


def _calendly(data: Mapping[str, Any]) -> Booking | None:
    payload = table(data.get("payload"))
    if not payload or not isinstance(data.get("event"), str):
        raise Unmappable(NOT_A_BOOKING)
    if data["event"] != "invitee.created":
        return None
    said = " ".join(texts(payload.get("tracking")))
    names = (*_REFERENCE.findall(said), word(payload.get("email")), word(payload.get("text_reminder_number")))
    return _booking(LeadEvent.CONSULTATION_BOOKED, names, word(payload.get("uri")))


def _any_program(data: Mapping[str, Any]) -> Booking | None:
    event = word(data.get("event")) or LeadEvent.CONSULTATION_BOOKED
    if event not in set(LeadEvent):
        raise Unmappable(UNKNOWN_EVENT)
    names = tuple(word(data.get(name)) for name in ("lead_id", "reference", "email", "phone"))
    ids = (word(data.get(name)) for name in ("event_id", "booking_id", "id"))
    return _booking(LeadEvent(event), names, next(filter(None, ids), ""))


def _kept(data: Mapping[str, Any]) -> Booking | None:
    """What `POST /v1/events` was told too early, as we keep it ourselves."""
    return _booking(LeadEvent(data["event"]), tuple(data["names"]), data["event_id"] or "")


def _booking(event: LeadEvent, names: tuple[str, ...], event_id: str) -> Booking:
    given = tuple(name.strip() for name in names if name.strip())
    if not given:
        raise Unmappable(NOBODY)
    return Booking(event=event, names=given, event_id=event_id[:_MAX_ID] or None)


BOOKING_SOURCES: Mapping[str, Callable[[Mapping[str, Any]], Booking | None]] = {
    "calendly": _calendly,
    "booking": _any_program,
    OF_PROGRAMS: _kept,
}
"""Each way in, and how what comes there is read."""
