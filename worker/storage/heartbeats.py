"""Signs of life, in real time: which worker consumes which queues, and when beat's last tick was handled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select

from worker.storage.database import insert_for, real_now
from worker.storage.tables import heartbeats

WORKER, BEAT = "worker", "beat"
ALIVE_FOR = timedelta(seconds=20)
HEARD_WITHIN = timedelta(seconds=6)
"""Three signs of life long: who looks at a queue that fills wants to know at once, and may be wrong for a moment."""
LISTED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What workers do for one queue: tasks in flight now, and tasks taken up in the last five minutes."""

    active: int = 0
    recent: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(active=self.active + other.active, recent=self.recent + other.recent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that was heard lately."""

    name: str
    queues: tuple[str, ...]
    age_s: float
    is_alive: bool


def beat(
    connection: Connection, name: str, kind: str, queues: Iterable[str], work: Mapping[str, Work] | None = None
) -> None:
    """Note a sign of life."""
    told = {queue: {"active": of.active, "recent": of.recent} for queue, of in (work or {}).items()}
    values: dict[str, Any] = {"kind": kind, "queues": sorted(queues), "work": told, "at": real_now(connection)}
    statement = insert_for(connection)(heartbeats).values(name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def gone(connection: Connection, name: str) -> None:
    """Note a clean stop."""
    connection.execute(delete(heartbeats).where(heartbeats.c.name == name))


def forget_old(connection: Connection) -> None:
    """Drop the rows of workers that died without saying so, a day ago or more."""
    connection.execute(delete(heartbeats).where(heartbeats.c.at < real_now(connection) - timedelta(days=1)))


def consumers(connection: Connection, within: timedelta = ALIVE_FOR) -> dict[str, int]:
    """How many live workers consume each queue."""
    alive = real_now(connection) - within
    rows = connection.execute(select(heartbeats.c.queues).where(heartbeats.c.kind == WORKER, heartbeats.c.at >= alive))
    found: dict[str, int] = {}
    for (queues,) in rows:
        for queue in queues:
            found[queue] = found.get(queue, 0) + 1
    return found


def work(connection: Connection) -> defaultdict[str, Work]:
    """What the live workers do, by queue."""
    alive = real_now(connection) - ALIVE_FOR
    rows = connection.execute(select(heartbeats.c.work).where(heartbeats.c.kind == WORKER, heartbeats.c.at >= alive))
    found: defaultdict[str, Work] = defaultdict(Work)
    for row in rows:
        for queue, figures in (row.work or {}).items():
            found[queue] += Work(**figures)
    return found


def workers(connection: Connection) -> list[Worker]:
    """Every worker that was heard lately, by name; those that died without a word stay in sight for an hour."""
    now = real_now(connection)
    lately = (heartbeats.c.kind == WORKER, heartbeats.c.at >= now - LISTED_FOR)
    rows = connection.execute(select(heartbeats).where(*lately).order_by(heartbeats.c.name))
    return [
        Worker(
            name=row.name,
            queues=tuple(row.queues),
            age_s=(now - row.at).total_seconds(),
            is_alive=now - row.at <= ALIVE_FOR,
        )
        for row in rows
    ]


def age(connection: Connection, kind: str) -> timedelta | None:
    """How long ago the latest sign of life of this kind was."""
    latest: datetime | None = connection.execute(
        select(heartbeats.c.at).where(heartbeats.c.kind == kind).order_by(heartbeats.c.at.desc()).limit(1)
    ).scalar_one_or_none()
    return None if latest is None else real_now(connection) - latest
