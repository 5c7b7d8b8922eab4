"""The first page of the console as one value: the sentence of health, and what stands behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from worker.domain.health import Verdict, queue_trouble, verdict
from worker.queues import QueueName
from worker.storage import alerts, heartbeats, parked, pauses, planned_sends, samples, send_figures, sends
from worker.storage.broker import Broker
from worker.storage.heartbeats import Work, Worker
from worker.storage.pauses import PauseScope
from worker.storage.spool import Spool
from worker.usecases.health.status import Depths, Health, read_health
from worker.usecases.services import Services

_AHEAD = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One declared queue, also one that nobody consumes. `trouble` says what is wrong with it, if anything."""

    name: str
    depth: int | None
    oldest_s: float | None
    workers: int
    work: Work
    pauses: Sequence[Mapping[str, Any]]
    trouble: str | None
    curve: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How the product is, at one moment."""

    health: Health
    verdict: Verdict
    queues: Sequence[Queue]
    pauses: Sequence[Mapping[str, Any]]
    workers: Sequence[Worker]
    next_due_at: datetime | None
    is_next_overdue: bool
    """Its time has come: it goes out at once, or waits for a worker or the broker."""
    planned_ahead: int
    stopped_ahead: int
    """As many of them as pauses hold up, if they last."""
    unknown_since: datetime | None
    due_curve: Sequence[int]
    provider: str
    urgent: int
    """Urgent messages that nobody has acknowledged, however often staff were told."""
    early: int
    """Events, such as bookings, of leads who are not known yet."""


def read_overview(services: Services, broker: Broker, spool: Spool) -> Overview:
    """Look at everything that is open; what was ever sent costs nothing. Raises only when the database is away."""
    depths = broker.depths([queue.value for queue in QueueName])
    with services.database.read() as connection:
        health = read_health(connection, depths, spool)
        now = health.product_now
        in_force = pauses.active(connection, now)
        taken = samples.latest(connection)
        next_due_at = sends.next_due(connection)
        return Overview(
            health=health,
            verdict=verdict(health.figures),
            queues=_queues(connection, depths, in_force, taken),
            pauses=[pause for pause in in_force if pause["scope"] != PauseScope.QUEUE],
            workers=heartbeats.workers(connection),
            next_due_at=next_due_at,
            is_next_overdue=next_due_at is not None and next_due_at <= now,
            planned_ahead=send_figures.count_planned_within(connection, now, _AHEAD),
            stopped_ahead=_stopped_ahead(connection, now) if in_force else 0,
            unknown_since=health.unknown_since,
            due_curve=[int(sample["due"]) for sample in taken],
            provider=services.provider.name,
            urgent=alerts.count_unanswered(connection, 0),
            early=parked.count_waiting(connection)[0],
        )


def _stopped_ahead(connection: Connection, now: datetime) -> int:
    """Of what comes due from now on: what is due already and stopped stands beside it."""
    until = planned_sends.count_stopped(connection, now, now + _AHEAD)
    return until - planned_sends.count_stopped(connection, now, now)


def _queues(
    connection: Connection,
    depths: Depths,
    in_force: Sequence[Mapping[str, Any]],
    taken: Sequence[Mapping[str, Any]],
) -> list[Queue]:
    work, heard = heartbeats.work(connection), heartbeats.consumers(connection, within=heartbeats.HEARD_WITHIN)
    found = []
    for name in QueueName:
        waits = depths.get(name) if depths else None
        paused = [pause for pause in in_force if pause["scope"] == PauseScope.QUEUE and pause["value"] == name]
        depth, oldest = (waits.depth, waits.oldest_s) if waits else (None, None)
        found.append(
            Queue(
                name=name,
                depth=depth,
                oldest_s=oldest,
                workers=heard.get(name, 0),
                work=work[name],
                pauses=paused,
                trouble=queue_trouble(depth, oldest, heard.get(name, 0), is_paused=bool(paused)),
                curve=[int(sample["queues"].get(name, {}).get("depth", 0)) for sample in taken],
            )
        )
    return found
