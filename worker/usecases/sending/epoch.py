"""Hold sending when this database may be an older or other copy; let it go on a person's word."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from worker.domain.epoch import Doubt, Remembered, doubt
from worker.domain.sends import HoldReason
from worker.storage import alerts, installation, pauses, sends, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.pauses import PauseScope
from worker.storage.timeline import SYSTEM, Happened
from worker.usecases.services import Services

log = structlog.get_logger()


def guard_epoch(services: Services) -> None:
    """Count a tick and tell the witnesses; or hold everything, and tell staff, when there is a doubt."""
    if services.witnesses is None:
        return
    memories = services.witnesses.memories()
    with services.database.write() as connection:
        instance, ticks = installation.instance_and_ticks(connection)
        if pauses.is_epoch_held(connection):
            return  # the witnesses keep what they know until a person has decided
        found = doubt(instance, ticks, memories)
        if found is Doubt.UNKNOWN_PLACE:  # unless another process has just ticked, and told them since we asked
            found = doubt(instance, ticks, services.witnesses.memories())
        if found is not None:
            _hold(connection, found)
            return
        if not ticks:  # before the first is committed, so that nobody who comes, or crashes, in between has a doubt
            services.witnesses.tell(Remembered(instance, ticks))
        ticks = installation.tick(connection)
    services.witnesses.tell(Remembered(instance, ticks))


def _hold(connection: Connection, found: Doubt) -> None:
    now = installation.product_now(connection)
    pauses.add(connection, PauseScope.EPOCH, None, found, SYSTEM, now, None)
    timeline.add(connection, Happened.PAUSED, now, None, scope=PauseScope.EPOCH, reason=found)
    alerts.queue(connection, AlertKind.SENDING_HELD, f"{found}/{now.isoformat()}", None, now, real_now(connection))
    log.error("epoch.doubt", code=found)


def confirm_epoch(services: Services, actor: str) -> int:
    """A person says that this database shall send. How many held sends go on."""
    memories = services.witnesses.memories() if services.witnesses else []
    with services.database.write() as connection:
        now = installation.product_now(connection)
        if not pauses.lift(connection, PauseScope.EPOCH, None, now):
            return 0
        instance, _ = installation.instance_and_ticks(connection)
        ticks = installation.tick_past(connection, max((known.ticks for known in memories), default=0))
        timeline.add(connection, Happened.RESUMED, now, None, actor=actor, scope=PauseScope.EPOCH)
        released = sends.release_holds(connection, now, reason=HoldReason.PAUSED)
    if services.witnesses:
        services.witnesses.tell(Remembered(instance, ticks))
    services.queue.deliver()
    return released
