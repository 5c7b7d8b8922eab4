"""Settle a send of unknown outcome on the word of what came back for it: only what was taken can bounce."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.storage import delivery_events, sends, timeline
from worker.storage.timeline import Happened
from worker.usecases.sending.record_outcome import plan_after_resolution
from worker.usecases.services import Services


def settle(services: Services, connection: Connection, send: Mapping[str, Any], now: datetime) -> bool:
    """Give an unknown send its end, and plan what follows; False where its outcome was known."""
    if not sends.settle(connection, send):
        return False
    timeline.add(
        connection, Happened.RESOLVED, now, send["lead_id"], send_id=send["id"], found="sent", by_feedback=True
    )
    plan_after_resolution(services, connection, send, now)
    return True


def settle_by_feedback(services: Services, connection: Connection, limit: int, now: datetime) -> set[str]:
    """Settle those for which something came back before we knew that we did not know; their ids."""
    found = delivery_events.unknown_yet_known(connection, limit)
    return {send["id"] for send in found if settle(services, connection, send, now)}
