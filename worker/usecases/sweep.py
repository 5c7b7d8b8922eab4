"""The sweep that beat asks for: take back lapsed work, release holds whose time has come, repair (I9).

Idempotent, so that any number of beats may ask at once, and none needs to be trusted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from worker.domain.sends import SendState
from worker.storage import alerts, enrollments, heartbeats, installation, parked, sends, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.enroll import plan_following
from worker.usecases.epoch import guard_epoch
from worker.usecases.record_outcome import note_unknown, plan_after_resolution
from worker.usecases.services import Services

log = structlog.get_logger()

_REPAIR_BATCH = 100
UNKNOWN_BLOCKS_FOR = timedelta(hours=24)
"""How long (product clock) an unresolved send keeps the next step waiting; then the sequence goes on."""


def sweep(services: Services) -> Counter[str]:
    """Recover, repair, then have what is due sent. How much of each was done."""
    guard_epoch(services)
    with services.database.write() as connection:
        heartbeats.beat(connection, "beat", heartbeats.BEAT, [])
        heartbeats.forget_old(connection)
        done = _recover(services, connection)
        done["repaired"] = _repair(services, connection)
    done["unreadable"] = _park_unreadable(services)
    if done.total():
        log.info("sweep.found", **done)
    services.queue.deliver()
    services.queue.alert()
    return done


def _park_unreadable(services: Services) -> int:
    """Move what workers set aside from the broker into the database, where people see it."""
    if services.broker is None:
        return 0
    items = services.broker.set_aside(_REPAIR_BATCH)
    for item in items:
        with services.database.write() as connection:
            now = installation.product_now(connection)
            item_id = parked.park_message(connection, item.raw, item.code, services.ring, now)
            alerts.queue(connection, AlertKind.MESSAGE_PARKED, item_id, None, now, real_now(connection))
        services.broker.forget(item)
    return len(items)


def _recover(services: Services, connection: Connection) -> Counter[str]:
    now = installation.product_now(connection)
    taken_back, unknown = sends.recover_lapsed(connection, real_now(connection))
    for send in unknown:
        note_unknown(connection, send, "lease_lapsed", now)
    resolved = sum(
        _look_up(services, connection, send) for send in sends.in_state(connection, SendState.UNKNOWN, _REPAIR_BATCH)
    )
    released = sends.release_holds(connection, now)
    return Counter(taken_back=taken_back, unknown=len(unknown), resolved=resolved, released=released)


def _look_up(services: Services, connection: Connection, send: Mapping[str, Any]) -> bool:
    """Ask a provider that can tell; a certain yes resolves the send, and nothing less does."""
    receipt = services.provider.lookup(send["id"])
    if receipt is None:
        return False
    now = installation.product_now(connection)
    if not sends.finish(connection, send, SendState.SENT, sent_at=send["handed_over_at"], provider=receipt.provider,
                        provider_message_id=receipt.provider_message_id):  # fmt: skip
        return False
    timeline.add(connection, Happened.RESOLVED, now, send["lead_id"], send_id=send["id"], found="sent")
    plan_after_resolution(services, connection, send, now)
    return True


def _repair(services: Services, connection: Connection) -> int:
    """Plan the next send of every active enrollment that has none: work lost in a crash, or set free."""
    now = installation.product_now(connection)
    repaired = 0
    for enrollment in enrollments.stranded(connection, now - UNKNOWN_BLOCKS_FOR, _REPAIR_BATCH):
        _, renderer = services.content.renderer(connection)
        last = sends.latest_of_enrollment(connection, enrollment["id"])
        plan_following(
            connection,
            renderer.catalog,
            enrollment,
            last_step=last["step"] if last else None,
            anchor=sends.last_of_enrollment(connection, enrollment["id"]) or enrollment["started_at"],
            now=now,
        )
        repaired += 1
    return repaired
