"""Pauses: everything, a location, a sequence or a queue, honoured in the database at the moment of sending."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from worker.storage.columns import written
from worker.storage.tables import pauses, sends


class PauseScope(StrEnum):
    """What a pause stops."""

    ALL = "all"
    LOCATION = "location"
    SEQUENCE = "sequence"
    QUEUE = "queue"
    EPOCH = "epoch"
    """Everything, until a person confirms that this database is the one that sends (restore safety)."""


def add(
    connection: Connection,
    scope: PauseScope,
    value: str | None,
    reason: str,
    by: str,
    at: datetime,
    until: datetime | None,
) -> None:
    """Stop sending, until an instant (product clock) or until someone resumes."""
    connection.execute(
        insert(pauses).values(scope=scope, value=value, reason=reason, by=by, created_at=at, until=until)
    )


def lift(connection: Connection, scope: PauseScope, value: str | None, at: datetime) -> int:
    """End the pauses of this scope; how many there were."""
    matching = and_(pauses.c.scope == scope, pauses.c.value.is_not_distinct_from(value), pauses.c.lifted_at.is_(None))
    return connection.execute(update(pauses).where(matching).values(lifted_at=at)).rowcount


def is_paused(connection: Connection, scope: PauseScope, value: str | None, now: datetime) -> bool:
    """True when a pause of exactly this scope is in force."""
    same = and_(pauses.c.scope == scope, pauses.c.value.is_not_distinct_from(value), in_force(now))
    return connection.execute(select(pauses.c.id).where(same).limit(1)).first() is not None


def is_any_left(connection: Connection, scope: PauseScope, value: str | None) -> bool:
    """True when a pause of exactly this scope was begun and not lifted: it is in force unless its time is over."""
    same = and_(pauses.c.scope == scope, pauses.c.value.is_not_distinct_from(value), pauses.c.lifted_at.is_(None))
    return connection.execute(select(pauses.c.id).where(same).limit(1)).first() is not None


def something_is_left() -> ColumnElement[bool]:
    """The condition that anything at all was paused and not resumed."""
    return exists().where(pauses.c.lifted_at.is_(None))


def last_lifted(connection: Connection, scope: PauseScope, value: str | None) -> datetime | None:
    """When a person last ended a pause of this scope."""
    same = and_(pauses.c.scope == scope, pauses.c.value.is_not_distinct_from(value))
    return connection.execute(select(func.max(pauses.c.lifted_at)).where(same)).scalar_one_or_none()


def active(connection: Connection, now: datetime) -> list[Mapping[str, Any]]:
    """The pauses in force."""
    rows = connection.execute(select(pauses).where(in_force(now)).order_by(pauses.c.id))
    return [dict(row._mapping) for row in rows]


def is_epoch_held(connection: Connection) -> bool:
    """True when sending waits for a person to confirm this database."""
    held = select(pauses.c.id).where(pauses.c.scope == PauseScope.EPOCH, pauses.c.lifted_at.is_(None))
    return connection.execute(held.limit(1)).first() is not None


def in_force(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """The condition that a pause is in force."""
    return and_(pauses.c.lifted_at.is_(None), or_(pauses.c.until.is_(None), pauses.c.until > now))


def stops_send(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """The condition, for a row of `sends`, that some pause stops it."""
    return exists().where(
        in_force(now),
        or_(
            pauses.c.scope.in_([written(PauseScope.ALL), written(PauseScope.EPOCH)]),
            and_(pauses.c.scope == written(PauseScope.LOCATION), pauses.c.value == sends.c.location),
            and_(pauses.c.scope == written(PauseScope.SEQUENCE), pauses.c.value == sends.c.sequence),
        ),
    )
