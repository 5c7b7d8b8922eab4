"""Figures about sends that are asked every few seconds: each reads an index of open sends, never the past (I10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, TextClause, func, select, text

from worker.domain.sends import SendState
from worker.storage import samples
from worker.storage.sends import IN_ATTENTION_INDEX, IN_LEASED_INDEX
from worker.storage.tables import ATTENTION, ENDED, mail_tallies, sends

_PLANNED = text(f"state = '{SendState.PLANNED}'")

_Condition = ColumnElement[bool] | TextClause
_INDEXED: Sequence[tuple[_Condition, Sequence[SendState]]] = (
    (_PLANNED, (SendState.PLANNED,)),
    (IN_LEASED_INDEX, (SendState.CLAIMED, SendState.HANDED_OVER)),
    (IN_ATTENTION_INDEX, (SendState.UNKNOWN, SendState.HELD)),
    (ENDED, (SendState.FAILED, SendState.SKIPPED, SendState.CANCELLED)),
)
"""The states that each index of open or ended sends holds, with its condition in its own words."""

COUNTED_ONE_BY_ONE = 10_000
"""As many rows are counted in no time."""


def count_attention(connection: Connection) -> dict[str, int]:
    """How many sends wait for someone or for their time: unknown and held."""
    rows = connection.execute(select(sends.c.state, func.count()).where(ATTENTION).group_by(sends.c.state))
    return {SendState.UNKNOWN: 0, SendState.HELD: 0} | {row[0]: row[1] for row in rows}


def count_planned_within(connection: Connection, now: datetime, length: timedelta) -> int:
    """How many sends come due from now on, for so long."""
    return connection.execute(
        select(func.count()).where(_PLANNED, sends.c.due_at > now, sends.c.due_at <= now + length)
    ).scalar_one()


def counts(connection: Connection) -> dict[str, int]:
    """How many sends stand in each state, for a look that takes no longer however many there are: where very many do,
    their number is the last minute's; of those sent, that of the daily tallies, which leave practice leads out."""
    found = {state.value: 0 for state in SendState}
    for condition, states in _INDEXED:
        part = _by_state(connection, condition, COUNTED_ONE_BY_ONE + 1)
        if sum(part.values()) > COUNTED_ONE_BY_ONE:
            of_sample = (samples.newest(connection) or {}).get("sends")
            part = {state: of_sample[state] for state in states} if of_sample else _by_state(connection, condition)
        found |= part
    return found | {SendState.SENT: _count_sent(connection)}


def count_one_by_one(connection: Connection) -> dict[str, int]:
    """How many sends stand in each state but `sent`, exactly. Takes as long as there are many: once a minute."""
    found = {state.value: 0 for _, states in _INDEXED for state in states}
    for condition, _ in _INDEXED:
        found |= _by_state(connection, condition)
    return found


def _by_state(connection: Connection, condition: _Condition, at_most: int | None = None) -> dict[str, int]:
    some = select(sends.c.state).where(condition).limit(at_most).subquery()
    rows = connection.execute(select(some.c.state, func.count()).group_by(some.c.state))
    return {row[0]: row[1] for row in rows}


def _count_sent(connection: Connection) -> int:
    some = select(sends.c.id).where(sends.c.sent_at.is_not(None)).limit(COUNTED_ONE_BY_ONE + 1).subquery()
    count = connection.execute(select(func.count()).select_from(some)).scalar_one()
    if count <= COUNTED_ONE_BY_ONE:
        return count
    tallied = connection.execute(select(func.sum(mail_tallies.c.sent))).scalar_one() or 0
    return max(count, int(tallied))
