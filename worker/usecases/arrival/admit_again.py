"""Admit a further form of someone who is known.

It fills blanks, it never overwrites who someone is, and it moves someone to another sequence only from
"undecided" to a place, or from nothing said to a condition. A repeated form never starts a sequence again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from worker.domain.leads import Condition, Location, Treatment
from worker.domain.routing import Topic
from worker.storage import alerts, enrollments, leads, sends, submissions, suppressions, timeline
from worker.storage.alerts import Alert, AlertKind, crisis_kind
from worker.storage.leads import Identity
from worker.storage.timeline import Happened
from worker.usecases.arrival.admit_new import consent_row, received_detail
from worker.usecases.arrival.arrivals import Arrival, Desk, acknowledgement
from worker.usecases.arrival.hold_for_crisis import hold_for_crisis
from worker.usecases.desk.answer import start_waiting
from worker.usecases.nurture.reroute import NewRoute, enroll_if_allowed, reroute

_VAGUE = {Condition.NOT_SAID, Condition.OTHER}
_BLANKS = ("phone", "first_name", "last_name")


@dataclass(frozen=True, slots=True)
class _Visit:
    """One further form at the desk."""

    desk: Desk
    connection: Connection
    arrival: Arrival

    def note(self, kind: Happened, lead_id: str, **detail: Any) -> None:
        timeline.add(self.connection, kind, self.desk.now, lead_id, **detail)


def admit_again(desk: Desk, connection: Connection, arrival: Arrival, lead: Mapping[str, Any]) -> Mapping[str, str]:
    """Add a form to a lead's story; `lead` is locked. The lead's id by submission id."""
    visit, submission = _Visit(desk, connection, arrival), arrival.submission
    submissions.assign(connection, {submission.id: lead["id"]})
    visit.note(Happened.RECEIVED, lead["id"], **received_detail(arrival))
    enrollments.record_consents(connection, [consent_row(desk, arrival, lead["id"])])
    visit.note(Happened.CONSENT, lead["id"], granted=submission.consent_email, wording=submission.wording_version)
    lead = _merge(visit, lead)
    told = []
    if not submission.is_imported:
        told.append(Alert(kind=AlertKind.WROTE_AGAIN, subject=submission.id, lead_id=lead["id"]))
    if submission.crisis:
        lead = {**lead, "hold_reason": hold_for_crisis(connection, lead, submission.crisis, desk.now)}
        told.append(Alert(kind=crisis_kind(submission.crisis), subject=submission.id, lead_id=lead["id"]))
    _enroll_once(visit, lead)
    if not submission.is_imported:
        _acknowledge(visit, lead)
        start_waiting(connection, lead, desk.now)
    alerts.queue_all(connection, told, desk.now, desk.real_now)
    return {submission.id: lead["id"]}


def _merge(visit: _Visit, lead: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill the lead's blanks from a later form; note, and never apply, what differs."""
    changes = _merge_identity(visit, lead)
    if changes:
        leads.change(visit.connection, lead["id"], **changes)
        lead = {**lead, **changes}
    decided, topic = visit.arrival.route, visit.arrival.topic
    location, reason = decided.location, decided.location_reason
    if lead["location"] != Location.UNDECIDED or location is Location.UNDECIDED:
        location, reason = Location(lead["location"]), lead["location_reason"]
    if lead["condition"] not in _VAGUE or topic.condition in _VAGUE:
        topic = stored_topic(lead)
    if (location, topic) == (lead["location"], stored_topic(lead)):
        _note_other_wish(visit, lead)
        return lead
    to = NewRoute(location=location, location_reason=reason, topic=topic)
    desk = visit.desk
    return reroute(visit.connection, desk.catalog, desk.snapshot, lead, to, desk.now)


def _note_other_wish(visit: _Visit, lead: Mapping[str, Any]) -> None:
    location, condition = visit.arrival.route.location, visit.arrival.topic.condition
    if (location, condition) != (lead["location"], lead["condition"]):
        visit.note(Happened.ROUTED, lead["id"], kept=True, location=location, condition=condition)


def _merge_identity(visit: _Visit, lead: Mapping[str, Any]) -> dict[str, Any]:
    submission, vault = visit.arrival.submission, visit.desk.vault
    given = Identity(
        phone=submission.phone,
        first_name=submission.first("first_name"),
        last_name=submission.first("last_name"),
    )
    known = vault.open_identity(lead)
    said = [name for name in _BLANKS if getattr(given, name)]
    blank = sorted(name for name in said if not getattr(known, name))
    differs = sorted(name for name in said if getattr(known, name) not in {None, "", getattr(given, name)})
    if differs:
        visit.note(Happened.IDENTITY_DIFFERS, lead["id"], fields=differs, submission_id=submission.id)
    if not blank:
        return {}
    visit.note(Happened.IDENTITY_ADDED, lead["id"], fields=blank, submission_id=submission.id)
    sealed = vault.seal_identity(lead["id"], given)
    changes = {f"{name}_sealed": sealed[f"{name}_sealed"] for name in blank}
    return changes | ({"phone_hash": sealed["phone_hash"]} if "phone" in blank else {})


def _enroll_once(visit: _Visit, lead: Mapping[str, Any]) -> None:
    sequence = lead["sequence"]
    if sequence is not None and enrollments.was_in(visit.connection, lead["id"], sequence):
        return
    desk = visit.desk
    anchor = min(desk.now, visit.arrival.submitted_at)
    enroll_if_allowed(visit.connection, desk.catalog, desk.snapshot, lead, anchor=anchor, now=desk.now)


def _acknowledge(visit: _Visit, lead: Mapping[str, Any]) -> None:
    """Answer the person, once in 24 hours, with or without consent; there must be an address to answer to."""
    if lead["email_hash"] is None:
        return
    connection, desk = visit.connection, visit.desk
    last = sends.last_acknowledged(connection, lead["id"])
    if last is not None and desk.now - last < desk.catalog.clinic.nurture.acknowledgement_gap:
        return
    was_unsubscribed = suppressions.unsubscribed_at(connection, lead["email_hash"]) is not None
    where = Location(lead["location"])
    answer = acknowledgement(desk, visit.arrival.submission, lead["id"], where, was_unsubscribed=was_unsubscribed)
    sends.plan(connection, [answer])


def stored_topic(lead: Mapping[str, Any]) -> Topic:
    """What a lead asks about, as it is stored."""
    return Topic(
        condition=Condition(lead["condition"]),
        conditions=frozenset(Condition(condition) for condition in lead["conditions"]),
        treatment=Treatment(lead["treatment"]) if lead["treatment"] else None,
    )
