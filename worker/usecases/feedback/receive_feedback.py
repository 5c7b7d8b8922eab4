"""Receive what came back: each event once, on the send that it is about, and what follows from it.

Right in any order: an event may come twice, late, before our own record of the hand-over, or after erasure.
Whatever comes back for a send whose outcome nobody knew proves that it went out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from worker.domain.feedback import DeliveryEvent
from worker.feedback.base import FeedbackSource, Reading
from worker.storage import alerts, delivery_events, installation, leads, parked, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import is_transient, real_now
from worker.storage.parked import ParkedKind
from worker.storage.timeline import Happened
from worker.usecases.feedback.act_on_event import act_on_event
from worker.usecases.feedback.settle_by_feedback import settle
from worker.usecases.services import Services

log = structlog.get_logger()

UNMATCHED, REPEATED = "unmatched", "repeated"


def receive_post(services: Services, source: FeedbackSource, body: bytes) -> Counter[str]:
    """Receive a provider's verified post: events recorded, a subscription accepted, the unmappable parked."""
    reading = source.read(body)
    if reading.confirm_url is not None:
        source.confirm(reading.confirm_url)
        return Counter(confirmed=1)
    return receive_reading(services, source.name, reading, body)


def receive_reading(services: Services, source: str, reading: Reading, raw: bytes) -> Counter[str]:
    """Record what was understood, park the whole where something was not; how much of each."""
    total, failed = _receive_all(services, source, reading.events)
    unmapped = [*reading.unmapped, *failed]
    if unmapped:
        park(services, source, raw, unmapped[0])
        total[delivery_events.PARKED] += 1
    log.info("feedback.received", count=len(reading.events), parked=len(unmapped))
    services.queue.deliver()
    services.queue.alert()
    return total


def park(services: Services, source: str, raw: bytes, code: str) -> str:
    """Keep what could not be mapped, sealed, until this or a later version can; the item's id."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        sealed = json.dumps({"source": source, "body": raw.decode("latin-1")}).encode()
        item_id = parked.park_message(connection, sealed, code[:40], services.ring, now, ParkedKind.FEEDBACK)
        delivery_events.count(connection, source, delivery_events.PARKED)
        alerts.queue(connection, AlertKind.FEEDBACK_PARKED, f"{source}/{code}/{now.date()}", None, now,
                     real_now(connection))  # fmt: skip
    return item_id


def note_refused(services: Services, source: str) -> None:
    """Count a post that its provider did not sign."""
    with services.database.write() as connection:
        delivery_events.count(connection, source, delivery_events.REFUSED)


def _receive_all(services: Services, source: str, events: Sequence[DeliveryEvent]) -> tuple[Counter[str], list[str]]:
    """One transaction for all. Where one of them breaks it, each gets its own, so that the others get through."""
    try:
        with services.database.write() as connection:
            return Counter(receive_event(services, connection, source, event) for event in events), []
    except Exception as error:
        if is_transient(error):
            raise
        if len(events) <= 1:
            log.exception("feedback.failed")
            return Counter(), [type(error).__name__]
    results = [_receive_all(services, source, [event]) for event in events]
    return sum((total for total, _ in results), Counter()), [code for _, codes in results for code in codes]


def receive_event(services: Services, connection: Connection, source: str, event: DeliveryEvent) -> str:
    """Record one event and do what follows from it; what became of it."""
    now = installation.product_now(connection)
    send = delivery_events.send_of(connection, event)
    lead = leads.lock(connection, send["lead_id"]) if send else None
    if not delivery_events.record(connection, source, event, send, now):
        return REPEATED
    if send is None or lead is None:
        delivery_events.count(connection, source, UNMATCHED)
        return UNMATCHED
    known = {"send_id": send["id"], "email": send["email"], "code": event.code or None}
    timeline.add(connection, Happened.FEEDBACK, now, lead["id"], actor=source, event=event.kind, **known)
    settle(services, connection, send, now)
    reputation = services.content.renderer(connection)[1].catalog.clinic.reputation
    act_on_event(connection, source, event, send, lead, reputation, now)
    return event.kind
