"""Put a lead into a sequence, plan what comes next in it, and take it out again."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import Catalog, content_location
from worker.domain.clinic import Clinic
from worker.domain.ids import new_id, step_send_id
from worker.domain.leads import Location
from worker.domain.planner import Planned, Position, plan_next
from worker.domain.sends import CancelReason, SendKind
from worker.domain.sequences import Plan
from worker.storage import enrollments, sends, timeline
from worker.storage.sends import NewSend
from worker.storage.timeline import Entry, Happened


def enroll(
    connection: Connection,
    catalog: Catalog,
    snapshot: str,
    lead_id: str,
    location: Location,
    sequence: str,
    *,
    anchor: datetime,
    now: datetime,
    actor: str = timeline.SYSTEM,
) -> bool:
    """Start a sequence and plan its first send; `anchor` is when its first wait begins.

    False where nothing of it is left for this person. Going through a sequence again (another location,
    say) is a new cycle, and never repeats an email.
    """
    plan = catalog.sequences[sequence].plan_for(content_location(location))
    cycle = 1 + sum(row["sequence"] == sequence for row in enrollments.of_lead(connection, lead_id))
    values = {
        "id": new_id(),
        "lead_id": lead_id,
        "sequence": sequence,
        "cycle": cycle,
        "location": location,
        "snapshot": snapshot,
        "plan": plan.to_json(),
        "status": enrollments.ACTIVE,
        "started_at": now,
    }
    enrollments.start(connection, [values])
    timeline.add(connection, Happened.ENROLLED, now, lead_id, actor=actor, sequence=sequence, cycle=cycle)
    return plan_following(connection, catalog, values, last_step=None, anchor=anchor, now=now)


def plan_following(
    connection: Connection,
    catalog: Catalog,
    enrollment: Mapping[str, Any],
    *,
    last_step: str | None,
    anchor: datetime,
    now: datetime,
) -> bool:
    """Plan the send after `last_step`, or complete the enrollment where there is none."""
    lead_id, location = enrollment["lead_id"], Location(enrollment["location"])
    history = sends.nurture_history(connection, [lead_id]).get(lead_id, [])
    position = Position(
        last_step=last_step,
        anchor=anchor,
        last_nurture_at=history[-1][1] if history else None,
        emails_sent=frozenset(email for email, _ in history),
    )
    planned = plan_next(Plan.from_json(enrollment["plan"]), position, content_location(location), catalog.clinic, now)
    if planned is None:
        if enrollments.end(connection, enrollment["id"], enrollments.COMPLETED, None, now):
            timeline.add_all(connection, [completion(lead_id, now)])
        return False
    sends.plan(connection, [step_send(enrollment, planned)])
    return True


def completion(lead_id: str, at: datetime) -> Entry:
    """That a sequence has come to its end."""
    return Entry(kind=Happened.ENROLLMENT_ENDED, at=at, lead_id=lead_id, detail={"reason": enrollments.COMPLETED})


def following(
    enrollment: Mapping[str, Any], send: Mapping[str, Any], emails_sent: Set[str], clinic: Clinic, at: datetime
) -> NewSend | None:
    """The send after one that has just been sent; None where it was the last. The enrollment's plan has been read."""
    position = Position(
        last_step=send["step"], anchor=at, last_nurture_at=at, emails_sent=frozenset((*emails_sent, send["email"]))
    )
    planned = plan_next(enrollment["plan"], position, content_location(Location(enrollment["location"])), clinic, at)
    return step_send(enrollment, planned) if planned else None


def step_send(enrollment: Mapping[str, Any], planned: Planned) -> NewSend:
    """The send of a planned step."""
    return NewSend(
        id=step_send_id(enrollment["id"], planned.step.id),
        lead_id=enrollment["lead_id"],
        enrollment_id=enrollment["id"],
        kind=SendKind.NURTURE,
        step=planned.step.id,
        email=planned.step.email,
        location=content_location(Location(enrollment["location"])),
        sequence=enrollment["sequence"],
        due_at=planned.due_at,
    )


def exit_sequence(
    connection: Connection, lead_id: str, reason: CancelReason, now: datetime, actor: str = timeline.SYSTEM
) -> None:
    """Take a lead out of its sequence and withdraw every nurture send that has not left."""
    cancelled = sends.cancel_pending(connection, lead_id, reason)
    for send_id in cancelled:
        timeline.add(connection, Happened.CANCELLED, now, lead_id, actor=actor, send_id=send_id, reason=reason)
    active = enrollments.active_of(connection, lead_id)
    if active and enrollments.end(connection, active["id"], enrollments.EXITED, reason, now):
        timeline.add(connection, Happened.ENROLLMENT_ENDED, now, lead_id, actor=actor, reason=reason)
