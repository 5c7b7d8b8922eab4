"""The one gate before the network: what may be handed to the provider at this moment (I3).

Whatever could have changed since a send was decided upon is asked again here, in the statement that hands it over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, bindparam, exists, func, or_, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.expression import alias

from worker.domain.consent import SuppressionScope
from worker.domain.sends import SendKind, SendState
from worker.storage import pauses
from worker.storage.columns import UtcDateTime, written
from worker.storage.database import is_one_of_given
from worker.storage.enrollments import ACTIVE
from worker.storage.sends import HAND_OVER_LEASE, TAKEN
from worker.storage.tables import enrollments, installation, leads, sends, suppressions

GATE_RETRY = timedelta(seconds=2)
"""How soon a send that the gate refused is decided again."""


def hand_over(
    connection: Connection,
    group: Sequence[Mapping[str, Any]],
    snapshot: str,
    now: datetime,
    real_now: datetime,
    *,
    dated: datetime | None = None,
    handed_to: str | None = None,
    key_until: datetime | None = None,
) -> set[str]:
    """The one gate before the network: the ids that may be handed to the provider now.

    Committed before a byte leaves. Whatever could have changed since the decision is asked again here, in
    the same statement: the claim, suppression, the lead's hold, pauses, the enrollment, the snapshot, and
    that this person has not had this email. `dated` is the date in the messages, where that is not `now`: a repeat
    with the same key has to be the same to the letter. `handed_to` is the provider's account, `key_until` the
    instant (real time) until which the same hand-over may be repeated there with its key.
    """
    rows = connection.execute(
        _hand_over(connection.dialect.name),
        {
            "ids": [row["id"] for row in group],
            "claims": list({row["claim"] for row in group}),
            "now": now,
            "dated": dated or now,
            "content": snapshot,
            "lease": real_now + HAND_OVER_LEASE,
            "account": handed_to,
            "key_end": key_until,
        },
    )
    return {row.id for row in rows}


def may_leave(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """The condition that nothing about the person, the lead or the product forbids a send at this moment (I3)."""
    return and_(~_suppressed(), ~_held_or_ended(now), ~pauses.stops_send(now), ~_had_already())


def _suppressed() -> ColumnElement[bool]:
    applies = or_(suppressions.c.scope == written(SuppressionScope.ALL), sends.c.kind == written(SendKind.NURTURE))
    return exists().where(leads.c.id == sends.c.lead_id, suppressions.c.address_hash == leads.c.email_hash, applies)


def _held_or_ended(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    waits = or_(leads.c.hold_reason.is_not(None), leads.c.quiet_until > now)
    held = exists().where(leads.c.id == sends.c.lead_id, waits)
    active = exists().where(enrollments.c.id == sends.c.enrollment_id, enrollments.c.status == written(ACTIVE))
    return and_(sends.c.kind == written(SendKind.NURTURE), or_(held, ~active))


def _had_already() -> ColumnElement[bool]:
    other = alias(sends, "other")
    return and_(
        sends.c.kind == written(SendKind.NURTURE),
        exists().where(
            other.c.lead_id == sends.c.lead_id,
            other.c.email == sends.c.email,
            other.c.id != sends.c.id,
            other.c.state.in_([written(state) for state in TAKEN]),
        ),
    )


def _is_still_claimed() -> ColumnElement[bool]:
    """Not to be answered by the index of what is leased, which holds everyone's, also what left it just now: the rows
    are few, and their ids are known. And so the plan is the same each time, and is kept."""
    return func.coalesce(sends.c.state, written("")) == written(SendState.CLAIMED)


@cache
def _hand_over(dialect: str) -> ReturningUpdate[Any]:
    """Built once: it is by far the longest statement, and runs for every group."""
    mine = is_one_of_given(dialect, sends.c.id, "ids"), is_one_of_given(dialect, sends.c.claim, "claims")
    return (
        update(sends)
        .where(*mine, _is_still_claimed())
        .where(may_leave(bindparam("now", type_=UtcDateTime)))
        .where(exists().where(installation.c.active_snapshot == bindparam("content")))
        .values(
            state=SendState.HANDED_OVER,
            attempts=sends.c.attempts + 1,
            handed_over_at=bindparam("dated"),
            snapshot=bindparam("content"),
            lease_until=bindparam("lease"),
            handed_to=bindparam("account"),
            key_until=bindparam("key_end"),
        )
        .returning(sends.c.id)
    )
