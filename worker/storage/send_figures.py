"""Figures about sends that are asked every few seconds: each reads an index of open sends, never the past (I10)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from worker.domain.sends import SendState
from worker.storage.sends import IN_ATTENTION_INDEX, IN_LEASED_INDEX
from worker.storage.tables import ATTENTION, ENDED, mail_tallies, sends

_PLANNED = text(f"state = '{SendState.PLANNED}'")

COUNTED_ONE_BY_ONE = 10_000
"""As many sent emails are counted in no time."""


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
    """How many sends stand in each state. Where very many were sent, their number is that of the daily tallies,
    which are a minute old and leave practice leads out: counting them one by one would take longer each day."""
    found = {state.value: 0 for state in SendState}
    for states in (_PLANNED, IN_LEASED_INDEX, IN_ATTENTION_INDEX, ENDED):  # each in the words of its index
        rows = connection.execute(select(sends.c.state, func.count()).where(states).group_by(sends.c.state))
        found |= {row[0]: row[1] for row in rows}
    some = select(sends.c.id).where(sends.c.sent_at.is_not(None)).limit(COUNTED_ONE_BY_ONE + 1).subquery()
    found[SendState.SENT] = connection.execute(select(func.count()).select_from(some)).scalar_one()
    if found[SendState.SENT] > COUNTED_ONE_BY_ONE:
        tallied = connection.execute(select(func.sum(mail_tallies.c.sent))).scalar_one() or 0
        found[SendState.SENT] = max(found[SendState.SENT], int(tallied))
    return found
