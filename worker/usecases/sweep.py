"""The sweep that beat asks for: take back lapsed work, release holds whose time has come, repair (I9).

Idempotent, so that any number of beats may ask at once, and none needs to be trusted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from worker.domain.breaker import State, unprobed
from worker.domain.sends import UNKNOWN_BLOCKS_FOR, SendState
from worker.storage import alerts, breakers, enrollments, heartbeats, installation, parked, sends, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.desk.answer import escalate
from worker.usecases.events.receive_booking import hear_waiting
from worker.usecases.feedback.settle_by_feedback import settle_by_feedback
from worker.usecases.health.raise_alarms import raise_alarms
from worker.usecases.nurture.enroll import plan_following
from worker.usecases.nurture.hold_lead import lift_ended_holds
from worker.usecases.privacy import retain
from worker.usecases.privacy.finish_erasures import finish_erasures
from worker.usecases.reports.tally import keep_tallies
from worker.usecases.sending.epoch import guard_epoch
from worker.usecases.sending.record_outcome import note_unknown
from worker.usecases.sending.settle_unknown import end_repeats
from worker.usecases.services import Services
from worker.usecases.webhooks.tell import is_anything_to_tell

log = structlog.get_logger()

_REPAIR_BATCH = 100
MANY_REPAIRS = 10
"""More lost plans than this in one sweep are no accident of a crash: staff are told, once a day."""


def sweep(services: Services, look_at: int = enrollments.LOOK_AT) -> Counter[str]:
    """Recover, repair, then have what is due sent. How much of each was done."""
    guard_epoch(services)
    with services.database.write() as connection:
        heartbeats.beat(connection, "beat", heartbeats.BEAT, [])
        heartbeats.forget_old(connection)
        done = _recover(services, connection)
        done["repaired"] = _repair(services, connection, look_at)
        done["escalated"] = _escalate(services, connection)
    done["unreadable"] = _park_unreadable(services)
    done["heard"] = hear_waiting(services)
    raise_alarms(services)
    if done.total():
        log.info("sweep.found", **done)
    services.queue.deliver()
    services.queue.alert()
    done["erased"] = finish_erasures(services)
    if is_anything_to_tell(services):
        services.queue.tell()
    done["retained"] = retain.retain_daily(services)
    keep_tallies(services)
    return done


def _escalate(services: Services, connection: Connection) -> int:
    if installation.active_snapshot(connection) is None:
        return 0
    _, renderer = services.content.renderer(connection)
    return escalate(connection, renderer.catalog.clinic, installation.product_now(connection))


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
    _let_another_probe(services, connection)
    settled = settle_by_feedback(services, connection, _REPAIR_BATCH, now)
    for send in unknown:
        if send["id"] not in settled:
            note_unknown(connection, send, "lease_lapsed", now, has_key=send["key_until"] is not None)
    end_repeats(connection, services.provider.account, [], now)
    lifted = lift_ended_holds(connection, now)
    released = sends.release_holds(connection, now)
    return Counter(taken_back=taken_back, unknown=len(unknown), resolved=len(settled), lifted=lifted, released=released)


def _let_another_probe(services: Services, connection: Connection) -> None:
    """Whoever asked a failing provider whether it is back has died, or could not write the answer down.

    While one asks nothing else is claimed; so with nothing claimed nobody is asking, and another may at once.
    """
    breaker = breakers.read(connection, services.provider.name, to_change=True)
    if breaker.state is State.HALF_OPEN and not sends.is_any_under_way(connection):
        breakers.store(connection, services.provider.name, unprobed(breaker, real_now(connection)))


def _repair(services: Services, connection: Connection, look_at: int) -> int:
    """Plan the next send of active enrollments that have none: work lost in a crash, or set free.

    Each sweep looks at the next so many, and in the end at everyone, again and again.
    """
    now = installation.product_now(connection)
    after = installation.checked_until(connection)
    checked = enrollments.stranded(connection, now - UNKNOWN_BLOCKS_FOR, after, look_at)
    found = checked.stranded[:_REPAIR_BATCH]
    lost = sum(_plan_again(services, connection, enrollment, now) for enrollment in found)
    if lost > MANY_REPAIRS:
        alerts.queue(connection, AlertKind.PLANS_REPAIRED, str(now.date()), None, now, real_now(connection))
    is_more = len(checked.stranded) > _REPAIR_BATCH  # the next sweep goes on from here
    installation.note_checked(connection, after if is_more else checked.until)
    return len(found)


def _plan_again(services: Services, connection: Connection, enrollment: Mapping[str, Any], now: datetime) -> bool:
    """Plan what follows; True where it had been lost, and had not waited for an unknown outcome."""
    last = sends.latest_of_enrollment(connection, enrollment["id"])
    has_waited = last is not None and last["state"] == SendState.UNKNOWN
    reason = "unknown_has_waited" if has_waited else "plan_was_lost"
    timeline.add(connection, Happened.PLANNED_AGAIN, now, enrollment["lead_id"], reason=reason)
    log.warning("sweep.planned_again", enrollment_id=enrollment["id"], lead_id=enrollment["lead_id"], code=reason)
    _, renderer = services.content.renderer(connection)
    plan_following(
        connection,
        renderer.catalog,
        enrollment,
        last_step=last["step"] if last else None,
        anchor=sends.last_of_enrollment(connection, enrollment["id"]) or enrollment["started_at"],
        now=now,
    )
    return not has_waited
