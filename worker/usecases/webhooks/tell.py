"""Tell other systems what happened: at least once, in order for each lead, any number of workers at a time.

Endpoints take turns, one event each, so that none waits for another's backlog. One that takes nothing is left alone
for a while, whatever waits for it; an event that it refuses waits alone, and in the end for a person.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from worker.domain.outgoing_events import Contact, Fact, Tell, body
from worker.domain.redelivery import Fate, Told, is_hopeless, until_next_try
from worker.errors import SealError
from worker.storage import alerts, endpoints, erasure_notices, installation, leads, outgoing_events, parked
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.usecases.services import Services
from worker.usecases.webhooks.reach import reach

log = structlog.get_logger()

_AT_MOST = timedelta(seconds=45)
"""Less than a task may take, with a slow endpoint at the end of it; the next sweep goes on."""

Row = Mapping[str, Any]


def is_anything_to_tell(services: Services) -> bool:
    """True when an endpoint can be told something now."""
    with services.database.read() as connection:
        return bool(outgoing_events.ready_endpoints(connection, real_now(connection)))


def tell_endpoints(services: Services) -> Counter[Fate]:
    """Tell whatever is due; how the tries ended."""
    total: Counter[Fate] = Counter()
    until = time.monotonic() + _AT_MOST.total_seconds()
    while time.monotonic() < until:
        with services.database.read() as connection:
            ready = outgoing_events.ready_endpoints(connection, real_now(connection))
        ends = Counter(fate for endpoint in ready if (fate := _tell_next(services, endpoint)))
        if not ends:
            break
        total += ends
    return total


def _tell_next(services: Services, ready: Row) -> Fate | None:
    """One try, by what is agreed at its start; None where another worker was faster."""
    with services.database.write() as connection:
        event = outgoing_events.claim_next(connection, ready["id"], real_now(connection))
        endpoint = endpoints.by_id(connection, ready["id"]) if event else None
        lead = (
            leads.by_ids(connection, [event["lead_id"]]).get(event["lead_id"]) if event and event["lead_id"] else None
        )
    if event is None or endpoint is None:
        return None
    told = _try(services, endpoint, event, lead)
    with services.database.write() as connection:
        _note(connection, endpoint, event, told)
    log.info("event.tried", event_id=event["id"], endpoint_id=endpoint["id"], code=told.code)
    return told.fate


def _try(services: Services, endpoint: Row, event: Row, lead: Row | None) -> Told:
    if lead is not None and lead["status"] == leads.ERASING:
        return Told(fate=Fate.NOT_THIS, code="lead_erasing")
    try:
        access = endpoints.open_access(endpoint, services.ring)
    except SealError:
        return Told(fate=Fate.AWAY, code="endpoint_sealed")
    tells = frozenset(Tell(tell) for tell in endpoint["tells"])
    try:
        contact = _contact(services, lead) if Tell.CONTACT in tells else Contact()
        detail = {**event["detail"], **erasure_notices.opened(event, services.ring)}
    except SealError:
        return Told(fate=Fate.NOT_THIS, code="identity_sealed")
    fact = Fact(type=event["type"], at=event["at"], lead_id=event["lead_id"], detail=detail)
    return reach(services, endpoint, access, event["id"], body(fact, lead, contact, tells))


def _contact(services: Services, lead: Row | None) -> Contact:
    known = services.vault.open_identity(lead) if lead is not None else None
    return Contact(**{name: getattr(known, name) for name in Contact.__slots__}) if known else Contact()


def _note(connection: Connection, endpoint: Row, event: Row, told: Told) -> None:
    """Write down how it went. Who was faster has written it already, and an erased one needs no end."""
    now, real = installation.product_now(connection), real_now(connection)
    if told.fate is Fate.TAKEN:
        if outgoing_events.finish(connection, event, state=outgoing_events.TAKEN, not_before=None, last_code=told.code):
            endpoints.note_taken(connection, endpoint["id"], real)
            erasure_notices.forget(connection, [event["id"]])
        return
    wait = until_next_try(event["attempts"], told.wait)
    if is_hopeless(told, event["attempts"]):
        if outgoing_events.finish(connection, event, state=outgoing_events.PARKED, last_code=told.code):
            parked.park_event(connection, event["id"], told.code, now)
            subject = f"{endpoint['id']}/{now.date()}"
            alerts.queue(connection, AlertKind.EVENT_PARKED, subject, None, now, real)
    else:
        own_wait = real + wait if told.fate is Fate.NOT_THIS else None
        outgoing_events.finish(connection, event, not_before=own_wait, last_code=told.code)
    if told.fate in {Fate.AWAY, Fate.GONE}:
        pause = until_next_try(endpoint["failures"] + 1, told.wait)
        endpoints.note_away(connection, endpoint["id"], told.code, real + pause)
    if told.fate is Fate.GONE:
        endpoints.change(connection, endpoint["id"], stopped_at=now)
