"""Pause and resume sending: everything, a location or a sequence; held in the database at the moment of sending."""

from __future__ import annotations

from datetime import datetime, timedelta

from worker.domain.sends import HoldReason
from worker.storage import breakers, installation, pauses, sends, timeline
from worker.storage.database import real_now
from worker.storage.pauses import PauseScope
from worker.storage.timeline import Happened
from worker.usecases.services import Services


def pause(
    services: Services, scope: PauseScope, value: str | None, reason: str, actor: str, lasts: timedelta | None
) -> datetime | None:
    """Stop sending from this moment; the instant (product clock) when it ends by itself, if it does."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        until = now + lasts if lasts is not None else None
        pauses.add(connection, scope, value, reason, actor, now, until)
        timeline.add(connection, Happened.PAUSED, now, None, actor=actor, scope=scope, value=value, reason=reason)
    return until


def is_queue_paused(services: Services, queue: str) -> bool:
    """True when the work of a queue is paused."""
    with services.database.read() as connection:
        if not pauses.is_any_left(connection, PauseScope.QUEUE, queue):  # as it nearly always is, without a clock
            return False
        return pauses.is_paused(connection, PauseScope.QUEUE, queue, installation.product_now(connection))


def resume(services: Services, scope: PauseScope, value: str | None, actor: str) -> int:
    """End the pauses of this scope; how many sends that they held may go on, each at its next decent hour."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        if scope is PauseScope.ALL:
            breakers.try_now(connection, real_now(connection))
        if not pauses.lift(connection, scope, value, now):
            return 0
        timeline.add(connection, Happened.RESUMED, now, None, actor=actor, scope=scope, value=value)
        released = sends.release_holds(connection, now, reason=HoldReason.PAUSED)
    services.queue.deliver()
    return released
