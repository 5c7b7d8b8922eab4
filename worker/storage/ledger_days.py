"""One day of the ledger, for counting: its leads and what became of them, its emails and what came back.

Walks the indexes of leads' and sends' instants, and of the few things on a timeline that are counted. Leads for
practice are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from worker.domain.events import LeadEvent
from worker.domain.feedback import EventKind
from worker.domain.sends import SendState
from worker.domain.tallies import NONE, LeadFacts, SendFacts
from worker.storage.tables import COUNTED, delivery_events, leads, sends, timeline
from worker.storage.timeline import Happened

MailboxOf = Callable[[Mapping[str, Any]], str]
"""From a lead's row to the kind of mailbox that they have."""


def leads_of(connection: Connection, start: datetime, end: datetime) -> list[LeadFacts]:
    """The leads who first wrote between two instants."""
    meant = and_(leads.c.created_at >= start, leads.c.created_at < end, leads.c.is_test.is_(False))
    ids = select(leads.c.id).where(meant)
    emailed = select(sends.c.lead_id).where(sends.c.lead_id.in_(ids), sends.c.state == SendState.SENT).distinct()
    was_emailed = set(connection.execute(emailed).scalars())
    answers: dict[str, int] = {}
    booked: set[str] = set()
    for entry in _story(connection, ids):
        if entry["kind"] == Happened.ANSWERED:
            answers.setdefault(entry["lead_id"], int(entry["detail"].get("after_working_minutes", 0)))
        elif entry["detail"].get("event") == LeadEvent.CONSULTATION_BOOKED:
            booked.add(entry["lead_id"])
    columns = (leads.c.id, leads.c.location, leads.c.condition, leads.c.sequence)
    return [
        LeadFacts(
            location=row.location,
            condition=row.condition,
            sequence=row.sequence or NONE,
            was_emailed=row.id in was_emailed,
            answer_minutes=answers.get(row.id),
            has_booked=row.id in booked,
        )
        for row in connection.execute(select(*columns).where(meant))
    ]


def sends_of(connection: Connection, start: datetime, end: datetime, mailbox_of: MailboxOf) -> list[SendFacts]:
    """The emails that went out between two instants, or were refused then for their address."""
    meant = or_(
        and_(sends.c.sent_at >= start, sends.c.sent_at < end, sends.c.state == SendState.SENT),
        sends.c.id.in_(_refused(connection, start, end)),
    )
    came_back = _came_back(connection, select(sends.c.id).where(meant), select(sends.c.lead_id).where(meant))
    rows = connection.execute(
        select(
            sends.c.id.label("send_id"),
            sends.c.location,
            sends.c.sequence,
            sends.c.email,
            sends.c.provider,
            leads.c.condition,
            leads.c.id,
            leads.c.email_sealed,
        )
        .join(leads, leads.c.id == sends.c.lead_id)
        .where(meant, leads.c.is_test.is_(False))
    )
    return [
        SendFacts(
            location=row.location,
            condition=row.condition,
            sequence=row.sequence or NONE,
            email=row.email,
            provider=row.provider or NONE,
            mailbox=mailbox_of(dict(row._mapping)),
            came_back=frozenset(came_back.get(row.send_id, ())),
        )
        for row in rows
    ]


def _refused(connection: Connection, start: datetime, end: datetime) -> Sequence[str]:
    """As a list, since a database can't walk its indexes for what a sub-query may hold."""
    of_day = and_(delivery_events.c.at >= start, delivery_events.c.at < end)
    ids = (
        select(sends.c.id)
        .join(delivery_events, delivery_events.c.send_id == sends.c.id)
        .where(delivery_events.c.kind == EventKind.HARD_BOUNCE, of_day, sends.c.state == SendState.FAILED)
    )
    return connection.execute(ids).scalars().all()


def _came_back(connection: Connection, send_ids: Select[Any], lead_ids: Select[Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    told = select(delivery_events.c.send_id, delivery_events.c.kind).where(delivery_events.c.send_id.in_(send_ids))
    for row in connection.execute(told):
        found.setdefault(row.send_id, set()).add(row.kind)
    for entry in _story(connection, lead_ids):
        if entry["kind"] == Happened.UNSUBSCRIBED and "send_id" in entry["detail"]:
            found.setdefault(entry["detail"]["send_id"], set()).add(EventKind.UNSUBSCRIBED)
    return found


def _story(connection: Connection, lead_ids: Select[Any]) -> Iterator[Mapping[str, Any]]:
    """What counts on the timelines of these leads, oldest first."""
    columns = (timeline.c.lead_id, timeline.c.kind, timeline.c.detail)
    told = select(*columns).where(COUNTED, timeline.c.lead_id.in_(lead_ids)).order_by(timeline.c.id)
    yield from (dict(row._mapping) for row in connection.execute(told))


def instants_of(rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[datetime]:
    """When the leads and emails among these rows count."""
    yield from (row["created_at"] for row in rows.get("leads", ()))
    yield from (row["sent_at"] for row in rows.get("sends", ()) if row["sent_at"] is not None)
    yield from (row["at"] for row in rows.get("delivery_events", ()) if row["kind"] == EventKind.HARD_BOUNCE)
