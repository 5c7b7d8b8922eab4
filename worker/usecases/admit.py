"""Admit a submission: find or create its lead, route it, enroll it, answer it, tell staff.

A later form adds to a lead's story. It fills blanks, it never overwrites who someone is, and it moves
someone to another sequence only from "undecided" to a place, or from nothing said to a condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import ACKNOWLEDGEMENT, ACKNOWLEDGEMENT_CONFIRM, Catalog, content_location
from worker.domain.ids import LeadId, acknowledgement_id, new_id
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.routing import Route, Topic, read_topic, route
from worker.domain.safety import CrisisTier
from worker.domain.sends import SendKind
from worker.domain.submissions import Submission
from worker.storage import alerts, enrollments, installation, leads, sends, submissions, suppressions, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.leads import Identity, Vault
from worker.storage.timeline import Happened
from worker.usecases.evidence import read_evidence
from worker.usecases.reroute import NEW, NewRoute, enroll_if_allowed, reroute, route_columns
from worker.usecases.services import Services

_VAGUE = {Condition.NOT_SAID, Condition.OTHER}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Admission:
    """One submission on its way in, with all that its steps share."""

    connection: Connection
    vault: Vault
    catalog: Catalog
    snapshot: str
    submission: Submission
    topic: Topic
    route: Route
    submitted_at: datetime
    now: datetime

    def note(self, kind: Happened, lead_id: str, **detail: Any) -> None:
        timeline.add(self.connection, kind, self.now, lead_id, **detail)


def admit(services: Services, connection: Connection, submission: Submission, now: datetime) -> LeadId:
    """Admit a stored submission, within the transaction that stored or released it."""
    snapshot, renderer = services.content.renderer(connection)
    topic, decided = route_submission(renderer.catalog, submission)
    admission = _Admission(
        connection=connection,
        vault=services.vault,
        catalog=renderer.catalog,
        snapshot=snapshot,
        submission=submission,
        topic=topic,
        route=decided,
        submitted_at=installation.clock(connection).at(submission.received_at),
        now=now,
    )
    lead, is_new = _find_or_create(admission)
    submissions.assign(connection, submission.id, lead["id"])
    admission.note(
        Happened.RECEIVED,
        lead["id"],
        submission_id=submission.id,
        form=submission.form,
        flags=list(submission.flags),
    )
    _record_consent(admission, lead["id"])
    if is_new:
        _note_route(admission, lead["id"])
    else:
        lead = _merge(admission, lead)
    if submission.crisis:
        lead = _hold_for_crisis(admission, lead)
    _enroll_once(admission, lead)
    _acknowledge(admission, lead)
    kind = AlertKind.NEW_LEAD if is_new else AlertKind.WROTE_AGAIN
    alerts.queue(connection, kind, submission.id, lead["id"], now, real_now(connection))
    return LeadId(lead["id"])


def route_submission(catalog: Catalog, submission: Submission) -> tuple[Topic, Route]:
    """Where a submission belongs, and why."""
    form = catalog.forms.get(submission.form)
    evidence = read_evidence(
        choice=submission.first("location"),
        zip_code=submission.first("zip"),
        state=submission.first("state"),
        phone=submission.phone,
        form_default=form.default_location if form else None,
        clinic=catalog.clinic,
    )
    topic = read_topic(list(submission.fields.get("condition", ())), submission.first("treatment"), catalog.routing)
    return topic, route(evidence, topic, catalog.routing)


def _find_or_create(admission: _Admission) -> tuple[Mapping[str, Any], bool]:
    """The person's lead, locked. Of two first posts at once, the database lets one create it."""
    submission, vault = admission.submission, admission.vault
    hashes = vault.email_hash(submission.email), vault.phone_hash(submission.phone)
    found = leads.find_person(admission.connection, *hashes)
    if found is None:
        values = _new_lead(admission)
        if leads.create(admission.connection, values):
            return values, True
        found = leads.find_person(admission.connection, *hashes)
    if found is None:
        raise AssertionError("a lead that could not be created is there")
    return found, False


def _new_lead(admission: _Admission) -> dict[str, Any]:
    lead_id, submission = new_id(), admission.submission
    identity = Identity(
        email=submission.email,
        phone=submission.phone,
        first_name=submission.first("first_name"),
        last_name=submission.first("last_name"),
    )
    return {
        "id": lead_id,
        "reference": submission.reference,
        **admission.vault.seal_identity(lead_id, identity),
        **_route_columns(admission.route, admission.topic),
        "status": NEW,
        "hold_reason": None,
        "is_test": submission.form == "sandbox",
        "created_at": admission.now,
    }


def _note_route(admission: _Admission, lead_id: str) -> None:
    decided = admission.route
    admission.note(
        Happened.ROUTED,
        lead_id,
        location=decided.location,
        location_reason=decided.location_reason,
        condition=admission.topic.condition,
        sequence=decided.sequence,
        sequence_reason=decided.sequence_reason,
        conflicts=list(decided.conflicts) or None,
        unknown_condition=admission.topic.has_unknown_text or None,
    )


def _record_consent(admission: _Admission, lead_id: str) -> None:
    submission = admission.submission
    enrollments.record_consent(
        admission.connection,
        {
            "lead_id": lead_id,
            "submission_id": submission.id,
            "granted": submission.consent_email,
            "wording_version": submission.wording_version,
            "form": submission.form,
            "at": admission.now,
        },
    )
    admission.note(Happened.CONSENT, lead_id, granted=submission.consent_email, wording=submission.wording_version)


def _merge(admission: _Admission, lead: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill the lead's blanks from a later form; note, and never apply, what differs."""
    changes = _merge_identity(admission, lead)
    if changes:
        leads.change(admission.connection, lead["id"], **changes)
        lead = {**lead, **changes}
    location, reason = admission.route.location, admission.route.location_reason
    topic = admission.topic
    if lead["location"] != Location.UNDECIDED or location is Location.UNDECIDED:
        location, reason = Location(lead["location"]), lead["location_reason"]
    if lead["condition"] not in _VAGUE or topic.condition in _VAGUE:
        topic = stored_topic(lead)
    if (location, topic) == (lead["location"], stored_topic(lead)):
        if (admission.route.location, admission.topic.condition) != (lead["location"], lead["condition"]):
            admission.note(
                Happened.ROUTED,
                lead["id"],
                kept=True,
                location=admission.route.location,
                condition=admission.topic.condition,
            )
        return lead
    to = NewRoute(location=location, location_reason=reason, topic=topic)
    return reroute(admission.connection, admission.catalog, admission.snapshot, lead, to, admission.now)


def _merge_identity(admission: _Admission, lead: Mapping[str, Any]) -> dict[str, Any]:
    submission = admission.submission
    given = Identity(
        phone=submission.phone,
        first_name=submission.first("first_name"),
        last_name=submission.first("last_name"),
    )
    known = admission.vault.open_identity(lead)
    blank = {name for name in ("phone", "first_name", "last_name") if getattr(given, name) and not getattr(known, name)}
    differs = {
        name
        for name in ("phone", "first_name", "last_name")
        if getattr(given, name) and getattr(known, name) and getattr(given, name) != getattr(known, name)
    }
    if differs:
        admission.note(Happened.IDENTITY_DIFFERS, lead["id"], fields=sorted(differs), submission_id=submission.id)
    if not blank:
        return {}
    admission.note(Happened.IDENTITY_ADDED, lead["id"], fields=sorted(blank), submission_id=submission.id)
    sealed = admission.vault.seal_identity(lead["id"], given)
    changes = {f"{name}_sealed": sealed[f"{name}_sealed"] for name in blank}
    return changes | ({"phone_hash": sealed["phone_hash"]} if "phone" in blank else {})


def _hold_for_crisis(admission: _Admission, lead: Mapping[str, Any]) -> Mapping[str, Any]:
    is_held_harder = lead["hold_reason"] is not None and admission.submission.crisis is not CrisisTier.ACUTE
    hold = lead["hold_reason"] if is_held_harder else f"crisis_{admission.submission.crisis}"
    leads.change(admission.connection, lead["id"], hold_reason=hold)
    admission.note(Happened.CRISIS, lead["id"], tier=admission.submission.crisis)
    alerts.queue(
        admission.connection,
        AlertKind.CRISIS,
        admission.submission.id,
        lead["id"],
        admission.now,
        real_now(admission.connection),
    )
    return {**lead, "hold_reason": hold}


def _enroll_once(admission: _Admission, lead: Mapping[str, Any]) -> None:
    """Enroll unless this person ever was in the sequence: a repeated form never starts it again."""
    sequence = lead["sequence"]
    if sequence is not None and enrollments.was_in(admission.connection, lead["id"], sequence):
        return
    anchor = min(admission.now, admission.submitted_at)
    enroll_if_allowed(
        admission.connection, admission.catalog, admission.snapshot, lead, anchor=anchor, now=admission.now
    )


def _acknowledge(admission: _Admission, lead: Mapping[str, Any]) -> None:
    """Answer the person, once in 24 hours, with or without consent; there must be an address to answer to."""
    if lead["email_hash"] is None:
        return
    last = sends.last_acknowledged(admission.connection, lead["id"])
    if last is not None and admission.now - last < admission.catalog.clinic.nurture.acknowledgement_gap:
        return
    sends.plan(
        admission.connection,
        sends.NewSend(
            id=acknowledgement_id(admission.submission.id),
            lead_id=lead["id"],
            enrollment_id=None,
            kind=SendKind.ACKNOWLEDGEMENT,
            step=None,
            email=_which_answer(admission, lead),
            location=content_location(Location(lead["location"])),
            sequence=None,
            due_at=admission.now,
        ),
    )


def _which_answer(admission: _Admission, lead: Mapping[str, Any]) -> str:
    """Someone who had unsubscribed and ticked the box again is asked to confirm it; nurture waits for that."""
    unsubscribed = suppressions.unsubscribed_at(admission.connection, lead["email_hash"]) is not None
    return ACKNOWLEDGEMENT_CONFIRM if unsubscribed and admission.submission.consent_email else ACKNOWLEDGEMENT


def stored_topic(lead: Mapping[str, Any]) -> Topic:
    """What a lead asks about, as it is stored."""
    return Topic(
        condition=Condition(lead["condition"]),
        conditions=frozenset(Condition(condition) for condition in lead["conditions"]),
        treatment=Treatment(lead["treatment"]) if lead["treatment"] else None,
    )


def _route_columns(decided: Route, topic: Topic) -> dict[str, Any]:
    return route_columns(decided.location, decided.location_reason, topic, decided.sequence, decided.sequence_reason)
