"""Claiming due sends: which, in what order, and for how long they are one worker's.

Walks partial indexes of planned sends only, so that the cost does not grow with what was ever sent (I10).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import CTE, ColumnElement, Connection, Integer, and_, func, literal_column, or_, select, true, update

from worker.domain.mailboxes import Mailbox
from worker.domain.sends import SendKind, SendState
from worker.faults import lease
from worker.storage.columns import written
from worker.storage.tables import sends

CLAIM_LEASE = lease(timedelta(seconds=60))

_ACKNOWLEDGES = sends.c.kind == written(SendKind.ACKNOWLEDGEMENT)


def claim_due(
    connection: Connection,
    now: datetime,
    real_now: datetime,
    limit: int,
    rooms: Mapping[Mailbox, int] | None = None,
) -> list[Mapping[str, Any]]:
    """Claim the next due sends for one worker: acknowledgements first, then the oldest.

    `rooms` says, for each kind of mailbox that has a rate, how many may go now. Sends that are known to wait for
    one stay unclaimed until there is room, so that a full mailbox costs nothing and holds up nobody else.
    """
    rooms = rooms or {}
    unlimited = or_(sends.c.mailbox.is_(None), sends.c.mailbox.not_in(list(rooms))) if rooms else true()
    lanes = [(sends.c.mailbox == mailbox, room) for mailbox, room in rooms.items()] + [(unlimited, limit)]
    claimed: list[Mapping[str, Any]] = []
    left = {number: room for number, (_, room) in enumerate(lanes)}
    for kind in (_ACKNOWLEDGES, true()):
        for number, (lane, _) in enumerate(lanes):
            wanted = min(left[number], limit - len(claimed))
            if wanted > 0:
                rows = _claim(connection, and_(kind, lane), now, real_now, wanted)
                claimed += sorted(rows, key=lambda row: row["due_at"])
                left[number] -= len(rows)
    return claimed


def _claim(
    connection: Connection, which: ColumnElement[bool], now: datetime, real_now: datetime, limit: int
) -> list[dict[str, Any]]:
    """The inner select walks a partial index of planned rows and skips what other workers hold; it is
    materialized because PostgreSQL may otherwise re-run it and claim more than the limit.

    State and limit are written out, so that PostgreSQL can keep a plan that uses the index: of a limit that it does not
    know it expects a tenth of all rows, and of a state that it does not know it can't tell whose index to walk."""
    due = (
        select(sends.c.id)
        .where(sends.c.state == written(SendState.PLANNED), sends.c.due_at <= now, which)
        .where(or_(sends.c.not_before.is_(None), sends.c.not_before <= real_now))
        .order_by(sends.c.due_at, sends.c.first_due_at)
        .limit(literal_column(str(limit), Integer))
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    rows = connection.execute(
        update(sends)
        .where(_is_one_of(connection, due))
        .values(state=SendState.CLAIMED, claim=str(uuid4()), lease_until=real_now + CLAIM_LEASE, mailbox=None)
        .returning(sends)
    )
    return [dict(row._mapping) for row in rows]


def _is_one_of(connection: Connection, due: CTE) -> ColumnElement[bool]:
    """By their keys, even where a plan is kept from a time when the table was so small that reading it was less."""
    found = select(due.c.id)
    if connection.dialect.name == "sqlite":
        return sends.c.id.in_(found)
    return sends.c.id == func.any(func.array(found.scalar_subquery()))


def waiting_mailboxes(connection: Connection, now: datetime) -> list[Mailbox]:
    """The kinds of mailbox that due sends wait for room in."""
    waits = and_(sends.c.state == written(SendState.PLANNED), sends.c.mailbox.is_not(None))
    rows = connection.execute(select(sends.c.mailbox).where(waits, sends.c.due_at <= now).distinct())
    return [Mailbox(row.mailbox) for row in rows]
