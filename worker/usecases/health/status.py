"""How the product is: figures from the database and the broker, and one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.domain.breaker import Breaker
from worker.domain.health import UNKNOWN_POLICY, Figures, Verdict, verdict
from worker.domain.manners import WarmUp
from worker.domain.paging import UNANSWERED_AFTER
from worker.domain.sends import UNKNOWN_BLOCKS_FOR, SendState
from worker.queues import QueueName
from worker.storage import (
    alerts,
    breakers,
    endpoints,
    enrollments,
    heartbeats,
    installation,
    outgoing_events,
    parked,
    pauses,
    send_figures,
    sends,
    submissions,
    suppressions,
    unknown_sends,
    usage,
)
from worker.storage.broker import Broker, QueueDepth
from worker.storage.database import Database, real_now
from worker.storage.pauses import PauseScope
from worker.storage.spool import Spool
from worker.storage.timeline import SYSTEM
from worker.usecases.feedback.feedback_status import Feedback, read_feedback

Depths = Mapping[str, QueueDepth] | None
"""What waits on each queue; None while the broker does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the verdict rests on, at one moment. `stopped`: providers that are not used just now, and since when."""

    figures: Figures
    oldest_due_at: datetime | None
    unknown_since: datetime | None
    active_snapshot: str | None
    product_now: datetime
    spool: dict[str, Any]
    stopped: Mapping[str, Breaker]
    sequences_stopped: Mapping[str, str]
    feedback: Feedback


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A look at everything at one moment."""

    figures: Figures
    verdict: Verdict
    queues: dict[str, dict[str, Any]]
    sends: dict[str, int]
    alerts: dict[str, int]
    oldest_due_at: datetime | None
    next_due_at: datetime | None
    unknown_since: datetime | None
    suppressions: int
    enrollments_active: int
    active_snapshot: str | None
    product_now: datetime
    spool: dict[str, Any]
    providers: dict[str, Any]
    warm_up: dict[str, Any] | None
    sequences_stopped: Mapping[str, str]
    feedback: Feedback
    events_waiting: int
    early: tuple[int, datetime | None]
    """Events of leads who are not known yet: how many, and since when."""

    def to_json(self) -> dict[str, Any]:
        """The contract of `nurture status --json`."""
        return {
            "verdict": self.verdict.sentence,
            "ok": self.verdict.ok,
            "queues": self.queues,
            "due_sends": {"count": self.figures.due, "oldest_due_at": _iso(self.oldest_due_at)},
            "next_due_at": _iso(self.next_due_at),
            "sends": self.sends,
            "alerts": self.alerts,
            "urgent_unanswered": self.figures.unanswered,
            "parked": self.figures.parked,
            "quarantined": self.figures.quarantined,
            "suppressions": self.suppressions,
            "enrollments_active": self.enrollments_active,
            "enrollments_stranded": self.figures.stranded,
            "unknown": {
                "count": self.figures.unknown,
                "oldest_age_s": self.figures.unknown_oldest_s,
                "policy": UNKNOWN_POLICY,
            },
            "pauses": self.figures.paused,
            "beat_age_s": self.figures.beat_age_s,
            "broker": self.figures.broker_answers,
            "active_snapshot": self.active_snapshot,
            "product_now": self.product_now.isoformat(),
            "spool": self.spool,
            "providers": self.providers,
            "warm_up": self.warm_up,
            "sequences_stopped": dict(self.sequences_stopped),
            "feedback": self.feedback.to_json(),
            "early_events": {"count": self.early[0], "oldest_at": _iso(self.early[1])},
            "webhooks": {"waiting": self.events_waiting, "failing": self.figures.endpoints_failing},
        }


def read_status(database: Database, broker: Broker, spool: Spool, warm_up: WarmUp | None = None) -> Status:
    """Look at everything. Raises only when the database is away."""
    depths = broker.depths([queue.value for queue in QueueName])
    with database.read() as connection:
        health = read_health(connection, depths, spool)
        stranded = enrollments.count_stranded(
            connection, health.product_now - UNKNOWN_BLOCKS_FOR, installation.checked_until(connection)
        )
        figures = replace(health.figures, stranded=stranded)
        return Status(
            figures=figures,
            verdict=verdict(figures),
            queues={name: _queue(depths, name, count) for name, count in figures.consumers.items()},
            sends=send_figures.counts(connection),
            alerts=alerts.counts(connection),
            oldest_due_at=health.oldest_due_at,
            next_due_at=sends.next_due(connection),
            unknown_since=health.unknown_since,
            suppressions=suppressions.count(connection),
            enrollments_active=enrollments.count_active(connection),
            active_snapshot=health.active_snapshot,
            product_now=health.product_now,
            spool=health.spool,
            providers={name: _breaker(breaker) for name, breaker in health.stopped.items()},
            warm_up=_warm_up(connection, warm_up, health.product_now),
            sequences_stopped=health.sequences_stopped,
            feedback=health.feedback,
            events_waiting=outgoing_events.count_waiting(connection),
            early=parked.count_waiting(connection),
        )


def read_health(connection: Connection, depths: Depths, spool: Spool) -> Health:
    """What the verdict rests on. Its cost does not grow with what was ever sent, so it may be asked every second."""
    waiting, in_quarantine = spool.counts()
    now = installation.product_now(connection)
    found = heartbeats.consumers(connection)
    beat_age = heartbeats.age(connection, heartbeats.BEAT)
    due, oldest_due = send_figures.count_due(connection, now)
    attention = send_figures.count_attention(connection)
    oldest_unknown = unknown_sends.oldest(connection)
    snapshot = installation.active_snapshot(connection)
    speed = installation.clock(connection).speed or 1.0
    stopped = breakers.not_closed(connection)
    failing = next(iter(stopped.values()), None)
    in_force = pauses.active(connection, now)
    sequences = {row["value"]: row["reason"] for row in in_force if _is_of_sequence(row)}
    came_back = read_feedback(connection)
    figures = Figures(
        broker_answers=depths is not None,
        beat_age_s=beat_age.total_seconds() if beat_age is not None else None,
        consumers={queue.value: found.get(queue.value, 0) for queue in QueueName},
        oldest_s={name: depth.oldest_s for name, depth in (depths or {}).items()},
        due=due,
        oldest_due_s=(now - oldest_due).total_seconds() / speed if oldest_due else None,
        parked=parked.count_open(connection),
        unknown=attention[SendState.UNKNOWN],
        unknown_oldest_s=(now - oldest_unknown).total_seconds() / speed if oldest_unknown else None,
        held=attention[SendState.HELD],
        quarantined=submissions.count_quarantined(connection),
        spool_oldest_s=spool.oldest_age(),
        spool_set_aside=in_quarantine,
        has_content=snapshot is not None,
        unanswered=alerts.count_unanswered(connection, UNANSWERED_AFTER),
        urgent=alerts.count_unanswered(connection, 0),
        paused=len(in_force),
        provider_code=failing.code if failing else None,
        provider_fails_s=_age(connection, failing.since) if failing else None,
        stopped_because=next((row["reason"] for row in in_force if _is_our_own(row)), None),
        sequences_stopped=len(sequences),
        mailboxes_silent=came_back.mailboxes_silent,
        endpoints_failing=endpoints.count_failing(connection),
        endpoints_paused=endpoints.count_paused(connection),
    )
    return Health(
        figures=figures,
        oldest_due_at=oldest_due,
        unknown_since=oldest_unknown,
        active_snapshot=snapshot,
        product_now=now,
        spool={"waiting": waiting, "quarantined": in_quarantine, "oldest_age_s": figures.spool_oldest_s},
        stopped=stopped,
        sequences_stopped=sequences,
        feedback=came_back,
    )


def _age(connection: Connection, since: datetime | None) -> float:
    return max(0.0, (real_now(connection) - since).total_seconds()) if since else 0.0


def _is_our_own(pause: Mapping[str, Any]) -> bool:
    return bool(pause["scope"] == PauseScope.ALL and pause["by"] == SYSTEM)


def _is_of_sequence(pause: Mapping[str, Any]) -> bool:
    return bool(pause["scope"] == PauseScope.SEQUENCE and pause["by"] == SYSTEM)


def _breaker(breaker: Breaker) -> dict[str, Any]:
    return {
        "state": breaker.state,
        "since": _iso(breaker.since),
        "next_try_at": _iso(breaker.retry_at),
        "code": breaker.code,
        "failed_probes": breaker.probes,
    }


def _warm_up(connection: Connection, plan: WarmUp | None, now: datetime) -> dict[str, Any] | None:
    if plan is None:
        return None
    day = now.date()
    return {"start": plan.start.isoformat(), "cap": plan.cap_on(day), "sent": usage.nurture_on(connection, day)}


def _queue(depths: Depths, name: str, consumers: int) -> dict[str, Any]:
    depth = depths.get(name) if depths else None
    figures = asdict(depth) if depth else {"depth": None, "oldest_s": None}
    return {"depth": figures["depth"], "oldest_age_s": figures["oldest_s"], "consumers": consumers}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
