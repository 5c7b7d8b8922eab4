"""Mark a send as sent: its receipt, the entry on the timeline and the next send of its enrollment, all or nothing.

One statement for each email, so that a kill leaves no more unknown than was handed over and unmarked. The
connection is one that does not wait for the disk (`Database.marking`): if the database itself crashes, the last
marks are undone as wholes, and those sends become `unknown` like any hand-over without an end (I2, I9).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, BindParameter, Column, Compiled, Connection, Dialect, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from worker.domain.sends import SendState
from worker.storage import timeline
from worker.storage.database import insert_all
from worker.storage.endpoints import somebody_is_told
from worker.storage.enrollments import ACTIVE
from worker.storage.sends import PLANNED, NewSend, planned_row
from worker.storage.tables import enrollments, sends
from worker.storage.tables import timeline as entries
from worker.storage.timeline import Entry, entry_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known once the provider has taken a send. `following` is planned if its enrollment is still active."""

    send: Mapping[str, Any]
    sent_at: datetime
    provider: str
    provider_message_id: str | None
    entry: Entry
    following: NewSend | None


def mark_sent(connection: Connection, mark: Mark) -> bool:
    """Write it down, fenced by the claim; False where nothing was: the claim was lost, or there is more to write.

    That is so where other systems are told of what happens, since what they are told is written with the fact.
    """
    with connection.begin():
        if connection.dialect.name == "sqlite":
            return _mark_step_by_step(connection, mark)
        values = _sent_values(mark) | _named("entry", entry_row(mark.entry))
        if mark.following is not None:
            values |= _named("next", planned_row(mark.following))
        whole = _whole(connection.dialect, plans=mark.following is not None)
        values = whole.params | values | {"entry_detail": json.dumps(mark.entry.detail)}
        return connection.exec_driver_sql(whole.string, values).first() is not None


def _mark_step_by_step(connection: Connection, mark: Mark) -> bool:
    """SQLite changes one table in a statement; its round trips cost nothing."""
    if connection.execute(_SENT, _sent_values(mark)).first() is None:
        return False
    timeline.add_all(connection, [mark.entry])
    if mark.following and connection.execute(_ACTIVE, {"next_enrollment_id": mark.following.enrollment_id}).first():
        insert_all(connection, sends, [planned_row(mark.following)])
    return True


def _sent_values(mark: Mark) -> dict[str, Any]:
    return {
        "send_id": mark.send["id"],
        "send_claim": mark.send["claim"],
        "at": mark.sent_at,
        "by": mark.provider,
        "as_message": mark.provider_message_id,
    }


def _named(prefix: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": value for name, value in row.items()}


def _placeholder(prefix: str, column: Column[Any]) -> BindParameter[Any]:
    return bindparam(f"{prefix}_{column.name}", type_=column.type)


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
_ACTIVE = select(enrollments.c.id).where(
    enrollments.c.id == _placeholder("next", sends.c.enrollment_id), enrollments.c.status == ACTIVE
)


def _noted(sent: CTE) -> CTE:
    columns = [column for column in entries.c if not column.primary_key]
    row = select(*(_placeholder("entry", column) for column in columns)).select_from(sent)
    return insert(entries).from_select(columns, row).returning(entries.c.id).cte("noted")


def _planned(sent: CTE) -> CTE:
    columns = [sends.c[name] for name in PLANNED]
    row = select(*(_placeholder("next", column) for column in columns)).select_from(sent).where(_ACTIVE.exists())
    return insert(sends).from_select(columns, row).on_conflict_do_nothing().returning(sends.c.id).cte("planned")


@lru_cache(maxsize=8)
def _whole(dialect: Dialect, *, plans: bool) -> Compiled:
    """Compiled once and run as it is: preparing it anew each time would be a fifth of all the work for an email."""
    sent = _SENT.cte("sent")
    statement = select(sent.c.id).add_cte(_noted(sent), *([_planned(sent)] if plans else []))
    return statement.compile(dialect=dialect)
