"""The ledger as people look at it: what is planned and when, who waits for what. Nothing here changes a send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from worker.domain.sends import SendKind, SendState
from worker.storage import pauses
from worker.storage.columns import written
from worker.storage.sends import IN_ATTENTION_INDEX, IN_LEASED_INDEX
from worker.storage.tables import sends

IS_PLANNED = sends.c.state == written(SendState.PLANNED)
IS_PENDING = or_(
    IS_PLANNED,
    and_(IN_LEASED_INDEX, sends.c.state == SendState.CLAIMED),
    and_(IN_ATTENTION_INDEX, sends.c.state == SendState.HELD),
)
"""In the words of the partial indexes: a database that has sent millions reads only what is still to come."""


@dataclass(frozen=True, slots=True)
class Planned:
    """How many sends of one email are planned for one day (UTC) and location."""

    day: date
    location: str
    sequence: str | None
    email: str
    count: int


def planned_by_day(
    connection: Connection, start: datetime, end: datetime, *, location: str | None = None, sequence: str | None = None
) -> list[Planned]:
    """What is planned between two instants, by day (UTC), location, sequence and email."""
    is_sqlite = connection.dialect.name == "sqlite"
    day = func.date(sends.c.due_at) if is_sqlite else func.date(func.timezone("UTC", sends.c.due_at))
    query = select(day, sends.c.location, sends.c.sequence, sends.c.email, func.count()).where(
        IS_PLANNED, sends.c.due_at >= start, sends.c.due_at < end
    )
    if location is not None:
        query = query.where(sends.c.location == location)
    if sequence is not None:
        query = query.where(sends.c.sequence == sequence)
    rows = connection.execute(query.group_by(day, sends.c.location, sends.c.sequence, sends.c.email).order_by(day))
    return [Planned(date.fromisoformat(str(row[0])), *row[1:]) for row in rows]


def planned_between(
    connection: Connection, start: datetime, end: datetime, limit: int, *, location: str | None = None,
    sequence: str | None = None, email: str | None = None,
) -> list[Mapping[str, Any]]:  # fmt: skip
    """The planned sends due between two instants, in their order."""
    query = select(sends).where(IS_PLANNED, sends.c.due_at >= start, sends.c.due_at < end)
    for column, wanted in ((sends.c.location, location), (sends.c.sequence, sequence), (sends.c.email, email)):
        if wanted is not None:
            query = query.where(column == wanted)
    rows = connection.execute(query.order_by(sends.c.due_at, sends.c.id).limit(limit))
    return [dict(row._mapping) for row in rows]


def waiting_by_email(connection: Connection) -> dict[str, int]:
    """Per email, how many people have it as their next."""
    rows = connection.execute(
        select(sends.c.email, func.count()).where(IS_PENDING, sends.c.kind == SendKind.NURTURE).group_by(sends.c.email)
    )
    return {row[0]: row[1] for row in rows}


def waiting_by_step(connection: Connection, sequence: str) -> dict[str, int]:
    """Per step of a sequence, how many people wait for it."""
    rows = connection.execute(
        select(sends.c.step, func.count()).where(IS_PENDING, sends.c.sequence == sequence).group_by(sends.c.step)
    )
    return {row[0]: row[1] for row in rows}


def count_stopped(connection: Connection, now: datetime, until: datetime) -> int:
    """How many planned sends, due until an instant, a pause in force stops: those that no worker has tried yet too."""
    stopped = select(func.count()).select_from(sends)
    stopped = stopped.where(IS_PLANNED, sends.c.due_at <= until, pauses.stops_send(now))
    return connection.execute(stopped).scalar_one()
