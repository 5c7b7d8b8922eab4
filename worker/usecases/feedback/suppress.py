"""Stop writing to a person's address, end their sequence, and tell whoever should pick up the phone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.domain.consent import SuppressionReason
from worker.domain.sends import CancelReason
from worker.storage import alerts, suppressions, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.nurture.enroll import exit_sequence


def suppress(
    connection: Connection,
    lead: Mapping[str, Any],
    reason: SuppressionReason,
    exit_reason: CancelReason,
    origin: str,
    now: datetime,
) -> None:
    """Suppress a lead's address; as often as one likes. Everything still planned is withdrawn."""
    if lead["email_hash"] is None:
        return  # erased since, or it never had one
    if suppressions.add(connection, lead["email_hash"], reason, origin, now):
        timeline.add(connection, Happened.SUPPRESSED, now, lead["id"], actor=origin, reason=reason)
        if reason is SuppressionReason.HARD_BOUNCE:
            alerts.queue(connection, AlertKind.ADDRESS_BAD, lead["id"], lead["id"], now, real_now(connection))
    exit_sequence(connection, lead["id"], exit_reason, now, origin)
