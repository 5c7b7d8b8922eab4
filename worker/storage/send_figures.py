"""Figures about sends that are asked every few seconds: each reads an index of open sends, never the past (I10)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from worker.domain.sends import SendState
from worker.storage.tables import ATTENTION, sends


def count_attention(connection: Connection) -> dict[str, int]:
    """How many sends wait for someone or for their time: unknown and held."""
    rows = connection.execute(select(sends.c.state, func.count()).where(ATTENTION).group_by(sends.c.state))
    return {SendState.UNKNOWN: 0, SendState.HELD: 0} | {row[0]: row[1] for row in rows}


def count_planned_within(connection: Connection, now: datetime, length: timedelta) -> int:
    """How many sends come due from now on, for so long."""
    return connection.execute(
        select(func.count()).where(
            text(f"state = '{SendState.PLANNED}'"), sends.c.due_at > now, sends.c.due_at <= now + length
        )
    ).scalar_one()
