"""Everything that a page shows about one lead, read at one moment, without contact data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import content_location
from worker.content.render import Renderer
from worker.domain.consent import SuppressionReason, SuppressionScope
from worker.domain.leads import Location
from worker.domain.response import Response
from worker.domain.sends import PENDING, SendKind, SendState
from worker.errors import NotFound
from worker.storage import alerts, enrollments, installation, leads, pauses, sends, suppressions, timeline
from worker.storage.timeline import Happened
from worker.usecases.desk.answer import stands
from worker.usecases.desk.why import Facts, why
from worker.usecases.nurture.forecast import forecast, steps_of
from worker.usecases.sending.send_facts import stops
from worker.usecases.services import Services

_LEFT = {SendState.SENT, SendState.UNKNOWN, SendState.HANDED_OVER}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailLine:
    """One email of a lead's: what became of it, or what will. `number` counts the steps of its sequence.

    `came_back` are events after it was sent; `copy_of` is the send whose exact copy can be shown.
    """

    number: int | None
    email: str
    subject: str
    state: str
    at: datetime
    reason: str | None
    copy_of: str | None = None
    came_back: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFile:
    """A lead, the answer to why it got what it got, its emails, and its timeline, oldest first.

    `is_taught` when an email is still to come, `is_paused` when a pause stops it, `is_urgent` when nobody has
    acknowledged an urgent message of theirs.
    """

    lead: Mapping[str, Any]
    zone: str
    response: Response | None
    answer: str
    emails: Sequence[EmailLine]
    entries: Sequence[Mapping[str, Any]]
    consent: Mapping[str, Any] | None
    suppressed: Mapping[SuppressionScope, SuppressionReason]
    is_taught: bool
    is_paused: bool
    is_urgent: bool
    now: datetime


def read_lead_file(services: Services, lead_id: str) -> LeadFile:
    """Read it. Raises NotFound."""
    with services.database.read() as connection:
        lead = leads.by_ids(connection, [lead_id]).get(lead_id)
        if lead is None:
            raise NotFound("there is no such lead, or it was erased")
        now = installation.product_now(connection)
        _, renderer = services.content.renderer(connection)
        clinic = renderer.catalog.clinic
        entries = timeline.of_lead(connection, lead_id)
        facts = _facts(connection, renderer, lead, entries, now)
        address = lead["email_hash"] or ""
        return LeadFile(
            lead=lead,
            zone=facts.zone,
            response=stands(clinic, lead, now) if lead["waiting_since"] else None,
            answer=why(facts),
            emails=[*_past(renderer, facts, entries), *_coming(renderer, facts)],
            entries=entries,
            consent=enrollments.consents_of(connection, [lead_id]).get(lead_id),
            suppressed=suppressions.reasons(connection, [address]).get(address, {}),
            is_taught=bool(facts.foreseen),
            is_paused=bool(facts.foreseen and facts.paused),
            is_urgent=lead_id in alerts.urgent_leads(connection, [lead_id]),
            now=now,
        )


def answer_of(connection: Connection, services: Services, lead_id: str) -> tuple[str, str]:
    """Why a lead did or did not get its emails, in a few sentences, and the lead's zone, in which they tell times.

    Raises ConfigurationError before a publish.
    """
    lead = leads.by_ids(connection, [lead_id])[lead_id]
    _, renderer = services.content.renderer(connection)
    now, entries = installation.product_now(connection), timeline.of_lead(connection, lead_id)
    facts = _facts(connection, renderer, lead, entries, now)
    return why(facts), facts.zone


def _facts(
    connection: Connection,
    renderer: Renderer,
    lead: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    now: datetime,
) -> Facts:
    enrolled = enrollments.of_lead(connection, lead["id"])
    refused = [entry["detail"]["reason"] for entry in entries if entry["kind"] == Happened.NOT_ENROLLED]
    return Facts(
        lead=lead,
        sends=sends.of_lead(connection, lead["id"]),
        enrollments=enrolled,
        foreseen=forecast(connection, renderer, lead["id"], now),
        numbers=steps_of(enrolled),
        not_enrolled=refused[-1] if refused else None,
        paused=_stopping(enrolled, pauses.active(connection, now)),
        zone=renderer.catalog.clinic.calendar(Location(lead["location"])).zone,
        now=now,
    )


def _stopping(
    enrolled: Sequence[Mapping[str, Any]], paused: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """The pauses that stop what is planned for the lead now; one of another place explains nothing."""
    if not enrolled:
        return paused
    latest = enrolled[-1]
    planned_as = {"location": content_location(Location(latest["location"])), "sequence": latest["sequence"]}
    return [pause for pause in paused if stops(pause, planned_as)]


def _past(renderer: Renderer, facts: Facts, entries: Sequence[Mapping[str, Any]]) -> list[EmailLine]:
    """What has left or will never leave, and an acknowledgement that is still to go."""
    shown = [send for send in facts.sends if send["kind"] != SendKind.NURTURE or send["state"] not in PENDING]
    return [
        EmailLine(
            number=facts.numbers.get((send["enrollment_id"], send["step"])),
            email=send["email"],
            subject=_subject(renderer, send["email"]),
            state=send["state"],
            at=send["sent_at"] or send["handed_over_at"] or send["due_at"],
            reason=send["reason"] or (send["last_code"] if send["state"] != SendState.SENT else None),
            copy_of=send["id"] if send["snapshot"] and send["state"] in _LEFT else None,
            came_back=[
                entry
                for entry in entries
                if entry["kind"] == Happened.FEEDBACK and entry["detail"].get("send_id") == send["id"]
            ],
        )
        for send in shown
    ]


def _coming(renderer: Renderer, facts: Facts) -> list[EmailLine]:
    active = facts.enrollments[-1]["id"] if facts.enrollments else ""
    return [
        EmailLine(
            number=facts.numbers.get((active, entry.step or "")),
            email=entry.email,
            subject=_subject(renderer, entry.email),
            state=_COMING[entry.decision],
            at=entry.at,
            reason=entry.reason,
        )
        for entry in facts.foreseen
    ]


_COMING: Mapping[str, str] = {"send": "will_go", "skip": "will_be_left_out", "hold": "waits_for_a_person"}
"""What a line says of a send to come; told apart from what has happened."""


def _subject(renderer: Renderer, email_id: str) -> str:
    email = renderer.catalog.emails.get(email_id)
    return email.subject if email else email_id
