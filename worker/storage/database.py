"""One door to the database: SQLite (WAL, synchronous FULL) or PostgreSQL, by URL.

Work happens in `read()` and `write()` blocks, each one transaction, each short: no network call inside.
On SQLite a write takes the writer lock at its start, so that it never fails half-way for want of it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from psycopg.types.string import TextLoader
from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, InvalidatePoolError, OperationalError

_BUSY_TIMEOUT_S = 20
_STATEMENT_TIMEOUT_MS = 30_000
_TRUSTED_S = 0.1
"""A connection that was in use just now need not be asked whether it still is one."""


class Database:
    """An engine and its transactions. Make one per process, after any fork."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url, pool_size) if self.is_sqlite else _postgres_engine(self.url, pool_size)

    @cached_property
    def _marking_engine(self) -> Engine:
        if self.is_sqlite:
            return _sqlite_engine(self.url, 1, "NORMAL")
        return _postgres_engine(self.url, 1, " -c synchronous_commit=off", isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that changes nothing."""
        with self.engine.connect().execution_options(begin="DEFERRED") as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable once the block has ended."""
        with self.engine.connect().execution_options(begin="IMMEDIATE") as connection, connection.begin():
            yield connection

    @contextmanager
    def marking(self) -> Iterator[Connection]:
        """A connection that does not wait for the disk: each statement (on SQLite, each `begin()`) is a transaction,
        which a crash of the database may undo as a whole.

        Only for noting what has happened already, where its loss shows and nothing is done twice for it (I2).
        """
        with self._marking_engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        for engine in self._engines():
            engine.dispose()

    def forget(self) -> None:
        """After a fork: the connections are the other process's, so they are left alone, and not closed."""
        for engine in self._engines():
            engine.dispose(close=False)

    def _engines(self) -> list[Engine]:
        marking = self.__dict__.get("_marking_engine")  # only where it was needed
        return [self.engine, *([marking] if marking is not None else [])]

    @property
    def display(self) -> str:
        """The URL as people may see it."""
        return self.url.render_as_string(hide_password=True)


def real_now(connection: Connection) -> datetime:
    """Real time for leases and back-off: the database's own on PostgreSQL, so that hosts need not agree."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row; False where one with such a key is there already, which is how repeats stay harmless."""
    statement = insert_for(connection)(table).values(**values).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(statement).first() is not None


def insert_for(connection: Connection) -> Any:
    """The dialect's `insert`, which both spell alike where a row may be there already (`on_conflict_…`)."""
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert


def is_one_of(connection: Connection, column: Column[str], values: Collection[str]) -> ColumnElement[bool]:
    """The condition that a column has one of these values. On PostgreSQL they are one parameter, so that the statement
    is the same however many there are, and is prepared once; an `in` list is written anew for each number of them."""
    if connection.dialect.name == "sqlite":
        return column.in_(values)
    return column == any_(literal(list(values), ARRAY(column.type)))


def is_one_of_given(dialect: str, column: Column[str], name: str) -> ColumnElement[bool]:
    """The same, for a statement that is built once: the values are a list, given as parameter `name` each time."""
    if dialect == "sqlite":
        return column.in_(bindparam(name, expanding=True))
    return column == any_(bindparam(name, type_=ARRAY(column.type)))


def is_transient(error: BaseException) -> bool:
    """True for trouble with the database itself, which goes away without anyone changing the work."""
    return isinstance(error, OperationalError | InterfaceError)


def _sqlite_engine(url: URL, pool_size: int, synchronous: str = "FULL") -> Engine:
    engine = create_engine(url, pool_size=pool_size, hide_parameters=True, connect_args={"timeout": _BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: IMMEDIATE for writes
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_TIMEOUT_S}000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'IMMEDIATE')}")

    return engine


def _postgres_engine(url: URL, pool_size: int, more_options: str = "", **engine_options: Any) -> Engine:
    options = (
        f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
        f"{more_options}"
    )
    engine = create_engine(
        url,
        pool_size=pool_size,
        **engine_options,
        hide_parameters=True,  # an exception's text must not hold what was stored
        connect_args={"options": options, "connect_timeout": 5},
    )
    _ask_idle_connections(engine)

    @event.listens_for(engine, "connect")
    def _read_ids_as_text(connection: Any, _record: Any) -> None:
        connection.adapters.register_loader("uuid", TextLoader)  # ids are text to us: no UUID is made on the way

    return engine


def _ask_idle_connections(engine: Engine) -> None:
    """As `pool_pre_ping`, which asks every time and so costs a busy process a round trip for each transaction."""

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _proxy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < _TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            raise InvalidatePoolError from None  # so are the others: all of them are opened anew
