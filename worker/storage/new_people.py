"""What people leave behind who write for the first time, all of it in one statement on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from worker.storage import alerts, outgoing_events, timeline
from worker.storage import sends as send_store
from worker.storage.alerts import Alert
from worker.storage.inserting import NewRows, Row, insert_several
from worker.storage.sends import NewSend
from worker.storage.tables import consents, enrollments, sends
from worker.storage.timeline import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRows:
    """Rows of leads that are stored already. `alerts` may be queued already: those of a released quarantine are."""

    consents: Sequence[Row]
    enrollments: Sequence[Row]
    sends: Sequence[NewSend]
    entries: Sequence[Entry]
    alerts: Sequence[Alert]


def store(
    connection: Connection, first: FirstRows, at: datetime, real_now: datetime, *, is_anyone_told: bool = True
) -> None:
    """Store them, and note them for other systems where there are any."""
    queued = alerts.pending_rows(first.alerts, at, real_now)
    fresh = insert_several(
        connection,
        [
            NewRows(consents, first.consents),
            NewRows(enrollments, first.enrollments),
            NewRows(sends, [send_store.planned_row(send) for send in first.sends], once=True),
            timeline.new_rows(first.entries),
            queued,
        ],
        "id",
    )
    if is_anyone_told:
        told = [*timeline.facts(first.entries), *alerts.facts(queued.rows, fresh, at)]
        outgoing_events.record(connection, told)
