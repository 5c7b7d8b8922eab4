"""A ring of samples, one a minute of real time, for the curves on the console's first page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, delete, select

from worker.storage.database import insert_once
from worker.storage.tables import samples

KEPT_MINUTES = 120


def minute_of(at: datetime) -> int:
    """Minutes since 1970."""
    return int(at.timestamp()) // 60


def is_missing(connection: Connection, minute: int) -> bool:
    """True when nobody has taken this minute's sample yet."""
    return connection.execute(select(samples.c.minute).where(samples.c.minute == minute)).first() is None


def keep(connection: Connection, minute: int, figures: Mapping[str, Any]) -> None:
    """Keep a sample, unless another sweep was first; what is too old goes."""
    insert_once(connection, samples, {"minute": minute, "figures": dict(figures)})
    connection.execute(delete(samples).where(samples.c.minute <= minute - KEPT_MINUTES))


def trouble(connection: Connection, minutes: int) -> str | None:
    """A name for the trouble of the last so many samples, the same for as long as it lasts, but another on each day
    of a long one; None while there was a moment without."""
    rows = connection.execute(select(samples).order_by(samples.c.minute.desc())).all()
    bad = list(takewhile(lambda row: row.figures.get("is_well") is False, rows))
    if len(bad) < minutes:
        return None
    return f"day/{bad[0].minute // (24 * 60)}" if len(bad) == len(rows) >= KEPT_MINUTES else str(bad[-1].minute)


def newest(connection: Connection) -> Mapping[str, Any] | None:
    """The last sample, if one was ever taken."""
    figures: Mapping[str, Any] | None = connection.execute(
        select(samples.c.figures).order_by(samples.c.minute.desc()).limit(1)
    ).scalar_one_or_none()
    return figures


def latest(connection: Connection) -> list[Mapping[str, Any]]:
    """The samples, oldest first."""
    rows = connection.execute(select(samples.c.figures).order_by(samples.c.minute))
    return [row.figures for row in rows]
