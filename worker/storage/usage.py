"""How much was sent: the buckets of the rates, the warm-up's day, and who waits for room. One row each.

Counted as sends are handed over, never by looking back over them, so that it costs the same for ever (I10).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Connection, select, update

from worker.domain.manners import Usage
from worker.domain.rates import Level
from worker.storage.database import insert_for, insert_once
from worker.storage.tables import usage

_WARM_UP = "warm_up"
_WAITING = "waiting"
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def read(connection: Connection, provider: str, today: date, *, to_change: bool = False) -> Usage:
    """What was sent by this provider's rates, and on this day. `to_change` locks it until the transaction ends."""
    query = select(usage).where(usage.c.name.startswith(f"{provider}: ") | (usage.c.name == _WARM_UP))
    if to_change:
        insert_once(connection, usage, {"name": _WARM_UP, "amount": 0.0, "at": _LONG_AGO})
        connection.execute(select(usage).where(usage.c.name == _WARM_UP).with_for_update())
    rows = {row.name: row for row in connection.execute(query)}
    warm_up = rows.pop(_WARM_UP, None)
    return Usage(
        levels={name.removeprefix(f"{provider}: "): Level(row.amount, row.at) for name, row in rows.items()},
        nurture_today=int(warm_up.amount) if warm_up is not None and warm_up.at.date() == today else 0,
    )


def nurture_on(connection: Connection, day: date) -> int:
    """How many educational emails went out on a day, while a warm-up counts them."""
    row = connection.execute(select(usage).where(usage.c.name == _WARM_UP)).first()
    return int(row.amount) if row is not None and row.at.date() == day else 0


def store(connection: Connection, provider: str, today: date, after: Usage, rates: Iterable[str]) -> None:
    """Write down what was sent, for these rates and the day."""
    midnight = datetime.combine(today, time(), UTC)
    rows: list[dict[str, Any]] = [{"name": _WARM_UP, "amount": float(after.nurture_today), "at": midnight}]
    rows += [
        {"name": f"{provider}: {name}", "amount": level.sends, "at": level.at}
        for name, level in after.levels.items()
        if name in set(rates)
    ]
    for row in rows:
        statement = insert_for(connection)(usage).values(**row)
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))


def wait_alone(connection: Connection, now: datetime, until: datetime) -> bool:
    """Become the one process that waits for room, until an instant (real time); False where another does."""
    insert_once(connection, usage, {"name": _WAITING, "amount": 0.0, "at": _LONG_AGO})
    mine = update(usage).where(usage.c.name == _WAITING, usage.c.at <= now).values(at=until)
    return connection.execute(mine).rowcount == 1
