"""Enrollments: a lead in a sequence, once, with the plan that it started with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, func, insert, select, update

from worker.domain.sequences import Plan
from worker.storage import samples, sends
from worker.storage.database import is_one_of
from worker.storage.tables import IN_SEQUENCE, consents, enrollments

ACTIVE, COMPLETED, EXITED = "active", "completed", "exited"

COUNTED_ONE_BY_ONE = 10_000
"""As many rows are counted in no time."""

LOOK_AT = 1000
"""How many active enrollments one sweep looks at: milliseconds, and all of them within minutes at the usual numbers."""


def start(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Enroll leads. The database refuses a second active enrollment, and the same sequence twice in a cycle."""
    if rows:
        connection.execute(insert(enrollments), [dict(row) for row in rows])


def active_of(connection: Connection, lead_id: str) -> Mapping[str, Any] | None:
    """The lead's active enrollment."""
    row = connection.execute(
        select(enrollments).where(enrollments.c.lead_id == lead_id, enrollments.c.status == ACTIVE)
    ).first()
    return dict(row._mapping) if row else None


def was_in(connection: Connection, lead_id: str, sequence: str) -> bool:
    """True when the lead is, or ever was, in this sequence."""
    return (
        connection.execute(
            select(enrollments.c.id).where(enrollments.c.lead_id == lead_id, enrollments.c.sequence == sequence)
        ).first()
        is not None
    )


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """These enrollments, by id."""
    rows = connection.execute(select(enrollments).where(enrollments.c.id.in_(set(ids))))
    return {row.id: dict(row._mapping) for row in rows}


def for_sending(connection: Connection, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """What sending asks of these enrollments, by id, with the plan read; most people's plans are the same few."""
    columns = [enrollments.c[name] for name in ("id", "lead_id", "sequence", "location", "status", "started_at")]
    plan = cast(enrollments.c.plan, Text).label("plan")
    rows = connection.execute(select(*columns, plan).where(is_one_of(connection, enrollments.c.id, set(ids))))
    return {row.id: {**row._mapping, "plan": _read_plan(row.plan)} for row in rows}


@lru_cache(maxsize=512)
def _read_plan(text: str) -> Plan:
    return Plan.from_json(json.loads(text))


def of_lead(connection: Connection, lead_id: str) -> list[Mapping[str, Any]]:
    """A lead's enrollments, oldest first."""
    rows = connection.execute(
        select(enrollments).where(enrollments.c.lead_id == lead_id).order_by(enrollments.c.started_at)
    )
    return [dict(row._mapping) for row in rows]


def end(connection: Connection, enrollment_id: str, status: str, reason: str | None, at: datetime) -> bool:
    """End an active enrollment; False where it had ended already."""
    updated = connection.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment_id, enrollments.c.status == ACTIVE)
        .values(status=status, exit_reason=reason, ended_at=at)
    )
    return updated.rowcount == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A window of active enrollments that was looked at. `until`: the last of them; None after the very last."""

    stranded: Sequence[Mapping[str, Any]]
    until: str | None


def stranded(connection: Connection, unknown_before: datetime, after: str | None, limit: int) -> Checked:
    """Of the next `limit` active enrollments, those in which nothing is on its way: each breaks I9 until repaired.

    Looks at so many and no more, so that it costs the same however many people are being taught (I10). An unknown
    send holds the next one up only until `unknown_before`. Rows that someone else holds are left for next time.
    """
    rows = connection.execute(
        select(enrollments)
        .where(_is_stranded(unknown_before, after, limit))
        .with_for_update(key_share=True, skip_locked=True)
    )
    found = [dict(row._mapping) for row in rows]
    until: str | None = connection.scalar(_active(after).offset(limit - 1).limit(1))
    return Checked(stranded=found, until=until)


def count_stranded(connection: Connection, unknown_before: datetime, after: str | None) -> int:
    """How many of those that the repair looks at next have nothing on their way: none, but for a moment after
    something was lost (I9)."""
    condition = _is_stranded(unknown_before, after, LOOK_AT)
    return connection.execute(select(func.count()).select_from(enrollments).where(condition)).scalar_one()


def _active(after: str | None) -> Select[Any]:
    active = select(enrollments.c.id).where(IN_SEQUENCE).order_by(enrollments.c.id)
    return active if after is None else active.where(enrollments.c.id > after)


def _is_stranded(unknown_before: datetime, after: str | None, limit: int) -> ColumnElement[bool]:
    return and_(enrollments.c.id.in_(_active(after).limit(limit)), ~sends.stands_open(unknown_before))


def active_by_sequence(connection: Connection) -> dict[str, int]:
    """Per sequence, how many people are in it."""
    rows = connection.execute(
        select(enrollments.c.sequence, func.count()).where(IN_SEQUENCE).group_by(enrollments.c.sequence)
    )
    return {row[0]: row[1] for row in rows}


def count_active(connection: Connection) -> int:
    """How many leads are being taught; where they are very many, how many there were in the last minute."""
    some = _active(None).limit(COUNTED_ONE_BY_ONE + 1).subquery()
    count = connection.execute(select(func.count()).select_from(some)).scalar_one()
    if count <= COUNTED_ONE_BY_ONE:
        return count
    sampled: int | None = (samples.newest(connection) or {}).get("active")
    return count_one_by_one(connection) if sampled is None else sampled


def count_one_by_one(connection: Connection) -> int:
    """The same, exactly. Takes as long as there are many: once a minute."""
    return connection.execute(select(func.count()).select_from(enrollments).where(IN_SEQUENCE)).scalar_one()


def record_consents(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what was agreed to (or not), word version and all."""
    if rows:
        connection.execute(insert(consents), [dict(row) for row in rows])


def confirm_consent(connection: Connection, lead_id: str, since: datetime, at: datetime) -> bool:
    """Note that the person confirmed the consents given since an instant; False where there is none to confirm."""
    updated = connection.execute(
        update(consents)
        .where(consents.c.lead_id == lead_id, consents.c.granted.is_(True))
        .where(consents.c.at >= since, consents.c.confirmed_at.is_(None))
        .values(confirmed_at=at)
    )
    return updated.rowcount > 0


def consenting(connection: Connection, lead_ids: Iterable[str]) -> set[str]:
    """Those of these leads who have agreed to education by email."""
    agreed = is_one_of(connection, consents.c.lead_id, set(lead_ids)), consents.c.granted.is_(True)
    return set(connection.execute(select(consents.c.lead_id).where(*agreed)).scalars())


def consents_of(connection: Connection, lead_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Each lead's latest granted consent."""
    rows = connection.execute(
        select(consents)
        .where(consents.c.lead_id.in_(set(lead_ids)), consents.c.granted.is_(True))
        .order_by(consents.c.id)
    )
    return {row.lead_id: dict(row._mapping) for row in rows}
