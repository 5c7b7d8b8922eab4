"""Everything that is held about one person, found by walking the foreign keys from their lead: no list to forget.

A table that refers to a lead, however far away, is found by itself. Every other table stands in `BESIDE`, with how
it names a person, or why it does not; a conformance test refuses a table that is in neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, false, or_, select, tuple_

from worker.domain.ids import alert_id
from worker.storage.alerts import AlertKind
from worker.storage.tables import alerts, leads, metadata, outgoing_events, parked, submissions, timeline

Rows = Mapping[str, list[Mapping[str, Any]]]
"""Rows by the name of their table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A table outside the walk. `rows` finds what in it is about a person, given what was found so far."""

    why: str
    rows: Callable[[Rows], ColumnElement[bool]] | None = None


BESIDE: Mapping[str, Beside] = {
    "parked": Beside(
        why="an item may hold a submission, and names it without a foreign key, since it may not be stored; "
        "or it stands for an event that could not be told, by the same id",
        rows=lambda found: or_(
            parked.c.submission_id.in_(ids(found, "submissions")), parked.c.id.in_(ids(found, "outgoing_events"))
        ),
    ),
    "installation": Beside(why="one row, about no person"),
    "snapshots": Beside(why="content and who approved it; no lead"),
    "draft_versions": Beside(why="texts of emails and who wrote them; no lead"),
    "pauses": Beside(why="what staff paused, by place or sequence; no lead"),
    "heartbeats": Beside(why="processes; no lead"),
    "feedback_counts": Beside(why="how many events of each kind came in; no lead"),
    "mailbox_positions": Beside(why="how far a mailbox has been read; no lead"),
    "tokens": Beside(why="programs that may tell us of events; no lead"),
    "usage": Beside(why="how fast is sent, by kind of mailbox; no lead"),
    "breakers": Beside(why="how each provider does; no lead"),
    "endpoints": Beside(why="systems that are told what happens; no lead"),
    "samples": Beside(why="figures of the whole product, minute by minute; no lead"),
    "tally_days": Beside(why="which days are counted for reports; no lead"),
    "tallies": Beside(why="how many of what on each day; no lead, and counted anew when one is erased"),
    "mail_tallies": Beside(why="how many emails by kind of mailbox on each day; no lead"),
    "staff": Beside(why="who may sign in; staff have rights too, but not as leads"),
    "staff_links": Beside(why="one-time links of staff"),
    "staff_sessions": Beside(why="where staff are signed in"),
    "suppressions": Beside(why="a keyed hash of an address: kept, so that a suppression outlives the lead"),
    "erased": Beside(why="keyed hashes of erased submissions: kept, so that no late copy brings them back"),
}


def walked() -> tuple[Table, ...]:
    """The tables that refer to a lead, directly or through others; parents first."""
    found = [leads]
    for table in metadata.sorted_tables:
        if table not in found and any(key.column.table in found for key in table.foreign_keys):
            found.append(table)
    return tuple(found)


def find(
    connection: Connection, lead_id: str, submission_ids: Iterable[str] = (), parked_ids: Iterable[str] = ()
) -> Rows:
    """Every row about a person: those of their lead, of further submissions of theirs, and of parked items."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for table in walked():
        conditions: list[ColumnElement[bool]] = [
            key.parent.in_(_values(found, key.column)) for key in table.foreign_keys if key.column.table.name in found
        ]
        if table is leads:
            conditions = [leads.c.id == lead_id]
        if table is submissions:
            conditions.append(submissions.c.id.in_(list(submission_ids)))
        found[table.name] = _rows(connection, table, or_(false(), *conditions))
    for name, beside in BESIDE.items():
        if beside.rows is not None:
            found[name] = _rows(connection, metadata.tables[name], beside.rows(found))
    found["parked"] = _joined(found["parked"], _rows(connection, parked, parked.c.id.in_(list(parked_ids))))
    found["timeline"] = _joined(found["timeline"], _rows(connection, timeline, _entries_without_lead(found)))
    found["alerts"] = _joined(found["alerts"], _rows(connection, alerts, _alerts_without_lead(found)))
    events = _rows(connection, outgoing_events, _events_without_lead(found))
    found["outgoing_events"] = _joined(found["outgoing_events"], events)
    return found


def find_loose(connection: Connection, submission_ids: Iterable[str]) -> Rows:
    """The rows about submissions that no lead has."""
    nobody = "00000000-0000-0000-0000-000000000000"
    return find(connection, nobody, submission_ids)


def lock(connection: Connection, found: Rows) -> None:
    """Wait for whoever is changing one of these rows, and let nobody else begin; new rows may still refer to them.

    Sends come first, then alerts: whoever has one of these goes on to write about its lead, and must be able to.
    """
    first = {"sends": 0, "alerts": 1}
    for table in sorted(walked(), key=lambda table: first.get(table.name, 2)):
        keys = list(table.primary_key.columns)
        wanted = tuple_(*keys).in_([tuple(row[key.name] for key in keys) for row in found[table.name]])
        connection.execute(select(*keys).where(wanted).order_by(*keys).with_for_update(key_share=True))


def erase(connection: Connection, found: Rows) -> int:
    """Delete these rows, children first; how many."""
    count = 0
    for table in reversed(metadata.sorted_tables):
        for row in found.get(table.name, ()):
            same = (key == row[key.name] for key in table.primary_key.columns)
            count += connection.execute(delete(table).where(*same)).rowcount
    return count


def ids(found: Rows, *names: str) -> list[str]:
    """The ids of the rows of these tables."""
    return [row["id"] for name in names for row in found.get(name, ())]


def _entries_without_lead(found: Rows) -> ColumnElement[bool]:
    """What was noted before a submission had a lead, or about a parked one."""
    named = or_(
        timeline.c.detail["submission_id"].as_string().in_(ids(found, "submissions")),
        timeline.c.detail["item_id"].as_string().in_(ids(found, "parked")),
    )
    return timeline.c.lead_id.is_(None) & named


def _alerts_without_lead(found: Rows) -> ColumnElement[bool]:
    subjects = ids(found, "submissions", "parked", "sends")
    return alerts.c.id.in_([alert_id(kind, subject) for kind in AlertKind for subject in subjects])


def _events_without_lead(found: Rows) -> ColumnElement[bool]:
    """Alerts of what had no lead yet, as other systems are told of them."""
    named: ColumnElement[bool] = outgoing_events.c.detail["alert_id"].as_string().in_(ids(found, "alerts"))
    return outgoing_events.c.lead_id.is_(None) & named


def _values(found: Rows, column: Column[Any]) -> list[Any]:
    return [row[column.name] for row in found.get(column.table.name, ())]


def _rows(connection: Connection, table: Table, condition: ColumnElement[bool]) -> list[Mapping[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(select(table).where(condition))]


def _joined(some: list[Mapping[str, Any]], more: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = {row["id"] for row in some}
    return some + [row for row in more if row["id"] not in known]
