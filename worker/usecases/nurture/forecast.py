"""What comes next for a lead, and when: its remaining emails, by the same planner and ladder that the worker uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import content_location
from worker.content.render import Renderer
from worker.content.simulate import CalendarEntry, Standing, foresee
from worker.domain.eligibility import Hold
from worker.domain.leads import Location
from worker.domain.planner import Planned, Position
from worker.domain.sends import PENDING, UNKNOWN_BLOCKS_FOR, HoldReason, SendState
from worker.domain.sequences import Plan
from worker.storage import enrollments, sends
from worker.usecases.sending.send_facts import load_facts


def forecast(connection: Connection, renderer: Renderer, lead_id: str, now: datetime) -> list[CalendarEntry]:
    """The emails still to come in the lead's active sequence, in order; none where it is in no sequence."""
    enrollment = enrollments.active_of(connection, lead_id)
    if enrollment is None:
        return []
    mine = [send for send in sends.of_lead(connection, lead_id) if send["enrollment_id"] == enrollment["id"]]
    pending = next((send for send in mine if send["state"] in PENDING), None)
    latest = max(mine, key=lambda send: (send["first_due_at"], send["id"]), default=None)
    standing = _standing(connection, renderer, enrollment, pending, latest, now)
    return list(foresee(renderer, standing, _begins(pending, latest, now)))


def _standing(
    connection: Connection,
    renderer: Renderer,
    enrollment: Mapping[str, Any],
    pending: Mapping[str, Any] | None,
    latest: Mapping[str, Any] | None,
    now: datetime,
) -> Standing:
    plan, lead_id = Plan.from_json(enrollment["plan"]), enrollment["lead_id"]
    besides = [pending["id"]] if pending else []
    history = sends.nurture_history(connection, [lead_id], besides=besides).get(lead_id, [])
    anchor = sends.last_of_enrollment(connection, enrollment["id"]) or enrollment["started_at"]
    asked = pending or latest or _first_of(enrollment, plan, now)
    return Standing(
        plan=plan,
        position=Position(
            last_step=None if pending or not latest else latest["step"],
            anchor=anchor,
            last_nurture_at=history[-1][1] if history else None,
            emails_sent=frozenset(email for email, _ in history),
        ),
        facts=load_facts(connection, renderer, [asked], now)[asked["id"]],
        planned=Planned(step=plan.step(pending["step"]), due_at=pending["due_at"]) if pending else None,
        held=_held(pending),
    )


def _held(pending: Mapping[str, Any] | None) -> Hold | None:
    if pending is None or pending["state"] != SendState.HELD:
        return None
    return Hold(HoldReason(pending["reason"]), pending["held_until"])


def _first_of(enrollment: Mapping[str, Any], plan: Plan, now: datetime) -> Mapping[str, Any]:
    """A send that nobody has planned yet, so that facts can be asked about it."""
    return {
        "id": enrollment["id"],
        "lead_id": enrollment["lead_id"],
        "enrollment_id": enrollment["id"],
        "kind": "nurture",
        "email": plan.steps[0].email,
        "step": plan.steps[0].id,
        "location": content_location(Location(enrollment["location"])),
        "sequence": enrollment["sequence"],
        "due_at": now,
    }


def _begins(pending: Mapping[str, Any] | None, latest: Mapping[str, Any] | None, now: datetime) -> datetime:
    """When the next step can be planned: a send of unknown outcome holds it up for a day at most."""
    if pending is None and latest is not None and latest["state"] == SendState.UNKNOWN:
        handed_over_at: datetime = latest["handed_over_at"]
        return max(now, handed_over_at + UNKNOWN_BLOCKS_FOR)
    return now


def steps_of(all_enrollments: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """The number of each step in its sequence, by enrollment and step, counted from one."""
    return {
        (enrollment["id"], step.id): number
        for enrollment in all_enrollments
        for number, step in enumerate(Plan.from_json(enrollment["plan"]).steps, start=1)
    }
