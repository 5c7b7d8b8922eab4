"""The outbox's one kind of event that outlives its lead: that they were erased, so that other systems forget too.

Which lead it was is sealed, and stands nowhere else; it goes once the system was told, or never will be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from worker.domain.outgoing_events import EventType, Fact, wants
from worker.storage import endpoints
from worker.storage.database import real_now
from worker.storage.outgoing_events import LEASE, PENDING, new_row
from worker.storage.sealing import KeyRing
from worker.storage.tables import outgoing_events


def place(event_id: str) -> str:
    """Where a notice opens."""
    return f"outgoing_events/{event_id}"


def record(
    connection: Connection,
    ring: KeyRing,
    lead: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    at: datetime,
) -> None:
    """Note it for every endpoint that wants it. `events` are those of this lead that go with them: where a worker may
    be telling one of them at this moment, the notice waits until it is done, or the person would come back there."""
    real = real_now(connection)
    is_being_told = any(row["state"] == PENDING and row["not_before"] and row["not_before"] > real for row in events)
    fact = Fact(type=EventType.LEAD_ERASED, at=at, lead_id=None, detail={})
    about = json.dumps({"lead_id": lead["id"], "reference": lead["reference"]}).encode()
    for endpoint_id, wanted in endpoints.subscriptions(connection):
        if wants(wanted, fact.type):
            row = new_row(fact, endpoint_id)
            late = {"not_before": real + LEASE} if is_being_told else {}
            sealed = ring.seal(about, place(row["id"]))
            connection.execute(insert(outgoing_events).values(**row, sealed=sealed, **late))


def opened(event: Mapping[str, Any], ring: KeyRing) -> Mapping[str, str]:
    """Which lead an event's notice is about; nothing for any other event. Raises SealError."""
    if event["sealed"] is None:
        return {}
    about: Mapping[str, str] = json.loads(ring.open(event["sealed"], place(event["id"])))
    return about


def forget(connection: Connection, event_ids: Sequence[str]) -> None:
    """These were told, or will not be: nothing of whom they were about stays."""
    gone = update(outgoing_events).where(outgoing_events.c.id.in_(list(event_ids)))
    connection.execute(gone.where(outgoing_events.c.sealed.is_not(None)).values(sealed=None))
