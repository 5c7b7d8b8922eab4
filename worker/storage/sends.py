"""The send ledger: every statement that moves a send from one state to another (I2, I3).

Each is one conditional update, so that any number of workers and beats may run them at once: whoever's
row count is zero has lost the race and stops. `claim` fences: a worker that slept past its lease holds an
old claim and can neither hand over nor finish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    text,
    update,
)

from worker.domain.ids import is_id
from worker.domain.sends import PENDING, CancelReason, SendKind, SendState
from worker.faults import lease
from worker.storage.columns import written
from worker.storage.database import is_one_of
from worker.storage.inserting import insert_all
from worker.storage.tables import enrollments, sends

HAND_OVER_LEASE = lease(timedelta(seconds=90))
"""Twice the provider's time limit and 30 s: only a dead worker exceeds it."""

IN_ATTENTION_INDEX = text("state in ('unknown', 'held')")
IN_LEASED_INDEX = text("state in ('claimed', 'handed_over')")
"""Beside one of these states: SQLite uses a partial index only where its own words are repeated (I10)."""

TAKEN = (SendState.HANDED_OVER, SendState.SENT, SendState.UNKNOWN)
"""States in which the email has left, or may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSend:
    """A send to be planned."""

    id: str
    lead_id: str
    enrollment_id: str | None
    kind: SendKind
    step: str | None
    email: str
    location: str
    sequence: str | None
    due_at: datetime


def plan(connection: Connection, new: Sequence[NewSend]) -> None:
    """Plan sends. One that is planned (or was sent) already stays as it is, which is how repeats stay harmless."""
    insert_all(connection, sends, [planned_row(send) for send in new])


def planned_row(send: NewSend) -> dict[str, Any]:
    """A planned send as it is stored."""
    return {name: getattr(send, name) for name in _NEW} | {"state": SendState.PLANNED, "first_due_at": send.due_at}


_NEW = [field.name for field in fields(NewSend)]
PLANNED = (*_NEW, "state", "first_due_at")
"""The columns of a send that is planned."""


def finish(connection: Connection, send: Mapping[str, Any], state: SendState, **values: Any) -> bool:
    """End a hand-over, fenced by its claim. A late, certain answer may still correct `unknown`."""
    updated = connection.execute(
        update(sends)
        .where(sends.c.id == send["id"], sends.c.claim == send["claim"])
        .where(sends.c.state.in_((SendState.HANDED_OVER, SendState.UNKNOWN)))
        .values(state=state, lease_until=None, **values)
    )
    return updated.rowcount == 1


def settle(connection: Connection, send: Mapping[str, Any], **values: Any) -> bool:
    """Note that an `unknown` send did go out, on the word of something that came back for it."""
    updated = connection.execute(
        update(sends)
        .where(sends.c.id == send["id"], sends.c.state == SendState.UNKNOWN)
        .values(state=SendState.SENT, sent_at=sends.c.handed_over_at, lease_until=None, **values)
    )
    return updated.rowcount == 1


def move(connection: Connection, send_id: str, due_at: datetime) -> bool:
    """Give a planned send another due time; False where it is not planned any more."""
    updated = connection.execute(
        update(sends).where(sends.c.id == send_id, sends.c.state == SendState.PLANNED).values(due_at=due_at)
    )
    return updated.rowcount == 1


def put_aside(connection: Connection, send: Mapping[str, Any], state: SendState, **values: Any) -> bool:
    """Move a claimed send that is not going out: skipped, held, or planned again. Nothing has left yet."""
    updated = connection.execute(
        update(sends)
        .where(sends.c.id == send["id"], sends.c.claim == send["claim"], sends.c.state == SendState.CLAIMED)
        .values(state=state, lease_until=None, **values)
    )
    return updated.rowcount == 1


def give_back(connection: Connection, claimed: Sequence[Mapping[str, Any]]) -> None:
    """Plan again what was claimed and not dealt with: it is due as before."""
    ids, claims = [send["id"] for send in claimed], {send["claim"] for send in claimed}
    if claimed:
        connection.execute(
            update(sends)
            .where(sends.c.id.in_(ids), sends.c.claim.in_(claims), sends.c.state == SendState.CLAIMED)
            .values(state=SendState.PLANNED, lease_until=None)
        )


def recover_lapsed(connection: Connection, real_now: datetime) -> tuple[int, list[Mapping[str, Any]]]:
    """After a worker died: a lapsed claim is planned again, a lapsed hand-over becomes `unknown`.

    A claim never left the building, so taking it back is safe. A hand-over may have left: it is shown,
    and never sent again unasked. A lease further off than any can be is of a clock that was set back since:
    it has lapsed, too. Returns how many were taken back, and the rows now unknown.
    """
    too_far = sends.c.lease_until > real_now + 2 * HAND_OVER_LEASE
    lapsed = and_(or_(sends.c.lease_until < real_now, too_far), IN_LEASED_INDEX)
    taken_back = connection.execute(
        update(sends)
        .where(lapsed, sends.c.state == SendState.CLAIMED)
        .values(state=SendState.PLANNED, lease_until=None)
    ).rowcount
    unknown = connection.execute(
        update(sends)
        .where(lapsed, sends.c.state == SendState.HANDED_OVER)
        .values(state=SendState.UNKNOWN, lease_until=None)
        .returning(sends)
    )
    return taken_back, [dict(row._mapping) for row in unknown]


def release_holds(
    connection: Connection, now: datetime, *, lead_id: str | None = None, reason: str | None = None
) -> int:
    """Plan held sends again: those whose time has come, or all of a lead or of a reason."""
    condition = sends.c.held_until <= now
    if lead_id is not None:
        condition = sends.c.lead_id == lead_id
    if reason is not None:
        condition = sends.c.reason == reason
    return connection.execute(
        update(sends)
        .where(sends.c.state == SendState.HELD, IN_ATTENTION_INDEX, condition)
        .values(state=SendState.PLANNED, reason=None, held_until=None)
    ).rowcount


def postpone(connection: Connection, lead_id: str, until: datetime) -> None:
    """Let no planned nurture of a lead come due before an instant."""
    due_before = and_(sends.c.state == SendState.PLANNED, sends.c.due_at < until)
    of_lead = and_(sends.c.lead_id == lead_id, sends.c.kind == SendKind.NURTURE)
    connection.execute(update(sends).where(of_lead, due_before).values(due_at=until))


def cancel_pending(
    connection: Connection,
    lead_id: str,
    reason: CancelReason,
    *,
    kinds: Iterable[SendKind] = (SendKind.NURTURE,),
) -> list[str]:
    """Withdraw everything of these kinds that has not left yet."""
    rows = connection.execute(
        update(sends)
        .where(sends.c.lead_id == lead_id, sends.c.state.in_(PENDING), sends.c.kind.in_(list(kinds)))
        .values(state=SendState.CANCELLED, reason=reason, lease_until=None)
        .returning(sends.c.id)
    )
    return [row.id for row in rows]


def of_lead(connection: Connection, lead_id: str) -> list[Mapping[str, Any]]:
    """A lead's sends, in the order of their due times."""
    rows = connection.execute(select(sends).where(sends.c.lead_id == lead_id).order_by(sends.c.due_at, sends.c.id))
    return [dict(row._mapping) for row in rows]


def by_id(connection: Connection, send_id: str) -> Mapping[str, Any] | None:
    """One send."""
    if not is_id(send_id):
        return None
    row = connection.execute(select(sends).where(sends.c.id == send_id)).first()
    return dict(row._mapping) if row else None


def recent(connection: Connection, limit: int, state: SendState | None) -> list[Mapping[str, Any]]:
    """Sends for people to look at, the latest due first."""
    query = select(sends).order_by(sends.c.due_at.desc(), sends.c.id.desc()).limit(limit)
    rows = connection.execute(query if state is None else query.where(sends.c.state == state))
    return [dict(row._mapping) for row in rows]


def nurture_history(
    connection: Connection, lead_ids: Iterable[str], besides: Iterable[str] = ()
) -> dict[str, list[tuple[str, datetime]]]:
    """Per lead, the nurture emails that left or may have left, with the instant, oldest first; without `besides`."""
    at = func.coalesce(sends.c.sent_at, sends.c.handed_over_at)
    rows = connection.execute(
        select(sends.c.lead_id, sends.c.email, at.label("at"))
        .where(sends.c.kind == SendKind.NURTURE, sends.c.state.in_(TAKEN))
        .where(is_one_of(connection, sends.c.lead_id, set(lead_ids)), ~is_one_of(connection, sends.c.id, set(besides)))
        .order_by(at)
    )
    history: dict[str, list[tuple[str, datetime]]] = {}
    for row in rows:
        history.setdefault(row.lead_id, []).append((row.email, row.at))
    return history


def last_of_enrollment(connection: Connection, enrollment_id: str) -> datetime | None:
    """When the latest send of an enrollment left, or may have."""
    return connection.execute(
        select(func.max(func.coalesce(sends.c.sent_at, sends.c.handed_over_at))).where(
            sends.c.enrollment_id == enrollment_id, sends.c.state.in_(TAKEN)
        )
    ).scalar_one_or_none()


def last_acknowledged(connection: Connection, lead_id: str) -> datetime | None:
    """When the lead's latest acknowledgement was (or is) due, unless it was withdrawn."""
    return connection.execute(
        select(func.max(sends.c.first_due_at)).where(
            sends.c.lead_id == lead_id,
            sends.c.kind == SendKind.ACKNOWLEDGEMENT,
            sends.c.state.not_in((SendState.CANCELLED, SendState.SKIPPED, SendState.FAILED)),
        )
    ).scalar_one_or_none()


def next_due(connection: Connection) -> datetime | None:
    """The due time of the next planned send, which may be past."""
    return connection.execute(
        select(func.min(sends.c.due_at)).where(sends.c.state == written(SendState.PLANNED))
    ).scalar_one_or_none()


def is_due(connection: Connection, now: datetime) -> bool:
    """True when something is planned and due."""
    due = select(sends.c.id).where(sends.c.state == written(SendState.PLANNED), sends.c.due_at <= now)
    return _is_any(connection, due.order_by(sends.c.due_at))


def is_any_under_way(connection: Connection) -> bool:
    """True when some send is claimed or handed over at this moment."""
    return _is_any(connection, select(sends.c.id).where(IN_LEASED_INDEX).order_by(sends.c.lease_until))


def is_quiet(connection: Connection, now: datetime) -> bool:
    """True when nothing is due, claimed or on its way."""
    return not is_due(connection, now) and not is_any_under_way(connection)


def _is_any(connection: Connection, found: Select[tuple[str]]) -> bool:
    """In the order of its index, which makes PostgreSQL walk that one: while its statistics are of a time when all
    that was sent was planned, it would rather read the whole table through, again and again."""
    return connection.execute(found.limit(1)).first() is not None


def count_held(connection: Connection, reason: str) -> int:
    """How many sends are held for this reason."""
    held = select(func.count()).select_from(sends).where(IN_ATTENTION_INDEX, sends.c.state == SendState.HELD)
    held = held.where(sends.c.reason == reason)
    return connection.execute(held).scalar_one()


def due(connection: Connection, now: datetime) -> tuple[int, datetime | None]:
    """How many planned sends are due, and the oldest of their due times."""
    planned = sends.c.state == written(SendState.PLANNED)
    row = connection.execute(select(func.count(), func.min(sends.c.due_at)).where(planned, sends.c.due_at <= now)).one()
    return row[0], row[1]


def stands_open(unknown_before: datetime) -> ColumnElement[bool]:
    """The condition, for a row of `enrollments`, that some send of it still wants something to happen (I9)."""
    waiting = and_(sends.c.state == SendState.UNKNOWN, sends.c.handed_over_at > unknown_before)
    return exists().where(
        sends.c.enrollment_id == enrollments.c.id,
        or_(sends.c.state.in_((*PENDING, SendState.HANDED_OVER)), waiting),
    )


def latest_of_enrollment(connection: Connection, enrollment_id: str) -> Mapping[str, Any] | None:
    """The send of an enrollment that was planned last."""
    row = connection.execute(
        select(sends).where(sends.c.enrollment_id == enrollment_id).order_by(sends.c.first_due_at.desc()).limit(1)
    ).first()
    return dict(row._mapping) if row else None


def in_doubt(connection: Connection, limit: int) -> list[Mapping[str, Any]]:
    """Some sends of which nobody knows whether they arrived, the longest due first."""
    unknown = select(sends).where(IN_ATTENTION_INDEX, sends.c.state == SendState.UNKNOWN)
    rows = connection.execute(unknown.order_by(sends.c.due_at).limit(limit))
    return [dict(row._mapping) for row in rows]
