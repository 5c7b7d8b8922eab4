"""Staff alerts: an outbox in the database, so that an alert is queued with the fact it tells of."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select, update

from worker.domain.ids import alert_id
from worker.domain.outgoing_events import Fact, alert_fact
from worker.domain.safety import CrisisTier
from worker.storage import outgoing_events
from worker.storage.inserting import NewRows, insert_several
from worker.storage.tables import alerts

PENDING, SENT, PARKED = "pending", "sent", "parked"
PAGING, ACKNOWLEDGED = "paging", "acknowledged"
"""Told, and told again until someone acknowledges it; and acknowledged."""

_WAITING = (PENDING, PAGING)
LEASE = timedelta(seconds=60)


class AlertKind(StrEnum):
    """What staff are told of."""

    NEW_LEAD = "new_lead"
    WROTE_AGAIN = "wrote_again"
    CRISIS = "crisis"
    CRISIS_REVIEW = "crisis_review"
    QUARANTINED = "quarantined"
    CONTENT_HELD = "content_held"
    SEND_UNKNOWN = "send_unknown"
    SUBMISSION_PARKED = "submission_parked"
    MESSAGE_PARKED = "message_parked"
    PLANS_REPAIRED = "plans_repaired"
    SENDING_HELD = "sending_held"
    SENDING_STOPPED = "sending_stopped"
    SEQUENCE_STOPPED = "sequence_stopped"
    SEQUENCE_ANNOYS = "sequence_annoys"
    ADDRESS_BAD = "address_bad"
    REPLIED = "replied"
    FEEDBACK_PARKED = "feedback_parked"
    UNANSWERED = "unanswered"
    PROVIDER_FAILS = "provider_fails"
    PROVIDER_WORKS = "provider_works"
    NEEDS_ATTENTION = "needs_attention"
    NO_LEADS = "no_leads"
    EVENT_PARKED = "event_parked"
    BOOKING_PARKED = "booking_parked"


PAGED = {AlertKind.CRISIS: CrisisTier.ACUTE, AlertKind.CRISIS_REVIEW: CrisisTier.REVIEW}
"""What staff are told of again and again until someone acknowledges it."""


def urgent_ids(subject: str) -> list[str]:
    """The ids that alerts of this subject have, where it is urgent."""
    return [alert_id(kind, subject) for kind in PAGED]


def crisis_kind(tier: CrisisTier) -> AlertKind:
    """The alert of a tier."""
    return AlertKind.CRISIS if tier is CrisisTier.ACUTE else AlertKind.CRISIS_REVIEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something to tell staff about `subject` (an id)."""

    kind: AlertKind
    subject: str
    lead_id: str | None


def queue(
    connection: Connection,
    kind: AlertKind,
    subject: str,
    lead_id: str | None,
    at: datetime,
    real_now: datetime,
) -> bool:
    """Queue an alert; False where it was queued before."""
    new = Alert(kind=kind, subject=subject, lead_id=lead_id)
    return bool(queue_all(connection, [new], at, real_now))


def queue_all(connection: Connection, new: Sequence[Alert], at: datetime, real_now: datetime) -> int:
    """Queue alerts that were not queued before, and note them for other systems; how many."""
    pending = pending_rows(new, at, real_now)
    fresh = insert_several(connection, [pending], "id")
    outgoing_events.record(connection, facts(pending.rows, fresh, at))
    return len(fresh)


def pending_rows(new: Sequence[Alert], at: datetime, real_now: datetime) -> NewRows:
    """Alerts as they are queued, each once."""
    rows = {alert_id(alert.kind, alert.subject): _pending(alert, at, real_now) for alert in new}
    return NewRows(alerts, list(rows.values()), once=True)


def facts(rows: Iterable[Mapping[str, Any]], fresh: Container[str], at: datetime) -> list[Fact]:
    """What other systems are told of those of these alerts that were not queued before."""
    return [alert_fact(row["kind"], row["id"], row["lead_id"], at) for row in rows if row["id"] in fresh]


def _pending(alert: Alert, at: datetime, real_now: datetime) -> dict[str, Any]:
    return {
        "id": alert_id(alert.kind, alert.subject),
        "kind": alert.kind,
        "lead_id": alert.lead_id,
        "state": PENDING,
        "created_at": at,
        "not_before": real_now,
    }


def is_due(connection: Connection, real_now: datetime) -> bool:
    """True when an alert waits to be posted."""
    due = select(alerts.c.id).where(alerts.c.state.in_(_WAITING), alerts.c.not_before <= real_now).limit(1)
    return connection.execute(due).first() is not None


def claim_due(connection: Connection, real_now: datetime, limit: int) -> list[Mapping[str, Any]]:
    """Take pending alerts for a while. One that is not finished within the lease is tried again:
    telling staff twice is better than never."""
    due = (
        select(alerts.c.id)
        .where(alerts.c.state.in_(_WAITING), alerts.c.not_before <= real_now)
        .order_by(case((alerts.c.kind.in_(PAGED), 0), else_=1), alerts.c.not_before)  # a person before everything
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    rows = connection.execute(
        update(alerts)
        .where(alerts.c.id.in_(select(due.c.id)))
        .values(not_before=real_now + LEASE, attempts=alerts.c.attempts + 1)
        .returning(alerts)
    )
    claimed = [dict(row._mapping) for row in rows]  # in no order of ours
    return sorted(claimed, key=lambda alert: alert["kind"] not in PAGED)


def finish(connection: Connection, alert: str, state: str, **values: Any) -> bool:
    """Note how it went, unless someone has acknowledged it meanwhile; False where it was erased with its lead."""
    waiting = update(alerts).where(alerts.c.id == alert, alerts.c.state.in_(_WAITING))
    if connection.execute(waiting.values(state=state, **values)).rowcount:
        return True
    there = select(alerts.c.id).where(alerts.c.id == alert).with_for_update(key_share=True)
    return connection.execute(there).first() is not None


def acknowledge_of_lead(connection: Connection, lead_id: str, actor: str, at: datetime) -> int:
    """Stop telling staff of a lead's urgent messages; how many there were."""
    return _acknowledge(connection, alerts.c.lead_id == lead_id, actor, at)


def acknowledge_ids(connection: Connection, ids: Sequence[str], actor: str, at: datetime) -> int:
    """The same, by the alerts' ids."""
    return _acknowledge(connection, alerts.c.id.in_(ids), actor, at)


def _acknowledge(connection: Connection, which: ColumnElement[bool], actor: str, at: datetime) -> int:
    done = (
        update(alerts)
        .where(which, alerts.c.kind.in_(PAGED), alerts.c.acknowledged_at.is_(None))
        .values(state=ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=actor)
    )
    return connection.execute(done).rowcount


def urgent_leads(connection: Connection, lead_ids: Iterable[str]) -> frozenset[str]:
    """Those of these leads whose urgent messages nobody has acknowledged."""
    waiting = (alerts.c.lead_id.in_(set(lead_ids)), alerts.c.kind.in_(PAGED), alerts.c.acknowledged_at.is_(None))
    return frozenset(row.lead_id for row in connection.execute(select(alerts.c.lead_id).where(*waiting)))


def is_urgent(connection: Connection, ids: Sequence[str]) -> bool:
    """True when nobody has acknowledged one of these alerts."""
    waiting = (alerts.c.id.in_(ids), alerts.c.acknowledged_at.is_(None))
    return connection.execute(select(alerts.c.id).where(*waiting).limit(1)).first() is not None


def link(connection: Connection, ids: Sequence[str], lead_id: str) -> None:
    """Say whose alerts these are, now that it is known."""
    connection.execute(update(alerts).where(alerts.c.id.in_(ids)).values(lead_id=lead_id))


def count_unanswered(connection: Connection, pages: int) -> int:
    """How many urgent messages staff were told of so often without an answer."""
    unanswered = (alerts.c.state.in_(_WAITING), alerts.c.kind.in_(PAGED), alerts.c.pages >= pages)
    return int(connection.execute(select(func.count()).where(*unanswered)).scalar_one())


def counts(connection: Connection) -> dict[str, int]:
    """How many alerts stand in each state."""
    rows = connection.execute(select(alerts.c.state, func.count()).group_by(alerts.c.state))
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in (PENDING, PAGING, ACKNOWLEDGED, SENT, PARKED)}
