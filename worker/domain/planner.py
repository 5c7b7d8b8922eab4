"""The planner: which step comes next, and when. One pure function for worker, simulator and calendar.

What is shown is what will happen: nothing else decides a due time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.domain.clinic import Clinic
from worker.domain.leads import Location
from worker.domain.schedule import next_open, wait_until
from worker.domain.sequences import Plan, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The next step of an enrollment and the instant (UTC) when it is due."""

    step: Step
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far an enrollment has come.

    `anchor` is the previous send actually made in it, or its start. `last_nurture_at` is the last nurture
    email to this person from any sequence: the clinic's minimum gap is counted from it, to the second.
    """

    last_step: str | None
    anchor: datetime
    last_nurture_at: datetime | None
    emails_sent: frozenset[str] = frozenset()


def plan_next(plan: Plan, position: Position, location: Location, clinic: Clinic, now: datetime) -> Planned | None:
    """The next send of an enrollment, or None when the plan is complete.

    A step whose email this person already has is passed over. Nothing is ever due before `now`.
    """
    for step in plan.after(position.last_step):
        if step.email not in position.emails_sent:
            return Planned(step=step, due_at=due_at(step, position, location, clinic, now))
    return None


def due_at(step: Step, position: Position, location: Location, clinic: Clinic, now: datetime) -> datetime:
    """When a step is due: its wait after the anchor, the gap after any nurture, then the next open window."""
    earliest = max(wait_until(position.anchor, step.wait, clinic.calendar(location).zone), now)
    return soonest(step, position.last_nurture_at, location, clinic, earliest)


def soonest(step: Step, last_nurture_at: datetime | None, location: Location, clinic: Clinic, at: datetime) -> datetime:
    """The first instant, not before `at`, that the gap after any nurture and the windows allow (I4)."""
    if last_nurture_at is not None:
        at = max(at, last_nurture_at + clinic.nurture.min_gap)
    return next_open(at, clinic.nurture.window.narrowed(step.window), clinic.calendars(location))
