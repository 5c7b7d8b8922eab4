"""What came back after a send: each foreign event once, as codes and ids, and counts that cost nothing to read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from worker.domain.feedback import DeliveryEvent, EventKind
from worker.domain.reputation import Tally
from worker.domain.sends import SendState
from worker.storage.database import insert_for, insert_once, real_now
from worker.storage.sends import IN_ATTENTION_INDEX
from worker.storage.tables import delivery_events, feedback_counts, sends

REFUSED, PARKED = "refused", "parked"
"""Counted beside the kinds of events: a wrong signature, and what could not be read."""

POLLED, UNREACHABLE = "polled", "unreachable"
"""Counted for each mailbox: it was read, or it did not answer."""

_CODE_MAX = 40


def send_of(connection: Connection, event: DeliveryEvent) -> Mapping[str, Any] | None:
    """The send that an event is about: by our own id, else by the provider's, where only one has that."""
    if event.send_id is not None:
        row = connection.execute(select(sends).where(sends.c.id == event.send_id)).first()
        return dict(row._mapping) if row else None
    if event.provider_message_id is None:
        return None
    known = select(sends).where(sends.c.provider_message_id == event.provider_message_id).limit(2)
    rows = connection.execute(known).all()
    return dict(rows[0]._mapping) if len(rows) == 1 else None


def record(
    connection: Connection, source: str, event: DeliveryEvent, send: Mapping[str, Any] | None, at: datetime
) -> bool:
    """Store an event; False where it is stored already, and nothing must be done again."""
    is_new = insert_once(
        connection,
        delivery_events,
        {
            "source": source,
            "event_hash": hashlib.sha256(event.event_id.encode(errors="replace")).hexdigest(),
            "send_id": send["id"] if send else None,
            "lead_id": send["lead_id"] if send else None,
            "kind": event.kind,
            "code": event.code[:_CODE_MAX],
            "at": at,
        },
    )
    if is_new:
        count(connection, source, event.kind)
    return is_new


def count(connection: Connection, source: str, kind: str) -> None:
    """Count one more of a kind; the instant is real time."""
    now = real_now(connection)
    statement = insert_for(connection)(feedback_counts).values(source=source, kind=kind, count=1, last_at=now)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "kind"], set_={"count": feedback_counts.c.count + 1, "last_at": now}
        )
    )


def counts(connection: Connection) -> list[Mapping[str, Any]]:
    """How often each kind came from each source, and when last (real time)."""
    rows = connection.execute(select(feedback_counts).order_by(feedback_counts.c.source, feedback_counts.c.kind))
    return [dict(row._mapping) for row in rows]


def unknown_yet_known(connection: Connection, limit: int) -> list[Mapping[str, Any]]:
    """Sends of unknown outcome for which something came back."""
    came_back = select(delivery_events.c.id).where(delivery_events.c.send_id == sends.c.id).exists()
    is_unknown = and_(sends.c.state == SendState.UNKNOWN, IN_ATTENTION_INDEX)
    rows = connection.execute(select(sends).where(is_unknown, came_back).limit(limit))
    return [dict(row._mapping) for row in rows]


def soft_bounces_in_a_row(connection: Connection, lead_id: str, since: datetime) -> int:
    """How many of a person's emails bounced softly since an instant, and since the latest that arrived."""
    delivered = (
        select(func.max(delivery_events.c.at))
        .where(delivery_events.c.lead_id == lead_id, delivery_events.c.kind == EventKind.DELIVERED)
        .scalar_subquery()
    )
    return connection.execute(
        select(func.count(delivery_events.c.send_id.distinct())).where(
            delivery_events.c.lead_id == lead_id,
            delivery_events.c.kind == EventKind.SOFT_BOUNCE,
            delivery_events.c.at >= since,
            delivery_events.c.at > func.coalesce(delivered, since),
        )
    ).scalar_one()


def people_refused(connection: Connection, since: datetime) -> int:
    """How many people's servers refused us, not them, since an instant."""
    return connection.execute(
        select(func.count(delivery_events.c.lead_id.distinct())).where(
            delivery_events.c.kind == EventKind.OUR_FAULT, delivery_events.c.at >= since
        )
    ).scalar_one()


def tally(connection: Connection, sequence: str, location: str | None, since: datetime) -> Tally:
    """The emails of a sequence (at one location, or everywhere) since an instant, and what came back.

    Those are meant that were sent, and those that a mail server refused for their address.
    """
    of_sequence = [sends.c.sequence == sequence]
    if location is not None:
        of_sequence.append(sends.c.location == location)
    emails = connection.execute(
        select(func.count())
        .select_from(sends)
        .where(*of_sequence, sends.c.sent_at >= since, sends.c.state == SendState.SENT)
    ).scalar_one()

    def those(condition: ColumnElement[bool]) -> Any:
        return func.count(case((condition, delivery_events.c.send_id)).distinct())

    was_refused = and_(sends.c.state == SendState.FAILED, delivery_events.c.at >= since)
    row = connection.execute(
        select(
            those(delivery_events.c.kind == EventKind.HARD_BOUNCE),
            those(delivery_events.c.kind == EventKind.COMPLAINED),
            those(was_refused),
        )
        .join(sends, sends.c.id == delivery_events.c.send_id)
        .where(
            *of_sequence,
            or_(sends.c.sent_at >= since, was_refused),
            delivery_events.c.kind.in_((EventKind.HARD_BOUNCE, EventKind.COMPLAINED)),
        )
    ).one()
    return Tally(emails=emails + row[2], bounces=row[0], complaints=row[1])


def of_sends(connection: Connection, send_ids: Iterable[str]) -> list[Mapping[str, Any]]:
    """What came back for these sends, oldest first."""
    rows = connection.execute(
        select(delivery_events).where(delivery_events.c.send_id.in_(set(send_ids))).order_by(delivery_events.c.id)
    )
    return [dict(row._mapping) for row in rows]
