"""Sends of unknown outcome that the provider may still settle: by a look-up, or by the same key again (I2).

Such a send stays `unknown` until the moment it is handed over again, so that whatever else may settle it
meanwhile (a person, a delivery event, a late receipt) does, and nothing counts it as not yet sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, and_, func, or_, select, true, update

from worker.domain.sends import SendState
from worker.storage.gate import may_leave
from worker.storage.sends import HAND_OVER_LEASE, IN_ATTENTION_INDEX
from worker.storage.tables import leads, sends

_UNKNOWN = and_(sends.c.state == SendState.UNKNOWN, IN_ATTENTION_INDEX)


def wanting(
    connection: Connection, account: str, real_now: datetime, limit: int, *, only_with_key: bool
) -> list[Mapping[str, Any]]:
    """Those handed to this account that it is time to ask about, the longest unasked first.

    Those of practice leads were given to nobody else: they can be asked about always.
    """
    may_ask = sends.c.key_until.is_not(None) if only_with_key else true()
    rows = connection.execute(
        select(sends)
        .join(leads, leads.c.id == sends.c.lead_id)
        .where(_UNKNOWN, or_(and_(sends.c.handed_to == account, may_ask), leads.c.is_test))
        .where(or_(sends.c.not_before.is_(None), sends.c.not_before <= real_now))
        .order_by(sends.c.not_before.nulls_first(), sends.c.due_at)
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def oldest(connection: Connection) -> datetime | None:
    """When the one that has been unknown for longest was handed over (product clock)."""
    return connection.execute(select(func.min(sends.c.handed_over_at)).where(_UNKNOWN)).scalar_one_or_none()


def hand_over_again(
    connection: Connection, ids: Collection[str], account: str, now: datetime, real_now: datetime
) -> list[Mapping[str, Any]]:
    """The gate for a repeat with the same key: the sends that may be handed over again now, under a new claim.

    Asks all that the first gate asks but for the snapshot, which stays the one of the first hand-over, so that
    the bytes are the same; and that the key was given to this very account and is still remembered there.
    """
    rows = connection.execute(
        update(sends)
        .where(_UNKNOWN, sends.c.id.in_(ids), sends.c.handed_to == account, sends.c.key_until > real_now)
        .where(or_(sends.c.not_before.is_(None), sends.c.not_before <= real_now))
        .where(may_leave(now))
        .values(
            state=SendState.HANDED_OVER,
            claim=str(uuid4()),
            attempts=sends.c.attempts + 1,
            lease_until=real_now + HAND_OVER_LEASE,
        )
        .returning(sends)
    )
    return [dict(row._mapping) for row in rows]


def ask_later(connection: Connection, waits: Mapping[str, datetime]) -> None:
    """Leave these alone until the instants given (real time)."""
    for send_id, until in waits.items():
        connection.execute(update(sends).where(_UNKNOWN, sends.c.id == send_id).values(not_before=until))


def give_up_keys(
    connection: Connection, account: str, real_now: datetime, ids: Collection[str] = ()
) -> list[Mapping[str, Any]]:
    """End the repeats of those whose key is no longer safe, whose provider was swapped, or that are named here.

    Returns the rows: from now on they are unknown like any other, for a person to decide.
    """
    is_over = or_(sends.c.key_until <= real_now, sends.c.handed_to != account, sends.c.id.in_(ids))
    rows = connection.execute(
        update(sends)
        .where(and_(_UNKNOWN, sends.c.key_until.is_not(None), is_over))
        .values(key_until=None)
        .returning(sends)
    )
    return [dict(row._mapping) for row in rows]
