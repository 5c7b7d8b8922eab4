"""The circuit breaker of each provider: one row, changed under its lock, so that all workers see one state."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from worker.domain.breaker import Breaker, State
from worker.storage.database import insert_for
from worker.storage.tables import breakers


def read(connection: Connection, provider: str, *, to_change: bool = False) -> Breaker:
    """The breaker as it stands. `to_change` locks it until the transaction ends."""
    query = select(breakers).where(breakers.c.provider == provider)
    row = connection.execute(query.with_for_update() if to_change else query).first()
    return _breaker(row) if row else Breaker()


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
    values = {name: value for name, value in row._mapping.items() if name != "provider"}
    return Breaker(**{**values, "state": State(row.state)})
