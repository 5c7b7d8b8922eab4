"""Signs of life, in real time: which worker consumes which queues, and when beat's last tick was handled."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select

from worker.storage.database import insert_for, real_now
from worker.storage.tables import heartbeats

WORKER, BEAT = "worker", "beat"
ALIVE_FOR = timedelta(seconds=20)


def beat(connection: Connection, name: str, kind: str, queues: Iterable[str]) -> None:
    """Note a sign of life."""
    values: dict[str, Any] = {"kind": kind, "queues": sorted(queues), "at": real_now(connection)}
    statement = insert_for(connection)(heartbeats).values(name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def gone(connection: Connection, name: str) -> None:
    """Note a clean stop."""
    connection.execute(delete(heartbeats).where(heartbeats.c.name == name))


def forget_old(connection: Connection) -> None:
    """Drop the rows of workers that died without saying so, a day ago or more."""
    connection.execute(delete(heartbeats).where(heartbeats.c.at < real_now(connection) - timedelta(days=1)))


def consumers(connection: Connection) -> dict[str, int]:
    """How many live workers consume each queue."""
    alive = real_now(connection) - ALIVE_FOR
    rows = connection.execute(select(heartbeats.c.queues).where(heartbeats.c.kind == WORKER, heartbeats.c.at >= alive))
    found: dict[str, int] = {}
    for (queues,) in rows:
        for queue in queues:
            found[queue] = found.get(queue, 0) + 1
    return found


def age(connection: Connection, kind: str) -> timedelta | None:
    """How long ago the latest sign of life of this kind was."""
    latest: datetime | None = connection.execute(
        select(heartbeats.c.at).where(heartbeats.c.kind == kind).order_by(heartbeats.c.at.desc()).limit(1)
    ).scalar_one_or_none()
    return None if latest is None else real_now(connection) - latest
