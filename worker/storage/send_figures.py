"""Figures about sends that are asked every few seconds: each reads an index of open sends, never the past (I10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, TextClause, func, select, text

from worker.domain.sends import SendState
from worker.storage import samples
from worker.storage.sends import IN_ATTENTION_INDEX, IN_LEASED_INDEX
from worker.storage.tables import ATTENTION, ENDED, mail_tallies, sends

_PLANNED = text(f"state = '{SendState.PLANNED}'")

_Condition = ColumnElement[bool] | TextClause
_INDEXED: Sequence[tuple[_Condition, Column[Any], Sequence[SendState]]] = (
    (_PLANNED, sends.c.due_at, (SendState.PLANNED,)),
    (IN_LEASED_INDEX, sends.c.lease_until, (SendState.CLAIMED, SendState.HANDED_OVER)),
    (IN_ATTENTION_INDEX, sends.c.state, (SendState.UNKNOWN, SendState.HELD)),
    (ENDED, sends.c.state, (SendState.FAILED, SendState.SKIPPED, SendState.CANCELLED)),
)
"""Of each index of open or ended sends: its condition in its own words, its first column, and the states it holds."""

COUNTED_ONE_BY_ONE = 10_000
"""As many rows are counted in no time."""


def count_attention(connection: Connection) -> dict[str, int]:
    """How many sends wait for someone or for their time: unknown and held."""
    rows = connection.execute(select(sends.c.state, func.count()).where(ATTENTION).group_by(sends.c.state))
    return {SendState.UNKNOWN: 0, SendState.HELD: 0} | {row[0]: row[1] for row in rows}


def count_due(connection: Connection, now: datetime) -> tuple[int, datetime | None]:
    """How many planned sends are due, and the oldest of their due times; of very many, the last minute's number."""
    some = select(sends.c.due_at).where(_PLANNED, sends.c.due_at <= now).order_by(sends.c.due_at)
    part = some.limit(COUNTED_ONE_BY_ONE + 1).subquery()
    count, oldest = connection.execute(select(func.count(), func.min(part.c.due_at))).one()
    if count > COUNTED_ONE_BY_ONE:
        count = max(count, int((samples.newest(connection) or {}).get("due", 0)))
    return count, oldest


def count_planned_within(connection: Connection, now: datetime, length: timedelta) -> int:
    """How many sends come due from now on, for so long."""
    return connection.execute(
        select(func.count()).where(_PLANNED, sends.c.due_at > now, sends.c.due_at <= now + length)
    ).scalar_one()


def counts(connection: Connection) -> dict[str, int]:
    """How many sends stand in each state, for a look that takes no longer however many there are: where very many do,
    their number is the last minute's; of those sent, that of the daily tallies, which leave practice leads out."""
    found = {state.value: 0 for state in SendState}
    for condition, by, states in _INDEXED:
        some = _of(condition).order_by(by).limit(COUNTED_ONE_BY_ONE + 1)  # by it, so by its index
        part = _by_state(connection, some)
        if sum(part.values()) > COUNTED_ONE_BY_ONE:
            of_sample = (samples.newest(connection) or {}).get("sends")
            part = {state: of_sample[state] for state in states} if of_sample else _by_state(connection, _of(condition))
        found |= part
    return found | {SendState.SENT: _count_sent(connection)}


def count_one_by_one(connection: Connection) -> dict[str, int]:
    """How many sends stand in each state but `sent`, exactly. Takes as long as there are many: once a minute."""
    found = {state.value: 0 for _, _, states in _INDEXED for state in states}
    for condition, _, _ in _INDEXED:
        found |= _by_state(connection, _of(condition))
    return found


def _of(condition: _Condition) -> Select[Any]:
    return select(sends.c.state).where(condition)


def _by_state(connection: Connection, states: Select[Any]) -> dict[str, int]:
    some = states.subquery()
    rows = connection.execute(select(some.c.state, func.count()).group_by(some.c.state))
    return {row[0]: row[1] for row in rows}


def _count_sent(connection: Connection) -> int:
    some = (
        select(sends.c.id)
        .where(sends.c.sent_at.is_not(None))
        .order_by(sends.c.sent_at)
        .limit(COUNTED_ONE_BY_ONE + 1)
        .subquery()
    )
    count = connection.execute(select(func.count()).select_from(some)).scalar_one()
    if count <= COUNTED_ONE_BY_ONE:
        return count
    tallied = connection.execute(select(func.sum(mail_tallies.c.sent))).scalar_one() or 0
    return max(count, int(tallied))
