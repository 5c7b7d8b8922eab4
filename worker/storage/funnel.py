"""How far the people of a sequence have come, step by step. Figures only; leads for practice are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from worker.domain.feedback import EventKind
from worker.domain.sends import PENDING, CancelReason, SendState
from worker.storage.tables import delivery_events, leads, sends

_BOOKED = (CancelReason.BOOKED, CancelReason.PATIENT)


def steps_of(connection: Connection, sequence: str, location: str) -> dict[str, Mapping[str, Any]]:
    """Per step: how many had it as their next, wait for it, got it, received it, booked before it, left before it."""
    arrived = select(delivery_events.c.send_id).where(
        delivery_events.c.send_id == sends.c.id, delivery_events.c.kind == EventKind.DELIVERED
    )
    practice = select(leads.c.id).where(leads.c.is_test.is_(True))  # few: read once, not a lead for each send
    cancelled = sends.c.state == SendState.CANCELLED
    booked = sends.c.reason.in_(_BOOKED)
    rows = connection.execute(
        select(
            sends.c.step,
            func.count().label("planned"),
            _count(sends.c.state.in_(PENDING)).label("waiting"),
            _count(sends.c.state == SendState.SENT).label("sent"),
            _count((sends.c.state == SendState.SENT) & arrived.exists()).label("delivered"),
            _count(cancelled & booked).label("booked"),
            _count(cancelled & ~booked).label("left"),
        )
        .where(sends.c.sequence == sequence, sends.c.location == location, sends.c.lead_id.not_in(practice))
        .group_by(sends.c.step)
    )
    return {row.step: {name: value for name, value in row._mapping.items() if name != "step"} for row in rows}


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
