"""Admit people who write for the first time: everything about each is decided first, then stored in one go.

A group costs a fixed number of statements, however many people are in it; a single person takes the same path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import content_location
from worker.domain.consent import SuppressionReason, SuppressionScope
from worker.domain.enrolling import NEW, obstacle
from worker.domain.ids import new_id
from worker.domain.leads import Location
from worker.domain.planner import Position, plan_next
from worker.storage import enrollments, leads, new_people
from worker.storage.alerts import Alert, AlertKind, crisis_kind
from worker.storage.leads import Identity
from worker.storage.new_people import FirstRows, Standing
from worker.storage.sends import NewSend
from worker.storage.suppressions import Suppressed
from worker.storage.timeline import Entry, Happened
from worker.usecases.arrival.arrivals import Arrival, Desk, acknowledgement
from worker.usecases.nurture.enroll import step_send
from worker.usecases.nurture.reroute import route_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """All rows that a first submission makes."""

    arrival: Arrival
    lead: Mapping[str, Any]
    consent: Mapping[str, Any]
    enrollment: Mapping[str, Any] | None
    sends: Sequence[NewSend]
    entries: Sequence[Entry]
    alerts: Sequence[Alert]


def admit_new(desk: Desk, connection: Connection, arrivals: Sequence[Arrival], standing: Standing) -> dict[str, str]:
    """Create these people's leads; lead ids by submission id, without those whom another transaction created."""
    if not arrivals:
        return {}
    stories = [_tell(desk, arrival, standing.suppressed.get(arrival.email_hash or "", {})) for arrival in arrivals]
    created = leads.create(connection, [story.lead for story in stories])
    return _store(desk, connection, [story for story in stories if story.lead["id"] in created])


def _store(desk: Desk, connection: Connection, stories: Sequence[_Story]) -> dict[str, str]:
    owners: dict[str, str] = {story.arrival.submission.id: story.lead["id"] for story in stories}
    rows = FirstRows(
        owners=owners,
        consents=[story.consent for story in stories],
        enrollments=[story.enrollment for story in stories if story.enrollment],
        sends=[send for story in stories for send in story.sends],
        entries=[entry for story in stories for entry in story.entries],
        alerts=[alert for story in stories for alert in story.alerts],
    )
    new_people.store(connection, rows, desk.now, desk.real_now, is_anyone_told=desk.is_anyone_told)
    return owners


def _tell(desk: Desk, arrival: Arrival, suppressed: Suppressed) -> _Story:
    """Decide everything about a new person. Pure but for fresh ids and nonces."""
    lead = _new_lead(desk, arrival)
    submission, lead_id = arrival.submission, lead["id"]
    why_not = obstacle(
        lead, has_consent=submission.consent_email, suppressions=frozenset(suppressed), is_enrolled=False
    )
    enrollment, first = (None, None) if why_not else _enrollment(desk, arrival, lead)
    answer = []
    if lead["email_hash"] is not None and not submission.is_imported:
        was_unsubscribed = suppressed.get(SuppressionScope.NURTURE) is SuppressionReason.UNSUBSCRIBED
        where = Location(lead["location"])
        answer.append(acknowledgement(desk, submission, lead_id, where, was_unsubscribed=was_unsubscribed))
    kinds = [crisis_kind(submission.crisis)] if submission.crisis else []
    if not submission.is_imported:
        kinds.append(AlertKind.NEW_LEAD)
    return _Story(
        arrival=arrival,
        lead=lead,
        consent=consent_row(desk, arrival, lead_id),
        enrollment=enrollment,
        sends=[*([first] if first else []), *answer],
        entries=[
            Entry(kind=kind, at=desk.now, lead_id=lead_id, detail=detail)
            for kind, detail in _entries(arrival, enrollment, why_not)
        ],
        alerts=[Alert(kind=kind, subject=submission.id, lead_id=lead_id) for kind in kinds],
    )


def _new_lead(desk: Desk, arrival: Arrival) -> dict[str, Any]:
    lead_id, submission, decided = new_id(), arrival.submission, arrival.route
    identity = Identity(
        email=submission.email,
        phone=submission.phone,
        first_name=submission.first("first_name"),
        last_name=submission.first("last_name"),
    )
    return {
        "id": lead_id,
        "reference": submission.reference,
        **desk.vault.seal_identity(lead_id, identity),
        **route_columns(
            decided.location, decided.location_reason, arrival.topic, decided.sequence, decided.sequence_reason
        ),
        "status": NEW,
        "hold_reason": f"crisis_{submission.crisis}" if submission.crisis else None,
        "is_test": (is_test := desk.is_sandbox(submission.form)),
        "created_at": desk.now,
        "waiting_since": None if is_test or submission.is_imported else desk.now,
    }


def consent_row(desk: Desk, arrival: Arrival, lead_id: str) -> dict[str, Any]:
    """What was agreed to in a submission, or not."""
    submission = arrival.submission
    return {
        "lead_id": lead_id,
        "submission_id": submission.id,
        "granted": submission.consent_email,
        "wording_version": submission.wording_version,
        "form": submission.form,
        "at": desk.now,
    }


def _enrollment(desk: Desk, arrival: Arrival, lead: Mapping[str, Any]) -> tuple[Mapping[str, Any], NewSend | None]:
    """The enrollment, which is complete at once where nothing of its sequence applies, and its first send."""
    where = content_location(Location(lead["location"]))
    plan, stored = desk.plan_of(lead["sequence"], where)
    anchor = min(desk.now, arrival.submitted_at)
    position = Position(last_step=None, anchor=anchor, last_nurture_at=None)
    first = plan_next(plan, position, where, desk.catalog.clinic, desk.now)
    enrollment = {
        "id": new_id(),
        "lead_id": lead["id"],
        "sequence": lead["sequence"],
        "cycle": 1,
        "location": lead["location"],
        "snapshot": desk.snapshot,
        "plan": stored,
        "status": enrollments.ACTIVE if first else enrollments.COMPLETED,
        "started_at": desk.now,
        "ended_at": None if first else desk.now,
    }
    return enrollment, step_send(enrollment, first) if first else None


def _entries(
    arrival: Arrival, enrollment: Mapping[str, Any] | None, why_not: str | None
) -> Iterator[tuple[Happened, Mapping[str, Any]]]:
    submission = arrival.submission
    yield Happened.RECEIVED, {**received_detail(arrival), "is_first": True}
    yield Happened.CONSENT, {"granted": submission.consent_email, "wording": submission.wording_version}
    yield Happened.ROUTED, _route_detail(arrival)
    if submission.crisis:
        yield Happened.CRISIS, {"tier": submission.crisis}
    if enrollment is None:
        yield Happened.NOT_ENROLLED, {"reason": why_not}
        return
    yield Happened.ENROLLED, {"sequence": enrollment["sequence"], "cycle": 1}
    if enrollment["status"] == enrollments.COMPLETED:
        yield Happened.ENROLLMENT_ENDED, {"reason": "completed"}


def received_detail(arrival: Arrival) -> Mapping[str, Any]:
    """What the timeline tells of a submission."""
    submission = arrival.submission
    return {"submission_id": submission.id, "form": submission.form, "flags": list(submission.flags)}


def _route_detail(arrival: Arrival) -> Mapping[str, Any]:
    decided, topic = arrival.route, arrival.topic
    return {
        "location": decided.location,
        "location_reason": decided.location_reason,
        "condition": topic.condition,
        "sequence": decided.sequence,
        "sequence_reason": decided.sequence_reason,
        "conflicts": list(decided.conflicts) or None,
        "unknown_condition": topic.has_unknown_text or None,
    }
