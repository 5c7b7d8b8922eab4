"""The circuit breaker of each provider: one row, changed under its lock, so that all workers see one state."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from worker.domain.breaker import Breaker, State
from worker.storage.database import insert_for
from worker.storage.installation import MOMENT, Moment, moment_of
from worker.storage.tables import breakers, installation


def read(connection: Connection, provider: str, *, to_change: bool = False) -> Breaker:
    """The breaker as it stands. `to_change` locks it until the transaction ends."""
    query = select(breakers).where(breakers.c.provider == provider)
    row = connection.execute(query.with_for_update() if to_change else query).first()
    return _breaker(row) if row else Breaker()


def read_with_moment(connection: Connection, provider: str) -> tuple[Moment, Breaker]:
    """This moment and the breaker as it stands, in one query: the gate asks for both each time."""
    row = connection.execute(_WITH_MOMENT[connection.dialect.name], {"name": provider}).one()
    return moment_of(connection, row), Breaker() if row.state is None else _breaker(row)


def store(connection: Connection, provider: str, breaker: Breaker) -> None:
    """Write it down."""
    if breaker.is_pristine:
        connection.execute(delete(breakers).where(breakers.c.provider == provider))
        return
    statement = insert_for(connection)(breakers).values(provider=provider, **asdict(breaker))
    connection.execute(statement.on_conflict_do_update(index_elements=["provider"], set_=asdict(breaker)))


def not_closed(connection: Connection) -> dict[str, Breaker]:
    """The breakers that let nothing through, by provider."""
    rows = connection.execute(select(breakers).where(breakers.c.state != State.CLOSED))
    return {row.provider: _breaker(row) for row in rows}


def try_now(connection: Connection, now: datetime) -> int:
    """Let the next send be the probe, without waiting; how many breakers were open."""
    return connection.execute(update(breakers).where(breakers.c.state == State.OPEN).values(retry_at=now)).rowcount


def _breaker(row: Row[Any]) -> Breaker:
    values = {name: row._mapping[name] for name in _NAMES}
    return Breaker(**{**values, "state": State(row.state)})


_NAMES = [column.name for column in breakers.c if not column.primary_key]
_JOINED = installation.outerjoin(breakers, breakers.c.provider == bindparam("name"))
_WITH_MOMENT = {
    dialect: query.add_columns(*(breakers.c[name] for name in _NAMES)).select_from(_JOINED)
    for dialect, query in MOMENT.items()
}
