"""Mark a send as sent: its receipt, the entry on the timeline and what follows in its enrollment, all or nothing.

One statement for each email, so that a kill leaves no more unknown than was handed over and unmarked; the next
email does not wait for it, the next group does. The connection is one that does not wait for the disk
(`Database.marking`): if the database itself crashes, the last marks are undone as wholes, and those sends become
`unknown` like any hand-over without an end (I2, I9).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from psycopg import OperationalError, pq
from sqlalchemy import CTE, BindParameter, Column, Connection, and_, bindparam, exists, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.compiler import SQLCompiler

from worker.domain.sends import SendState
from worker.storage import timeline
from worker.storage.endpoints import somebody_is_told
from worker.storage.enrollments import ACTIVE, COMPLETED
from worker.storage.inserting import insert_all
from worker.storage.sends import PLANNED, NewSend, planned_row
from worker.storage.tables import enrollments, sends
from worker.storage.tables import timeline as entries
from worker.storage.timeline import Entry, entry_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known once the provider has taken a send. If its enrollment is still active, `following` is planned in
    it, or it is completed, with the entry `ending` on the timeline."""

    send: Mapping[str, Any]
    sent_at: datetime
    provider: str
    provider_message_id: str | None
    entry: Entry
    following: NewSend | None = None
    ending: Entry | None = None


class Marks:
    """The marks of one group. Each is on its way as soon as it is added; `undone` are those that were not written,
    known once the group has ended: the claim was lost, or there is more to write, since other systems are told.
    """

    def __init__(self) -> None:
        self.done = 0
        self.undone: list[Mark] = []

    def add(self, mark: Mark) -> None:
        """Write it down, fenced by the claim."""
        raise NotImplementedError

    def _note(self, mark: Mark, *, is_done: bool) -> None:
        if is_done:
            self.done += 1
        else:
            self.undone.append(mark)


@contextmanager
def group(connection: Connection) -> Iterator[Marks]:
    """Mark a group, over a connection of `Database.marking`; when the block has ended, all are written or undone."""
    if connection.dialect.name == "sqlite":
        yield _MarksAtOnce(connection)
        return
    marks = _MarksUnderWay(connection)
    try:
        yield marks
    finally:
        marks.end()


class _MarksAtOnce(Marks):
    """SQLite changes one table in a statement; its round trips cost nothing."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def add(self, mark: Mark) -> None:
        """All of it in one transaction."""
        with self._connection.begin():
            is_done = _mark_step_by_step(self._connection, mark)
        self._note(mark, is_done=is_done)


class _MarksUnderWay(Marks):
    """PostgreSQL: each is a statement and a transaction of its own, sent at once, and its answer is read at the end.

    So the next email need not wait for the mark of this one. Straight to libpq, whose pipeline can end a transaction
    without waiting for it.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._statements = {then: _prepared(connection, then) for then in Then}
        self._pg: pq.abc.PGconn = connection.connection.driver_connection.pgconn  # type: ignore[union-attr]
        self._pg.enter_pipeline_mode()
        self._under_way: list[Mark] = []

    def add(self, mark: Mark) -> None:
        """Send it."""
        statement = self._statements[_then(mark)]
        try:
            self._pg.send_query_prepared(statement.name, statement.filled(mark))
            self._pg.pipeline_sync()
        except OperationalError:  # the connection is gone
            self._note(mark, is_done=False)
        else:
            self._under_way.append(mark)

    def end(self) -> None:
        """Wait for the answers."""
        for mark in self._under_way:
            self._note(mark, is_done=self._answer())
        if self._pg.status == pq.ConnStatus.OK:
            self._pg.exit_pipeline_mode()
        else:
            self._connection.invalidate()

    def _answer(self) -> bool:
        rows = 0
        while (result := self._pg.get_result()) is not None:
            rows += result.ntuples
        self._pg.get_result()  # of the end of its transaction
        return rows == 1


def _mark_step_by_step(connection: Connection, mark: Mark) -> bool:
    if connection.execute(_SENT, _sent_values(mark)).first() is None:
        return False
    timeline.add_all(connection, [mark.entry])
    if mark.following and connection.execute(_ACTIVE, _sent_values(mark)).first():
        insert_all(connection, sends, [planned_row(mark.following)])
    if mark.ending and connection.execute(_COMPLETED, _sent_values(mark)).first():
        timeline.add_all(connection, [mark.ending])
    return True


class Then(StrEnum):
    """What follows in the enrollment."""

    NOTHING = "nothing"
    THE_NEXT = "the_next"
    THE_END = "the_end"


def _then(mark: Mark) -> Then:
    if mark.following is not None:
        return Then.THE_NEXT
    return Then.NOTHING if mark.ending is None else Then.THE_END


def _sent_values(mark: Mark) -> dict[str, Any]:
    return {
        "send_id": mark.send["id"],
        "send_claim": mark.send["claim"],
        "of_enrollment": mark.send["enrollment_id"],
        "at": mark.sent_at,
        "by": mark.provider,
        "as_message": mark.provider_message_id,
    }


def _placeholder(prefix: str, column: Column[Any]) -> BindParameter[Any]:
    return bindparam(f"{prefix}__{column.name}", type_=column.type)


_SENT = (
    update(sends)
    .where(sends.c.id == bindparam("send_id"), sends.c.claim == bindparam("send_claim"))
    .where(or_(sends.c.state == SendState.HANDED_OVER, sends.c.state == SendState.UNKNOWN))
    .where(~somebody_is_told())
    .values(
        state=SendState.SENT,
        lease_until=None,
        last_code=None,
        sent_at=bindparam("at"),
        provider=bindparam("by"),
        provider_message_id=bindparam("as_message"),
    )
    .returning(sends.c.id)
)
_IS_ACTIVE = and_(
    enrollments.c.id == bindparam("of_enrollment", type_=sends.c.enrollment_id.type), enrollments.c.status == ACTIVE
)
_ACTIVE = select(enrollments.c.id).where(_IS_ACTIVE)
_COMPLETED = (
    update(enrollments).where(_IS_ACTIVE).values(status=COMPLETED, ended_at=bindparam("at")).returning(enrollments.c.id)
)


def _noted(happened: CTE, prefix: str) -> CTE:
    columns = [column for column in entries.c if not column.primary_key]
    row = select(*(_placeholder(prefix, column) for column in columns)).select_from(happened)
    return insert(entries).from_select(columns, row).returning(entries.c.id).cte(f"noted_{prefix}")


def _planned(sent: CTE) -> CTE:
    columns = [sends.c[name] for name in PLANNED]
    row = select(*(_placeholder("next", column) for column in columns)).select_from(sent).where(_ACTIVE.exists())
    return insert(sends).from_select(columns, row).on_conflict_do_nothing().returning(sends.c.id).cte("planned")


def _ended(noted: CTE) -> CTE:
    """Waits for the entry of the send, so that the timeline tells it first."""
    return _noted(_COMPLETED.where(exists().select_from(noted)).cte("completed"), "ending")


@lru_cache(maxsize=len(Then))
def _whole(then: Then) -> SQLCompiler:
    sent = _SENT.cte("sent")
    noted = _noted(sent, "entry")
    statement = select(sent.c.id).add_cte(noted)
    if then is Then.THE_NEXT:
        statement = statement.add_cte(_planned(sent))
    if then is Then.THE_END:
        statement = statement.add_cte(_ended(noted))
    dialect = postgresql.psycopg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement that the connection knows by its name, and how a mark's values fill its places."""

    name: bytes
    places: Sequence[tuple[str, str]]
    """For each, the row that its value comes from, and its name there."""
    fixed: Mapping[str, Any]

    def filled(self, mark: Mark) -> list[bytes | None]:
        rows: dict[str, Mapping[str, Any]] = {
            "": {**self.fixed, **_sent_values(mark)},
            "entry": _entry_values(mark.entry),
            "next": planned_row(mark.following) if mark.following else {},
            "ending": _entry_values(mark.ending) if mark.ending else {},
        }
        values = (rows[row][name] for row, name in self.places)
        return [None if value is None else str(value).encode() for value in values]


def _entry_values(entry: Entry) -> dict[str, Any]:
    row = entry_row(entry)
    return row | {"detail": json.dumps(row["detail"])}


def _prepared(connection: Connection, then: Then) -> _Prepared:
    """Made known to each connection once, and kept with it."""
    name = f"mark_then_{then}"
    if name not in connection.info:
        whole = _whole(then)
        connection.exec_driver_sql(f"PREPARE {name} AS {whole.string}")
        places = [(row, name) for row, _, name in (place.rpartition("__") for place in whole.positiontup or ())]
        connection.info[name] = _Prepared(name.encode(), places, whole.params)
    known: _Prepared = connection.info[name]
    return known
