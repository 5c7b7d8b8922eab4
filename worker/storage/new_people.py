"""How people stand who may write for the first time, in one query, and what they leave behind: all of it in one
statement on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    CompoundSelect,
    Connection,
    Select,
    String,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from worker.domain.consent import SuppressionReason, SuppressionScope
from worker.storage import alerts, outgoing_events, submissions, timeline
from worker.storage import sends as send_store
from worker.storage.alerts import Alert
from worker.storage.database import is_one_of_given
from worker.storage.inserting import NewRows, Row, insert_several
from worker.storage.sends import NewSend
from worker.storage.suppressions import Suppressed
from worker.storage.tables import consents, enrollments, leads, sends, suppressions
from worker.storage.timeline import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRows:
    """Rows of leads that are stored already, and whose each submission is (lead ids by submission id). `alerts` may
    be queued already: those of a released quarantine are."""

    owners: Mapping[str, str]

    consents: Sequence[Row]
    enrollments: Sequence[Row]
    sends: Sequence[NewSend]
    entries: Sequence[Entry]
    alerts: Sequence[Alert]


@dataclass(frozen=True, slots=True)
class Standing:
    """Of some addresses: which some lead has, and what is suppressed of each that has any."""

    known: Set[str]
    suppressed: Mapping[str, Suppressed]


def look_up(connection: Connection, hashes: Set[str]) -> Standing:
    """How these addresses stand, in one query."""
    if not hashes:
        return Standing(frozenset(), {})
    rows = connection.execute(_standing(connection.dialect.name), {"hashes": list(hashes)})
    known, suppressed = set[str](), dict[str, dict[SuppressionScope, SuppressionReason]]()
    for address, scope, reason in rows:
        if scope is None:
            known.add(address)
        else:
            suppressed.setdefault(address, {})[SuppressionScope(scope)] = SuppressionReason(reason)
    return Standing(known, suppressed)


@cache
def _standing(dialect: str) -> CompoundSelect[Any, Any, Any]:
    """Built once: to build it takes more of the processor than to ask it."""
    nothing = literal(None, String)
    are_leads = select(leads.c.email_hash, nothing, nothing)
    are_suppressed = select(suppressions.c.address_hash, suppressions.c.scope, suppressions.c.reason)
    return union_all(
        _only_given(dialect, are_leads, leads.c.email_hash),
        _only_given(dialect, are_suppressed, suppressions.c.address_hash),
    )


def _only_given(dialect: str, query: Select[Any], address: Column[str]) -> Select[Any]:
    """On PostgreSQL a join: while a table is so small that it is read whole, a list is gone through for each row."""
    if dialect == "sqlite":
        return query.where(is_one_of_given(dialect, address, "hashes"))
    hashes = bindparam("hashes", type_=ARRAY(address.type))
    given = func.unnest(hashes).table_valued("address", name="given").render_derived()
    return query.join(given, address == given.c.address)


def store(
    connection: Connection, first: FirstRows, at: datetime, real_now: datetime, *, is_anyone_told: bool = True
) -> None:
    """Store them, and note them for other systems where there are any."""
    queued = alerts.pending_rows(first.alerts, at, real_now)
    if connection.dialect.name == "sqlite":
        submissions.assign(connection, first.owners)
    fresh = insert_several(
        connection,
        [
            NewRows(consents, first.consents),
            NewRows(enrollments, first.enrollments, alike="plan"),
            NewRows(sends, [send_store.planned_row(send) for send in first.sends], once=True),
            timeline.new_rows(first.entries),
            queued,
        ],
        "id",
        submissions.assignment(first.owners),
    )
    if is_anyone_told:
        told = [*timeline.facts(first.entries), *alerts.facts(queued.rows, fresh, at)]
        outgoing_events.record(connection, told)
