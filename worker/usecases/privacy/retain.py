"""Let go of what has been kept for long enough, by the rules in the published content: a batch at a time, once a day.

A finished or unreachable lead is forgotten, not deleted: who they were, what they wrote and agreed to goes; the route,
the sends and their dates stay, for counting. Suppressions stay for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from worker.domain.retention import Kept, RetentionRule
from worker.storage import erased, installation, leads, persons, retention, timeline
from worker.storage.leads import Identity
from worker.storage.persons import Rows
from worker.storage.retention import FORGOTTEN
from worker.storage.timeline import Happened
from worker.storage.traces import ids_of
from worker.usecases.services import Services

log = structlog.get_logger()

EVERY = timedelta(days=1)
BATCH = 50
MOST = 1000
"""As many of one kind in one go; the next sweep goes on with the rest."""

_GONE_WITH_THE_PERSON = ("consents", "submissions", "alerts", "parked", "outgoing_events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A rule, and how many things it would let go of now."""

    kept: Kept
    rule: RetentionRule
    count: int


def preview(services: Services) -> list[Due]:
    """What would go now, rule by rule. Changes nothing."""
    with services.database.read() as connection:
        now = installation.product_now(connection)
        rules = services.content.renderer(connection)[1].catalog.clinic.retention
        return [
            Due(kept=kept, rule=rule, count=_count(services, connection, kept, rule.before(now)))
            for kept, rule in rules.items()
        ]


def retain(services: Services, actor: str = timeline.SYSTEM, *, most: int = MOST) -> Counter[str]:
    """Let go of everything that is due, up to so many of each kind; how many of each."""
    with services.database.read() as connection:
        now = installation.product_now(connection)
        rules = services.content.renderer(connection)[1].catalog.clinic.retention
    done: Counter[str] = Counter()
    for kept, rule in rules.items():
        done[kept] = _let_go(services, kept, rule.before(now), most)
    if done.total():
        with services.database.write() as connection:
            timeline.add(connection, Happened.RETAINED, now, None, actor=actor, **{kept: done[kept] for kept in +done})
        log.info("retention.done", count=done.total())
    return +done


def retain_daily(services: Services, *, most: int = MOST) -> int:
    """The same, when a day has passed since the last time; how many things went."""
    with services.database.write() as connection:
        if installation.active_snapshot(connection) is None:
            return 0
        if not installation.claim_retention(connection, installation.product_now(connection), EVERY):
            return 0
    done = retain(services, most=most)
    if any(count >= most for count in done.values()):
        with services.database.write() as connection:
            installation.retention_is_unfinished(connection)
    return done.total()


def _count(services: Services, connection: Connection, kept: Kept, before: datetime) -> int:
    if kept is Kept.EXPORTS:
        return len(services.files.old_exports(before)) if services.files else 0
    return retention.count(connection, kept, before)


def _let_go(services: Services, kept: Kept, before: datetime, most: int) -> int:
    if kept is Kept.EXPORTS:
        return services.files.remove_exports(before) if services.files else 0
    total = 0
    while total < most:
        batch = min(BATCH, most - total)
        with services.database.write() as connection:
            keys = retention.oldest(connection, kept, before, batch)
            gone = [found for key in keys if (found := _ACTS[kept](services, connection, key))] if kept in _ACTS else []
            if kept not in _ACTS:
                retention.remove(connection, kept, keys)
        _tidy(services, gone)
        total += len(keys)
        if len(keys) < batch:
            break
    return total


def _delete_submission(services: Services, connection: Connection, submission_id: str) -> Rows:
    found = persons.find_loose(connection, [submission_id])
    _remember(services, connection, found)
    persons.erase(connection, found)
    return found


def _delete_lead(services: Services, connection: Connection, lead_id: str) -> Rows:
    persons.lock(connection, persons.find(connection, lead_id))
    leads.lock_out(connection, lead_id)
    found = persons.find(connection, lead_id)
    _remember(services, connection, found)
    persons.erase(connection, found)
    return found


def _forget_lead(services: Services, connection: Connection, lead_id: str) -> Rows:
    found = persons.find(connection, lead_id)
    persons.lock(connection, found)
    _remember(services, connection, found)
    persons.erase(connection, {name: found[name] for name in _GONE_WITH_THE_PERSON})
    nobody = services.vault.seal_identity(lead_id, Identity())
    leads.change(connection, lead_id, **nobody, status=FORGOTTEN, waiting_since=None)
    timeline.add(connection, Happened.RETAINED, installation.product_now(connection), lead_id, forgotten=True)
    return found


_ACTS: Mapping[Kept, Callable[[Services, Connection, str], Rows]] = {
    Kept.QUARANTINE: _delete_submission,
    Kept.PRACTICE: _delete_lead,
    Kept.UNREACHABLE: _forget_lead,
    Kept.FINISHED: _forget_lead,
}
"""What a kind needs beyond the deletion of one row."""


def _remember(services: Services, connection: Connection, found: Rows) -> None:
    """A late copy must not bring back what has gone."""
    now = installation.product_now(connection)
    for row in found["submissions"]:
        erased.remember(connection, services.vault.lookup, row["id"], row["body_hash"], now)


def _tidy(services: Services, gone: Sequence[Rows]) -> None:
    """The files about those who went: emails kept on this machine, alerts, exports."""
    needles = [needle for found in gone for needle in ids_of(found)]
    if services.files is not None and needles:
        services.files.remove(needles)
