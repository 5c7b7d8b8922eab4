"""What is older than its rule allows, kind by kind. Rows are locked; what others are changing is left for later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, delete, exists, func, select

from worker.domain.consent import SuppressionScope
from worker.domain.retention import Kept
from worker.domain.sends import PENDING, SendState
from worker.storage.alerts import PENDING as ALERT_PENDING
from worker.storage.enrollments import ACTIVE
from worker.storage.outgoing_events import PENDING as EVENT_PENDING
from worker.storage.parked import OPEN
from worker.storage.tables import (
    alerts,
    enrollments,
    erased,
    leads,
    outgoing_events,
    parked,
    sends,
    submissions,
    suppressions,
    timeline,
)

FORGOTTEN = "forgotten"
"""The status of a lead whose person is not known any more: what is left of it are figures."""


def _quarantined(before: datetime) -> ColumnElement[bool]:
    return and_(submissions.c.lead_id.is_(None), submissions.c.captured_at < before)


def _practice(before: datetime) -> ColumnElement[bool]:
    return and_(leads.c.is_test.is_(True), leads.c.created_at < before)


def _unreachable(before: datetime) -> ColumnElement[bool]:
    barred = exists().where(
        suppressions.c.address_hash == leads.c.email_hash, suppressions.c.scope == SuppressionScope.ALL
    )
    return and_(_quiet(before), leads.c.phone_hash.is_(None), barred)


def _quiet(before: datetime) -> ColumnElement[bool]:
    """Nothing has happened to them, nothing is on its way, nobody has to look first."""
    return and_(
        leads.c.created_at < before,
        leads.c.is_test.is_(False),
        leads.c.status != FORGOTTEN,
        leads.c.hold_reason.is_(None),
        ~exists().where(timeline.c.lead_id == leads.c.id, timeline.c.at >= before),
        ~exists().where(enrollments.c.lead_id == leads.c.id, enrollments.c.status == ACTIVE),
        ~exists().where(sends.c.lead_id == leads.c.id, sends.c.state.in_((*PENDING, SendState.HANDED_OVER))),
    )


def _decided(before: datetime) -> ColumnElement[bool]:
    return and_(parked.c.state != OPEN, parked.c.last_at < before)


def _told(before: datetime) -> ColumnElement[bool]:
    return and_(alerts.c.state != ALERT_PENDING, alerts.c.created_at < before)


def _told_elsewhere(before: datetime) -> ColumnElement[bool]:
    waits = exists().where(parked.c.id == outgoing_events.c.id, parked.c.state == OPEN)
    return and_(outgoing_events.c.state != EVENT_PENDING, outgoing_events.c.at < before, ~waits)


_WHERE: Mapping[Kept, tuple[Column[Any], Callable[[datetime], ColumnElement[bool]]]] = {
    Kept.QUARANTINE: (submissions.c.id, _quarantined),
    Kept.PRACTICE: (leads.c.id, _practice),
    Kept.UNREACHABLE: (leads.c.id, _unreachable),
    Kept.FINISHED: (leads.c.id, _quiet),
    Kept.PARKED: (parked.c.id, _decided),
    Kept.ALERTS: (alerts.c.id, _told),
    Kept.EVENTS: (outgoing_events.c.id, _told_elsewhere),
    Kept.MARKS: (erased.c.submission_hash, lambda before: erased.c.at < before),
}


def count(connection: Connection, kept: Kept, before: datetime) -> int:
    """How many are older."""
    column, where = _WHERE[kept]
    return connection.execute(select(func.count()).select_from(column.table).where(where(before))).scalar_one()


def oldest(connection: Connection, kept: Kept, before: datetime, limit: int) -> list[str]:
    """Some of those that are older, locked until the end of the transaction."""
    column, where = _WHERE[kept]
    query = select(column).where(where(before)).order_by(column).limit(limit)
    return list(connection.execute(query.with_for_update(key_share=True, skip_locked=True)).scalars())


def remove(connection: Connection, kept: Kept, keys: Sequence[str]) -> int:
    """Delete rows of a kind that nothing else refers to."""
    column, _ = _WHERE[kept]
    return connection.execute(delete(column.table).where(column.in_(list(keys)))).rowcount
