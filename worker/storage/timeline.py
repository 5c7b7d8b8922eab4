"""The timeline: what happened to each lead, and who did it. Append-only; details are codes and ids.

It is the audit trail as well: what people did has a `via`, the sign-in in the console or the command line
that it was done from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select

from worker.storage.tables import timeline

SYSTEM = "system"
COMMAND_LINE, CONSOLE = "command_line", "console"
_VIA: ContextVar[str | None] = ContextVar("via", default=None)


class Happened(StrEnum):
    """What an entry tells."""

    RECEIVED = "received"
    ROUTED = "routed"
    CONSENT = "consent"
    ENROLLED = "enrolled"
    NOT_ENROLLED = "not_enrolled"
    ENROLLMENT_ENDED = "enrollment_ended"
    PLANNED = "planned"
    PLANNED_AGAIN = "planned_again"
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
    ACKNOWLEDGED = "acknowledged"
    QUARANTINED = "quarantined"
    CRISIS = "crisis"
    PAUSED = "paused"
    RESUMED = "resumed"
    REPLAYED = "replayed"
    DISMISSED = "dismissed"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    EVENT = "event"
    ANSWERED = "answered"
    ESCALATED = "escalated"
    KEYS_ROTATED = "keys_rotated"
    FEEDBACK = "feedback"
    SUPPRESSED = "suppressed"
    REPLIED = "replied"
    QUIET = "quiet"
    TOKEN = "token"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    USER_LINKED = "user_linked"
    PASSWORD_SET = "password_set"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_REFUSED = "sign_in_refused"
    ERASING = "erasing"
    ERASED = "erased"
    EXPORTED = "exported"
    IDENTITY_CORRECTED = "identity_corrected"
    RETAINED = "retention"
    ALLOWED_AGAIN = "allowed_again"
    SEARCHED = "searched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `detail` holds codes and ids only, never contact or health data in words."""

    kind: Happened
    at: datetime
    lead_id: str | None
    detail: Mapping[str, Any]
    actor: str = SYSTEM


@contextmanager
def acting_via(via: str) -> Iterator[None]:
    """Whatever is added meanwhile was done from there: no use case need know, so none can forget to say it."""
    before = _VIA.set(via)
    try:
        yield
    finally:
        _VIA.reset(before)


def add(
    connection: Connection,
    kind: Happened,
    at: datetime,
    lead_id: str | None,
    *,
    actor: str = SYSTEM,
    **detail: Any,
) -> None:
    """Append one entry."""
    add_all(connection, [Entry(kind=kind, at=at, lead_id=lead_id, detail=detail, actor=actor)])


def add_all(connection: Connection, entries: Sequence[Entry]) -> None:
    """Append entries, in this order."""
    if entries:
        connection.execute(insert(timeline), [_row(entry) for entry in entries])


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "lead_id": entry.lead_id,
        "at": entry.at,
        "actor": entry.actor,
        "kind": entry.kind,
        "via": _VIA.get(),
        "detail": {name: value for name, value in entry.detail.items() if value is not None},
    }


def of_lead(connection: Connection, lead_id: str) -> list[Mapping[str, Any]]:
    """A lead's entries, oldest first."""
    rows = connection.execute(select(timeline).where(timeline.c.lead_id == lead_id).order_by(timeline.c.id))
    return [dict(row._mapping) for row in rows]
