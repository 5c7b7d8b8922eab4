"""The whole database as text, row by row, to show that something is not in it. Slow on purpose: it trusts no index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, LargeBinary, select, text

from worker.storage.database import Database
from worker.storage.tables import metadata


def rows_as_text(connection: Connection) -> Iterator[tuple[str, str]]:
    """Each row of each table, as text, with the table's name; what is published (packed bytes) is left out."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("set local statement_timeout = 0"))
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if not isinstance(column.type, LargeBinary)]
        rows = connection.execute(select(*columns).execution_options(yield_per=500))
        yield from ((table.name, _as_text(row)) for row in rows)


def overwrite_deleted(database: Database) -> bool:
    """Let SQLite write its file anew, so that no page holds what was deleted; False where others would not let it.

    PostgreSQL does this by itself (autovacuum); its files are not ours to read.
    """
    if not database.is_sqlite:
        return True
    with database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        if raw is None:
            return False
        try:
            raw.execute("VACUUM")
            busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:  # someone reads for longer than we wait, or the disk is full
            return False
        return not busy


def database_files(database: Database) -> list[Path]:
    """The very files of an SQLite database."""
    if not database.is_sqlite or not database.url.database:
        return []
    path = Path(database.url.database)
    return sorted(path.parent.glob(f"{path.name}*"))


def _as_text(row: Any) -> str:
    return "\n".join(str(value) for value in row if value is not None)
