"""The front desk's answer: start, stop and watch the response clock of a lead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.domain.clinic import Clinic
from worker.domain.leads import Location
from worker.domain.response import Response, Waiting, response, working_time
from worker.storage import alerts, leads, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened

_MANY = 100


def start_waiting(connection: Connection, lead: Mapping[str, Any], now: datetime) -> None:
    """A person wrote: from now on they wait, unless they did already."""
    if lead["waiting_since"] is None and not lead["is_test"]:
        leads.change(connection, lead["id"], waiting_since=now, escalated_at=None)


def stop_waiting(connection: Connection, clinic: Clinic, lead: Mapping[str, Any], now: datetime, actor: str) -> bool:
    """Someone at the clinic has answered; False where nobody waited."""
    since = lead["waiting_since"]
    if since is None:
        return False
    calendar = clinic.calendar(Location(lead["location"]))
    worked = working_time(since, now, clinic.front_desk.window, calendar)
    minutes = int(worked.total_seconds() // 60)
    first = lead["first_answered_at"] or now
    leads.change(connection, lead["id"], waiting_since=None, escalated_at=None, first_answered_at=first)
    timeline.add(connection, Happened.ANSWERED, now, lead["id"], actor=actor, after_working_minutes=minutes)
    return True


def stands(clinic: Clinic, lead: Mapping[str, Any], now: datetime) -> Response:
    """How a waiting lead stands, by the hours of its own clinic."""
    return response(lead["waiting_since"], clinic.front_desk, clinic.calendar(Location(lead["location"])), now)


def escalate(connection: Connection, clinic: Clinic, now: datetime) -> int:
    """Tell staff again, once, of everyone who has waited too long; how many."""
    told = 0
    for lead in leads.not_escalated(connection, now - clinic.front_desk.escalate_after, _MANY):
        if stands(clinic, lead, now).waiting is not Waiting.ESCALATED:
            continue
        leads.change(connection, lead["id"], escalated_at=now)
        subject = f"{lead['id']}/{lead['waiting_since'].isoformat()}"
        alerts.queue(connection, AlertKind.UNANSWERED, subject, lead["id"], now, real_now(connection))
        timeline.add(connection, Happened.ESCALATED, now, lead["id"])
        told += 1
    return told
