"""Staff alerts: an outbox in the database, so that an alert is queued with the fact it tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select, update

from worker.domain.ids import alert_id
from worker.storage.database import insert_all, insert_once
from worker.storage.tables import alerts

PENDING, SENT, PARKED = "pending", "sent", "parked"
LEASE = timedelta(seconds=60)


class AlertKind(StrEnum):
    """What staff are told of."""

    NEW_LEAD = "new_lead"
    WROTE_AGAIN = "wrote_again"
    CRISIS = "crisis"
    QUARANTINED = "quarantined"
    CONTENT_HELD = "content_held"
    SEND_UNKNOWN = "send_unknown"
    SUBMISSION_PARKED = "submission_parked"
    MESSAGE_PARKED = "message_parked"
    SENDING_HELD = "sending_held"
    SENDING_STOPPED = "sending_stopped"
    SEQUENCE_STOPPED = "sequence_stopped"
    ADDRESS_BAD = "address_bad"
    REPLIED = "replied"
    FEEDBACK_PARKED = "feedback_parked"
    UNANSWERED = "unanswered"


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
    return insert_once(connection, alerts, _pending(new, at, real_now))


def queue_all(connection: Connection, new: Sequence[Alert], at: datetime, real_now: datetime) -> None:
    """Queue alerts that were not queued before."""
    insert_all(connection, alerts, [_pending(alert, at, real_now) for alert in new])


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
    due = select(alerts.c.id).where(alerts.c.state == PENDING, alerts.c.not_before <= real_now).limit(1)
    return connection.execute(due).first() is not None


def claim_due(connection: Connection, real_now: datetime, limit: int) -> list[Mapping[str, Any]]:
    """Take pending alerts for a while. One that is not finished within the lease is tried again:
    telling staff twice is better than never."""
    due = (
        select(alerts.c.id)
        .where(alerts.c.state == PENDING, alerts.c.not_before <= real_now)
        .order_by(alerts.c.not_before)
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
    return [dict(row._mapping) for row in rows]


def finish(connection: Connection, alert: str, state: str, **values: Any) -> None:
    """Note how it went."""
    connection.execute(update(alerts).where(alerts.c.id == alert).values(state=state, **values))


def counts(connection: Connection) -> dict[str, int]:
    """How many alerts stand in each state."""
    rows = connection.execute(select(alerts.c.state, func.count()).group_by(alerts.c.state))
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in (PENDING, SENT, PARKED)}
