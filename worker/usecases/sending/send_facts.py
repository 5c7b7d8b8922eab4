"""Load, for a group of sends, all that the ladder decides on: a fixed number of queries for any group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.render import Renderer, scope_of
from worker.domain.eligibility import SendFacts
from worker.domain.leads import Condition, Location
from worker.domain.sends import SendKind
from worker.domain.sequences import Plan
from worker.storage import enrollments, leads, pauses, sends, suppressions
from worker.storage.pauses import PauseScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that sending one send needs: the facts, the person, and the enrollment with its plan."""

    facts: SendFacts
    lead: Mapping[str, Any]
    enrollment: Mapping[str, Any] | None
    emails_sent: frozenset[str]


def load_facts(
    connection: Connection, renderer: Renderer, group: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, SendFacts]:
    """The facts about each send, by its id; none about the send of a lead that has just been erased."""
    return {send_id: known.facts for send_id, known in load_known(connection, renderer, group, now).items()}


def load_known(
    connection: Connection, renderer: Renderer, group: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, Known]:
    """What is known for each send, by its id; nothing for the send of a lead that has just been erased.

    What a send may itself have done already does not speak against it.
    """
    people = leads.by_ids(connection, {send["lead_id"] for send in group})
    enrolled = enrollments.for_sending(connection, {send["enrollment_id"] for send in group if send["enrollment_id"]})
    consenting = enrollments.consenting(connection, people)
    scopes = suppressions.scopes(connection, {lead["email_hash"] for lead in people.values() if lead["email_hash"]})
    history = sends.nurture_history(connection, people, besides=[send["id"] for send in group])
    paused = pauses.active(connection, now)
    return {
        send["id"]: _known(send, people[send["lead_id"]], enrolled, consenting, scopes, history, paused, renderer)
        for send in group
        if send["lead_id"] in people
    }


def _known(
    send: Mapping[str, Any],
    lead: Mapping[str, Any],
    enrolled: Mapping[str, Mapping[str, Any]],
    consenting: Collection[str],
    scopes: Mapping[str, Any],
    history: Mapping[str, list[tuple[str, datetime]]],
    paused: Sequence[Mapping[str, Any]],
    renderer: Renderer,
) -> Known:
    enrollment = enrolled.get(send["enrollment_id"] or "")
    past = history.get(lead["id"], [])
    stopping = [pause for pause in paused if stops(pause, send)]
    ends = [pause["until"] for pause in stopping]
    plan: Plan | None = enrollment["plan"] if enrollment else None
    emails_sent = frozenset(email for email, _ in past)
    facts = SendFacts(
        kind=SendKind(send["kind"]),
        location=Location(send["location"]),
        conditions=frozenset(Condition(condition) for condition in lead["conditions"]),
        email=scope_of(renderer, send["email"], Location(send["location"]), send["sequence"]),
        has_address=lead["email_hash"] is not None,
        has_consent=lead["id"] in consenting,
        suppressions=scopes.get(lead["email_hash"] or "", frozenset()),
        lead_held=lead["hold_reason"] is not None,
        lead_held_until=lead["hold_until"],
        is_paused=bool(stopping),
        paused_until=max(ends) if ends and None not in ends else None,
        enrollment_active=enrollment is not None and enrollment["status"] == enrollments.ACTIVE,
        already_sent=send["kind"] == SendKind.NURTURE and send["email"] in emails_sent,
        due_at=send["due_at"],
        last_nurture_at=past[-1][1] if past else None,
        quiet_until=lead["quiet_until"],
        step=plan.step(send["step"]) if plan else None,
    )
    return Known(facts=facts, lead=lead, enrollment=enrollment, emails_sent=emails_sent)


def stops(pause: Mapping[str, Any], send: Mapping[str, Any]) -> bool:
    """True when a pause stops what is planned for this `location` and `sequence`."""
    match pause["scope"]:
        case PauseScope.LOCATION:
            return bool(pause["value"] == send["location"])
        case PauseScope.SEQUENCE:
            return bool(pause["value"] == send["sequence"])
        case PauseScope.QUEUE:
            return False  # the tasks of a paused queue do not even begin
    return True
