"""The outbox: what each endpoint is still to be told, written with the fact itself, told in order for each lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from worker.domain.ids import new_id
from worker.domain.outgoing_events import Fact, wants
from worker.storage import endpoints as endpoints_store
from worker.storage.tables import endpoints, outgoing_events

PENDING, TAKEN, PARKED = "pending", "taken", "parked"
LEASE = timedelta(seconds=90)
"""Longer than the longest call."""


def record(connection: Connection, facts: Sequence[Fact]) -> None:
    """Note facts for every endpoint that wants them, in the transaction that they happen in."""
    if not facts:
        return
    told = endpoints_store.subscriptions(connection)
    rows = [new_row(fact, endpoint_id) for fact in facts for endpoint_id, events in told if wants(events, fact.type)]
    if rows:
        connection.execute(insert(outgoing_events), rows)


def new_row(fact: Fact, endpoint_id: str) -> dict[str, Any]:
    """A fact as it is stored for an endpoint."""
    return {
        "id": new_id(),
        "endpoint_id": endpoint_id,
        "lead_id": fact.lead_id,
        "type": fact.type,
        "detail": dict(fact.detail),
        "at": fact.at,
        "state": PENDING,
    }


def _is_next(real_now: datetime) -> ColumnElement[bool]:
    """Due, and no earlier event of the same lead waits for the same endpoint."""
    earlier = outgoing_events.alias("earlier")
    waits = exists().where(
        earlier.c.endpoint_id == outgoing_events.c.endpoint_id,
        earlier.c.lead_id == outgoing_events.c.lead_id,
        earlier.c.number < outgoing_events.c.number,
        earlier.c.state == PENDING,
    )
    is_due = or_(outgoing_events.c.not_before.is_(None), outgoing_events.c.not_before <= real_now)
    return and_(outgoing_events.c.state == PENDING, is_due, ~waits)


def ready_endpoints(connection: Connection, real_now: datetime) -> list[Mapping[str, Any]]:
    """The endpoints that something can be told to now, the one that waited longest first."""
    is_open = and_(
        endpoints.c.removed_at.is_(None),
        endpoints.c.stopped_at.is_(None),
        endpoints.c.paused_at.is_(None),
        or_(endpoints.c.not_before.is_(None), endpoints.c.not_before <= real_now),
    )
    some = exists().where(outgoing_events.c.endpoint_id == endpoints.c.id, _is_next(real_now))
    rows = connection.execute(select(endpoints).where(is_open, some).order_by(endpoints.c.last_told_at))
    return [dict(row._mapping) for row in rows]


def claim_next(connection: Connection, endpoint_id: str, real_now: datetime) -> Mapping[str, Any] | None:
    """Take the next event for an endpoint. One that is not finished within the lease is told again: rather twice."""
    due = (
        select(outgoing_events.c.number)
        .where(outgoing_events.c.endpoint_id == endpoint_id, _is_next(real_now))
        .order_by(outgoing_events.c.number)
        .limit(1)
        .with_for_update(skip_locked=True, of=outgoing_events)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    row = connection.execute(
        update(outgoing_events)
        .where(outgoing_events.c.number.in_(select(due.c.number)))
        .values(not_before=real_now + LEASE, attempts=outgoing_events.c.attempts + 1)
        .returning(outgoing_events)
    ).first()
    return dict(row._mapping) if row else None


def finish(connection: Connection, event: Mapping[str, Any], **values: Any) -> bool:
    """Note how a try went; False where it was erased with its lead, or another worker has it by now."""
    ours = and_(
        outgoing_events.c.number == event["number"],
        outgoing_events.c.state == PENDING,
        outgoing_events.c.attempts == event["attempts"],
    )
    return connection.execute(update(outgoing_events).where(ours).values(**values)).rowcount == 1


def release(connection: Connection, event_id: str) -> bool:
    """Let a parked event be told after all; False where it is not there, or its endpoint takes nothing any more."""
    told = select(endpoints.c.id).where(endpoints.c.removed_at.is_(None), endpoints.c.stopped_at.is_(None))
    parked = and_(
        outgoing_events.c.id == event_id, outgoing_events.c.state == PARKED, outgoing_events.c.endpoint_id.in_(told)
    )
    again = update(outgoing_events).where(parked).values(state=PENDING, attempts=0, not_before=None)
    return connection.execute(again).rowcount == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What an endpoint was not told yet: how much waits, since when, and how much is parked."""

    waiting: int = 0
    oldest_at: datetime | None = None
    parked: int = 0


def count_waiting(connection: Connection) -> int:
    """How many events wait, for all endpoints together."""
    waits = select(func.count()).where(outgoing_events.c.state == PENDING)
    return connection.execute(waits).scalar_one()


def backlogs(connection: Connection) -> dict[str, Backlog]:
    """What each endpoint that is there was not told yet."""
    endpoint_id, state = outgoing_events.c.endpoint_id, outgoing_events.c.state
    rows = connection.execute(
        select(endpoint_id, state, func.count(), func.min(outgoing_events.c.at))
        .where(state.in_((PENDING, PARKED)))
        .group_by(endpoint_id, state)
    )
    found: dict[str, Backlog] = {}
    for theirs, what, count, oldest_at in rows:
        more = {"waiting": count, "oldest_at": oldest_at} if what == PENDING else {"parked": count}
        found[theirs] = replace(found.get(theirs, Backlog()), **more)
    return found


def parked_ids(connection: Connection, endpoint_id: str, limit: int) -> list[str]:
    """What is parked for an endpoint, the oldest first."""
    theirs = outgoing_events.c.endpoint_id == endpoint_id, outgoing_events.c.state == PARKED
    found = select(outgoing_events.c.id).where(*theirs).order_by(outgoing_events.c.number).limit(limit)
    return list(connection.execute(found).scalars())


def withdraw(connection: Connection, endpoint_id: str) -> list[str]:
    """What waits for an endpoint, or is parked, is told no more; the ids."""
    theirs = and_(outgoing_events.c.endpoint_id == endpoint_id, outgoing_events.c.state.in_((PENDING, PARKED)))
    ended = update(outgoing_events).where(theirs).values(state="withdrawn").returning(outgoing_events.c.id)
    return [row.id for row in connection.execute(ended)]
