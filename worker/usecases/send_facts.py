"""Load, for a group of sends, all that the ladder decides on: a fixed number of queries for any group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def load_facts(
    connection: Connection, renderer: Renderer, group: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, SendFacts]:
    """The facts about each send, by its id; none about the send of a lead that has just been erased.

    What a send may itself have done already does not speak against it.
    """
    people = leads.by_ids(connection, {send["lead_id"] for send in group})
    enrolled = enrollments.by_ids(connection, {send["enrollment_id"] for send in group if send["enrollment_id"]})
    consents = enrollments.consents_of(connection, people)
    scopes = suppressions.scopes(connection, {lead["email_hash"] for lead in people.values() if lead["email_hash"]})
    history = sends.nurture_history(connection, people, besides=[send["id"] for send in group])
    paused = pauses.active(connection, now)
    return {
        send["id"]: _facts(send, people[send["lead_id"]], enrolled, consents, scopes, history, paused, renderer)
        for send in group
        if send["lead_id"] in people
    }


def _facts(
    send: Mapping[str, Any],
    lead: Mapping[str, Any],
    enrolled: Mapping[str, Mapping[str, Any]],
    consents: Mapping[str, Any],
    scopes: Mapping[str, Any],
    history: Mapping[str, list[tuple[str, datetime]]],
    paused: Sequence[Mapping[str, Any]],
    renderer: Renderer,
) -> SendFacts:
    enrollment = enrolled.get(send["enrollment_id"] or "")
    past = history.get(lead["id"], [])
    stopping = [pause for pause in paused if _stops(pause, send)]
    ends = [pause["until"] for pause in stopping]
    return SendFacts(
        kind=SendKind(send["kind"]),
        location=Location(send["location"]),
        conditions=frozenset(Condition(condition) for condition in lead["conditions"]),
        email=scope_of(renderer, send["email"], Location(send["location"]), send["sequence"]),
        has_address=lead["email_hash"] is not None,
        has_consent=lead["id"] in consents,
        suppressions=scopes.get(lead["email_hash"] or "", frozenset()),
        lead_held=lead["hold_reason"] is not None,
        lead_held_until=lead["hold_until"],
        is_paused=bool(stopping),
        paused_until=max(ends) if ends and None not in ends else None,
        enrollment_active=enrollment is not None and enrollment["status"] == enrollments.ACTIVE,
        already_sent=send["kind"] == SendKind.NURTURE and send["email"] in {email for email, _ in past},
        due_at=send["due_at"],
        last_nurture_at=past[-1][1] if past else None,
        quiet_until=lead["quiet_until"],
        step=Plan.from_json(enrollment["plan"]).step(send["step"]) if enrollment else None,
    )


def _stops(pause: Mapping[str, Any], send: Mapping[str, Any]) -> bool:
    match pause["scope"]:
        case PauseScope.LOCATION:
            return bool(pause["value"] == send["location"])
        case PauseScope.SEQUENCE:
            return bool(pause["value"] == send["sequence"])
        case PauseScope.QUEUE:
            return False  # the tasks of a paused queue do not even begin
    return True
