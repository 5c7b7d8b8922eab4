"""The timeline: what happened to each lead, and who did it. Append-only; details are codes and ids.

It is the audit trail as well: a staff act is an entry whose actor is a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select

from worker.storage.tables import timeline

SYSTEM = "system"


class Happened(StrEnum):
    """What an entry tells."""

    RECEIVED = "received"
    ROUTED = "routed"
    CONSENT = "consent"
    ENROLLED = "enrolled"
    NOT_ENROLLED = "not_enrolled"
    ENROLLMENT_ENDED = "enrollment_ended"
    PLANNED = "planned"
    SHIFTED = "shifted"
    SENT = "sent"
    SKIPPED = "skipped"
    HELD = "held"
    RELEASED = "released"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RESOLVED = "resolved"
    UNSUBSCRIBED = "unsubscribed"
    REVEALED = "revealed"
    IDENTITY_ADDED = "identity_added"
    IDENTITY_DIFFERS = "identity_differs"
    ALERTED = "alerted"
    ALERT_PARKED = "alert_parked"
    QUARANTINED = "quarantined"
    CRISIS = "crisis"
    PAUSED = "paused"
    RESUMED = "resumed"
    REPLAYED = "replayed"
    DISMISSED = "dismissed"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    EVENT = "event"
    KEYS_ROTATED = "keys_rotated"


def add(
    connection: Connection,
    kind: Happened,
    at: datetime,
    lead_id: str | None,
    *,
    actor: str = SYSTEM,
    **detail: Any,
) -> None:
    """Append one entry. `detail` holds codes and ids only, never contact or health data in words."""
    connection.execute(
        insert(timeline).values(
            lead_id=lead_id,
            at=at,
            actor=actor,
            kind=kind,
            detail={k: v for k, v in detail.items() if v is not None},
        )
    )


def of_lead(connection: Connection, lead_id: str) -> list[Mapping[str, Any]]:
    """A lead's entries, oldest first."""
    rows = connection.execute(select(timeline).where(timeline.c.lead_id == lead_id).order_by(timeline.c.id))
    return [dict(row._mapping) for row in rows]
