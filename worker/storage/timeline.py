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
from typing import Any

from sqlalchemy import Connection, select

from worker.domain.happened import Happened as Happened
from worker.domain.outgoing_events import Fact, fact_of
from worker.storage import outgoing_events
from worker.storage.inserting import NewRows, insert_several
from worker.storage.tables import timeline

SYSTEM = "system"
COMMAND_LINE, CONSOLE = "command_line", "console"
_VIA: ContextVar[str | None] = ContextVar("via", default=None)


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
    """Append entries, in this order. Whatever other systems are told of is noted for them in the same transaction."""
    insert_several(connection, [new_rows(entries)])
    outgoing_events.record(connection, facts(entries))


def new_rows(entries: Sequence[Entry]) -> NewRows:
    """Entries as they are stored, in this order."""
    return NewRows(timeline, [entry_row(entry) for entry in entries])


def facts(entries: Sequence[Entry]) -> list[Fact]:
    """What other systems are told of these entries."""
    told = (fact_of(entry.kind, entry.detail, entry.lead_id, entry.at) for entry in entries)
    return [fact for fact in told if fact]


def entry_row(entry: Entry) -> dict[str, Any]:
    """An entry as it is stored."""
    return {
        "lead_id": entry.lead_id,
        "at": entry.at,
        "actor": entry.actor,
        "kind": entry.kind,
        "via": _VIA.get(),
        "detail": {name: value for name, value in entry.detail.items() if value is not None},
    }


def of_content(connection: Connection) -> list[Mapping[str, Any]]:
    """Each time that content became what is sent, oldest first."""
    about_nobody = timeline.c.lead_id.is_(None), timeline.c.kind == Happened.PUBLISHED
    rows = connection.execute(select(timeline).where(*about_nobody).order_by(timeline.c.id))
    return [dict(row._mapping) for row in rows]


def of_lead(connection: Connection, lead_id: str) -> list[Mapping[str, Any]]:
    """A lead's entries, oldest first."""
    rows = connection.execute(select(timeline).where(timeline.c.lead_id == lead_id).order_by(timeline.c.id))
    return [dict(row._mapping) for row in rows]
