"""Parked items: what could not be handled, kept with its reason until a person decides (I8).

One that waits is tried again by itself for a while, before a person has to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from worker.domain.ids import is_id, new_id
from worker.storage import submissions
from worker.storage.sealing import KeyRing
from worker.storage.tables import parked

OPEN, WAITING, REPLAYED, DISMISSED = "open", "waiting", "replayed", "dismissed"


class ParkedKind(StrEnum):
    """What an item is."""

    SUBMISSION = "submission"
    MESSAGE = "message"
    FEEDBACK = "feedback"
    EVENT = "event"
    BOOKING = "booking"


def park_submission(
    connection: Connection, submission_id: str | None, sealed: str, code: str, at: datetime
) -> str | None:
    """Keep a submission that can't be captured: the new item's id, or None where it is parked already
    (its count grows)."""
    same = parked.c.submission_id.is_not_distinct_from(submission_id) & (parked.c.sealed == sealed)
    same &= (parked.c.code == code) & (parked.c.state == OPEN)
    seen = connection.execute(update(parked).where(same).values(count=parked.c.count + 1, last_at=at)).rowcount
    if seen:
        return None
    item_id = new_id()
    connection.execute(
        insert(parked).values(
            id=item_id,
            kind=ParkedKind.SUBMISSION,
            submission_id=submission_id,
            code=code,
            sealed=sealed,
            first_at=at,
            last_at=at,
            state=OPEN,
        )
    )
    return item_id


def park_message(
    connection: Connection,
    raw: bytes,
    code: str,
    ring: KeyRing,
    at: datetime,
    kind: ParkedKind = ParkedKind.MESSAGE,
    state: str = OPEN,
) -> str:
    """Keep a broker message that no worker could read, or feedback that can't be mapped, sealed; the item's id."""
    item_id = new_id()
    connection.execute(
        insert(parked).values(
            id=item_id,
            kind=kind,
            submission_id=None,
            code=code,
            sealed=ring.seal(raw, _place(item_id)),
            first_at=at,
            last_at=at,
            state=state,
        )
    )
    return item_id


def park_event(connection: Connection, event_id: str, code: str, at: datetime) -> None:
    """Keep an event that an endpoint was not told. The item has the event's id, and holds nothing itself."""
    again = update(parked).where(parked.c.id == event_id)
    if connection.execute(again.values(code=code, state=OPEN, count=parked.c.count + 1, last_at=at)).rowcount:
        return
    values = {"id": event_id, "kind": ParkedKind.EVENT, "code": code, "first_at": at, "last_at": at, "state": OPEN}
    connection.execute(insert(parked).values(**values))


def open_message(item: Mapping[str, Any], ring: KeyRing) -> bytes:
    """The bytes of a parked message. Raises SealError."""
    return ring.open(item["sealed"], _place(item["id"]))


def place_of(item: Mapping[str, Any]) -> str | None:
    """Where an item opens; None for one so damaged that nobody knows whose it was."""
    if item["kind"] != ParkedKind.SUBMISSION:
        return _place(item["id"])
    return submissions.place(item["submission_id"]) if item["submission_id"] else None


def _place(item_id: str) -> str:
    return f"parked/{item_id}"


def listed(connection: Connection, limit: int, state: str = OPEN) -> list[Mapping[str, Any]]:
    """Parked items, the latest seen first."""
    rows = connection.execute(
        select(parked).where(parked.c.state == state).order_by(parked.c.last_at.desc()).limit(limit)
    )
    return [dict(row._mapping) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Open items of one kind with one code: how many, how often seen together, and when."""

    kind: str
    code: str
    items: int
    seen: int
    first_at: datetime
    last_at: datetime


def causes(connection: Connection) -> list[Cause]:
    """Open items by cause, the latest seen first."""
    last = func.max(parked.c.last_at)
    rows = connection.execute(
        select(parked.c.kind, parked.c.code, func.count(), func.sum(parked.c.count), func.min(parked.c.first_at), last)
        .where(parked.c.state == OPEN)
        .group_by(parked.c.kind, parked.c.code)
        .order_by(last.desc())
    )
    return [
        Cause(kind=kind, code=code, items=items, seen=int(seen), first_at=first_at, last_at=last_at)
        for kind, code, items, seen, first_at, last_at in rows
    ]


def of_cause(connection: Connection, kind: str, code: str, limit: int) -> list[Mapping[str, Any]]:
    """Open items of one cause, the oldest first."""
    rows = connection.execute(
        select(parked)
        .where(parked.c.state == OPEN, parked.c.kind == kind, parked.c.code == code)
        .order_by(parked.c.first_at, parked.c.id)
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def everything(connection: Connection) -> list[Mapping[str, Any]]:
    """Every item, decided or not."""
    return [dict(row._mapping) for row in connection.execute(select(parked).order_by(parked.c.id))]


def by_id(connection: Connection, item_id: str) -> Mapping[str, Any] | None:
    """One parked item."""
    if not is_id(item_id):
        return None
    row = connection.execute(select(parked).where(parked.c.id == item_id)).first()
    return dict(row._mapping) if row else None


def decide(connection: Connection, item_id: str, state: str) -> bool:
    """Note what a person decided; False where it was decided already."""
    if not is_id(item_id):
        return False
    updated = connection.execute(
        update(parked).where(parked.c.id == item_id, parked.c.state == OPEN).values(state=state)
    )
    return updated.rowcount == 1


def waiting(connection: Connection) -> list[tuple[str, datetime, datetime]]:
    """Items that are tried again by themselves: their ids, when they came and when last tried, longest untried first.

    All of them: behind a limit, those that are not yet to be tried would hide newer ones that are.
    """
    rows = connection.execute(
        select(parked.c.id, parked.c.first_at, parked.c.last_at)
        .where(parked.c.state == WAITING)
        .order_by(parked.c.last_at)
    )
    return [(item_id, first_at, last_at) for item_id, first_at, last_at in rows]


def by_ids(connection: Connection, item_ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """These items, as far as they are there."""
    rows = connection.execute(select(parked).where(parked.c.id.in_(list(item_ids))).order_by(parked.c.last_at))
    return [dict(row._mapping) for row in rows]


def note_try(connection: Connection, item_id: str, state: str, code: str, at: datetime) -> bool:
    """A waiting item was tried again, and what became of it; False where it waits no more."""
    waits = update(parked).where(parked.c.id == item_id, parked.c.state == WAITING)
    return connection.execute(waits.values(state=state, code=code, last_at=at)).rowcount == 1


def dismiss_events(connection: Connection, event_ids: Sequence[str]) -> None:
    """The endpoint was removed: nobody is to be told of these any more."""
    theirs = parked.c.id.in_(list(event_ids)), parked.c.state == OPEN
    connection.execute(update(parked).where(*theirs).values(state=DISMISSED))


def count_waiting(connection: Connection) -> tuple[int, datetime | None]:
    """How many items are tried again by themselves, and since when the oldest waits."""
    waits = select(func.count(), func.min(parked.c.first_at)).where(parked.c.state == WAITING)
    count, oldest_at = connection.execute(waits).one()
    return count, oldest_at


def count_open(connection: Connection) -> int:
    """How many items wait for a person."""
    return connection.execute(select(func.count()).select_from(parked).where(parked.c.state == OPEN)).scalar_one()
