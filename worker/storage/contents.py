"""Published content, kept for ever with its first and last use (I7). Rows are written once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from worker.storage.database import insert_once
from worker.storage.tables import snapshots


def store(connection: Connection, name: str, packed: bytes, at: datetime, approved_by: str, note: str) -> bool:
    """Keep a snapshot; False where the same content is kept already."""
    return insert_once(
        connection,
        snapshots,
        {"hash": name, "packed": packed, "created_at": at, "approved_by": approved_by, "note": note},
    )


def packed(connection: Connection, name: str) -> bytes:
    """The packed files of a snapshot."""
    return bytes(connection.execute(select(snapshots.c.packed).where(snapshots.c.hash == name)).scalar_one())


def every_packed(connection: Connection) -> Iterator[tuple[str, bytes]]:
    """Every snapshot's name and packed files, newest first."""
    newest_first = select(snapshots.c.hash, snapshots.c.packed).order_by(snapshots.c.created_at.desc())
    rows = connection.execute(newest_first.execution_options(yield_per=10))
    yield from ((row.hash, bytes(row.packed)) for row in rows)


def mark_used(connection: Connection, names: Iterable[str], at: datetime) -> None:
    """Note that something was sent from these snapshots."""
    connection.execute(
        update(snapshots)
        .where(snapshots.c.hash.in_(set(names)))
        .values(first_used_at=func.coalesce(snapshots.c.first_used_at, at), last_used_at=at)
    )


def history(connection: Connection) -> list[Mapping[str, Any]]:
    """Every snapshot without its content, newest first."""
    columns = [column for column in snapshots.c if column.name != "packed"]
    rows = connection.execute(select(*columns).order_by(snapshots.c.created_at.desc()))
    return [dict(row._mapping) for row in rows]
