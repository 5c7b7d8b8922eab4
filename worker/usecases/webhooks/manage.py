"""Who is told what happens: add, change, test, pause, resume, rotate, remove. Each but a test is in the audit trail."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from worker.domain.ids import new_id
from worker.domain.outgoing_events import ALERT, TEST, EventType, Tell, wants
from worker.domain.redelivery import Fate, Told
from worker.errors import Refused
from worker.storage import endpoints, erasure_notices, installation, outgoing_events, parked, timeline
from worker.storage.alerts import AlertKind
from worker.storage.endpoints import Access, EndpointKind
from worker.storage.timeline import Happened
from worker.usecases.services import Services
from worker.usecases.webhooks.list_endpoints import endpoint_row
from worker.usecases.webhooks.reach import reach

OLD_SECRET_LASTS = timedelta(hours=24)
"""How long both secrets sign after a change, so that the receiver can change at leisure."""

EVERY_TYPE: tuple[str, ...] = (*EventType, *(f"{ALERT}{kind}" for kind in AlertKind))
"""All that can be told."""

LEAD_EVENTS: tuple[str, ...] = tuple(EventType)
"""What is told unless said otherwise."""

ALERT_EVENTS = f"{ALERT}*"
"""All that staff are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What may be told beside ids, who agreed to it, and on which day."""

    tells: frozenset[Tell] = frozenset()
    by: str = ""
    on: date | None = None


def add_endpoint(
    services: Services,
    name: str,
    url: str,
    events: Sequence[str],
    agreement: Agreement,
    actor: str,
    *,
    kind: EndpointKind = EndpointKind.WEBHOOK,
    secret: str | None = None,
) -> tuple[str, str]:
    """Tell this address from now on; its id, and the secret that signs. Raises Refused."""
    _check_address(services, url)
    _check_events(events)
    _check_agreement(kind, agreement)
    endpoint_id, access = new_id(), Access(url=url, secret=secret or new_secret())
    host = urlsplit(url).netloc.rpartition("@")[2]
    with services.database.write() as connection:
        now = installation.product_now(connection)
        endpoints.add(
            connection,
            {
                "id": endpoint_id,
                "kind": kind,
                "name": name or host,
                "host": host,
                "sealed": endpoints.seal_access(endpoint_id, access, services.ring),
                "events": list(events),
                **_terms(agreement),
                "created_at": now,
                "created_by": actor,
            },
        )
        _note(connection, endpoint_id, "added", actor, **_terms(agreement))
    return endpoint_id, access.secret


def change_endpoint(
    services: Services,
    endpoint_id: str,
    actor: str,
    *,
    events: Sequence[str] | None = None,
    agreement: Agreement | None = None,
) -> None:
    """Tell it of other events from now on, or more or less beside ids, what waits included. Raises NotFound, Refused.

    None leaves it as it is.
    """
    with services.database.write() as connection:
        endpoint = endpoint_row(connection, endpoint_id)
        wanted: dict[str, Any] = {}
        if events is not None and set(events) != set(endpoint["events"]):
            _check_events(events)
            wanted["events"] = list(events)
        if agreement is not None:
            _check_agreement(endpoint["kind"], agreement)
            wanted |= _terms(agreement)
        changed = {name: value for name, value in wanted.items() if value != endpoint[name]}
        if not changed:
            raise Refused("nothing would change: it is told just this already")
        if "events" in changed and endpoint["kind"] != EndpointKind.WEBHOOK:
            raise Refused("a CRM is told of what it has words for; these events stay as they are")
        endpoints.change(connection, endpoint_id, **changed)
        was = {name: endpoint[name] for name in changed}
        _note(connection, endpoint_id, "changed", actor, **changed, was=was)


def _terms(agreement: Agreement) -> dict[str, Any]:
    """An agreement as it is stored; one that allows nothing is none."""
    by, on = (agreement.by or None, agreement.on) if agreement.tells else (None, None)
    return {"tells": sorted(agreement.tells), "agreed_by": by, "agreed_on": on.isoformat() if on else None}


def new_secret() -> str:
    """A fresh one, as Standard Webhooks spells them."""
    return f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


def _check_address(services: Services, url: str) -> None:
    where = urlsplit(url)
    if where.scheme not in {"http", "https"} or not where.hostname:
        raise Refused("this is no web address; write https://…")
    if where.scheme != "https" and not services.reach.allows_clear_text(where.hostname):
        raise Refused("this would tell it in clear; write https://…, or name its host in NURTURE_PRIVATE_HOSTS")


def _check_events(events: Sequence[str]) -> None:
    if not events:
        raise Refused("it would be told of nothing; name an event")
    for event in events:
        if not any(wants([event], known) for known in EVERY_TYPE):
            raise Refused(f"nothing is called {event!r}; write lead.created, email.sent, alert.*, …")


def _check_agreement(kind: str, agreement: Agreement) -> None:
    if kind != EndpointKind.WEBHOOK and Tell.CONTACT not in agreement.tells:
        raise Refused("a CRM knows people by their address, so the agreement must cover contact data: --tell contact")
    if agreement.tells and not (agreement.by and agreement.on):
        raise Refused("more than ids is told by agreement only: say who agreed, and on which day")
    if agreement.on and agreement.on > datetime.now(UTC).date():
        raise Refused("an agreement of a day to come is none yet")


def rotate_secret(services: Services, endpoint_id: str, actor: str, secret: str | None = None) -> str:
    """Another secret; an old one that signs goes on beside it for a day. Raises NotFound, Refused, SealError."""
    with services.database.write() as connection:
        endpoint = endpoint_row(connection, endpoint_id)
        if endpoint["kind"] != EndpointKind.WEBHOOK and not secret:
            raise Refused("its token comes from the CRM; make a new one there, and give it with --token-file")
        access = endpoints.open_access(endpoint, services.ring)
        until = datetime.now(UTC) + OLD_SECRET_LASTS
        fresh = replace(access, secret=secret or new_secret(), old_secret=access.secret, old_until=until.isoformat())
        endpoints.change(connection, endpoint_id, sealed=endpoints.seal_access(endpoint_id, fresh, services.ring))
        _note(connection, endpoint_id, "rotated", actor)
    return fresh.secret


def pause_endpoint(services: Services, endpoint_id: str, actor: str) -> None:
    """Tell it nothing for a while; what happens meanwhile waits for it. Raises NotFound."""
    with services.database.write() as connection:
        endpoint_row(connection, endpoint_id)
        endpoints.change(connection, endpoint_id, paused_at=installation.product_now(connection))
        _note(connection, endpoint_id, "paused", actor)


def resume_endpoint(services: Services, endpoint_id: str, actor: str) -> None:
    """Tell it again, at once: it was paused, or mended, or is back. Raises NotFound."""
    with services.database.write() as connection:
        endpoint_row(connection, endpoint_id)
        endpoints.change(connection, endpoint_id, stopped_at=None, paused_at=None, failures=0, not_before=None)
        _note(connection, endpoint_id, "resumed", actor)
    services.queue.tell()


def remove_endpoint(services: Services, endpoint_id: str, actor: str) -> int:
    """Tell it nothing any more, and forget its address and secrets; how much was still to be told. Raises NotFound."""
    with services.database.write() as connection:
        endpoint_row(connection, endpoint_id)
        now = installation.product_now(connection)
        untold = outgoing_events.withdraw(connection, endpoint_id)
        parked.dismiss_events(connection, untold)
        erasure_notices.forget(connection, untold)
        endpoints.change(connection, endpoint_id, sealed=None, removed_at=now)
        _note(connection, endpoint_id, "removed", actor, untold=len(untold))
    return len(untold)


def try_endpoint(services: Services, endpoint_id: str) -> Told:
    """Tell it a test event, or look into a CRM; where that works, what waits goes out. Raises NotFound, SealError."""
    with services.database.read() as connection:
        endpoint = endpoint_row(connection, endpoint_id)
    access = endpoints.open_access(endpoint, services.ring)
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    told = reach(services, endpoint, access, new_id(), {"type": TEST, "timestamp": at, "data": {}})
    if told.fate is Fate.TAKEN and not endpoint["stopped_at"]:
        with services.database.write() as connection:
            endpoints.change(connection, endpoint_id, failures=0, not_before=None, last_code=None)
        services.queue.tell()
    return told


def _note(connection: Connection, endpoint_id: str, what: str, actor: str, **codes: Any) -> None:
    now = installation.product_now(connection)
    timeline.add(connection, Happened.ENDPOINT, now, None, actor=actor, endpoint_id=endpoint_id, what=what, **codes)
