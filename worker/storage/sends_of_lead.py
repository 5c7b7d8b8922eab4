"""What changes in a lead's sends when the person behind them changes, or is forgotten: all of them at once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from worker.domain.sends import SendState
from worker.storage.tables import sends


def in_flight(connection: Connection, lead_id: str, real_now: datetime) -> int:
    """How many sends of a lead are with a provider now, in the hands of a worker that may yet live."""
    return connection.execute(
        select(func.count())
        .select_from(sends)
        .where(sends.c.lead_id == lead_id, sends.c.state == SendState.HANDED_OVER, sends.c.lease_until >= real_now)
    ).scalar_one()


def give_back_claimed(connection: Connection, lead_id: str) -> None:
    """Let what was composed for a lead be composed anew; what is with a provider is not touched."""
    connection.execute(
        update(sends)
        .where(sends.c.lead_id == lead_id, sends.c.state == SendState.CLAIMED)
        .values(state=SendState.PLANNED, claim=None, lease_until=None)
    )


def forget_keys(connection: Connection, lead_id: str) -> None:
    """Hand no doubtful send of a lead over again: under its old key, it would be another message now, or unwanted."""
    connection.execute(
        update(sends).where(sends.c.lead_id == lead_id, sends.c.key_until.is_not(None)).values(key_until=None)
    )
