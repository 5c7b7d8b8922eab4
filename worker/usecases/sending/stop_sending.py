"""Pause by ourselves, before others make us: everything for a fault of ours, a sequence for its bad figures.

Only a person resumes. What was counted before that is not counted again, so that resuming holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.domain.feedback import FAULTS_WITHIN
from worker.domain.reputation import Reputation, judge
from worker.storage import alerts, delivery_events, pauses, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.pauses import PauseScope
from worker.storage.timeline import SYSTEM, Happened


def stop_all(connection: Connection, code: str, now: datetime) -> bool:
    """Pause all sending, since we are refused, whoever the mail is for; False where it is paused already."""
    return _pause(connection, PauseScope.ALL, None, f"we are refused ({code})", AlertKind.SENDING_STOPPED, now)


def people_refused_lately(connection: Connection, now: datetime) -> int:
    """How many people's servers refused us, not them, since a person last resumed, and lately."""
    begins, resumed = now - FAULTS_WITHIN, pauses.last_lifted(connection, PauseScope.ALL, None)
    return delivery_events.people_refused(connection, max(begins, resumed or begins))


def judge_sequence(connection: Connection, send: Mapping[str, Any], rule: Reputation, now: datetime) -> None:
    """Pause the sequence of a send where too much of it bounces or annoys, here or everywhere; tell staff before."""
    sequence = send["sequence"]
    if sequence is None:
        return  # an answer that was asked for: wrong addresses are typed, and say nothing about us
    since = max(now - rule.window, pauses.last_lifted(connection, PauseScope.SEQUENCE, sequence) or now - rule.window)
    for location in (None, send["location"]):
        verdict = judge(delivery_events.tally(connection, sequence, location, since), rule)
        if verdict is not None and verdict.must_stop:
            _pause(connection, PauseScope.SEQUENCE, sequence, verdict.words, AlertKind.SEQUENCE_STOPPED, now)
        elif verdict is not None:
            _warn(connection, sequence, now)


def _warn(connection: Connection, sequence: str, now: datetime) -> None:
    """Once a week at most: it may stay so for long, and who has read it once knows."""
    year, week, _ = now.isocalendar()
    subject = f"{sequence}/{year}-{week}"
    alerts.queue(connection, AlertKind.SEQUENCE_ANNOYS, subject, None, now, real_now(connection))


def _pause(
    connection: Connection, scope: PauseScope, value: str | None, reason: str, alert: AlertKind, now: datetime
) -> bool:
    if pauses.is_paused(connection, scope, value, now):
        return False
    pauses.add(connection, scope, value, reason, SYSTEM, now, None)
    timeline.add(connection, Happened.PAUSED, now, None, scope=scope, value=value, reason=reason)
    alerts.queue(connection, alert, f"{value}/{now.isoformat()}", None, now, real_now(connection))
    return True
