"""Why someone did or did not get an email: one short answer from the facts that the worker itself decides by.

Pure: every sentence follows from what is given. Times are told in the lead's own zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from worker.content.simulate import CalendarEntry
from worker.domain.leads import STAFF_HOLD
from worker.domain.reasons import because, paused_by
from worker.domain.sends import HoldReason, SendKind, SendState

_MEND: Mapping[str, str] = {
    HoldReason.LEAD_HELD: "Look at what they wrote, call them, and release the hold.",
    HoldReason.PAUSED: "Whoever paused it resumes it when the cause is gone.",
    HoldReason.REVIEW_OVERDUE: "Someone reviews the email and publishes it anew.",
    HoldReason.CONTENT_MISSING: "Someone publishes content that has it.",
    HoldReason.CONTENT_BROKEN: "Someone mends the email and publishes it.",
    HoldReason.IDENTITY_SEALED: "An operator puts the missing key back.",
}
"""What ends a hold that waits for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the answer rests on. `numbers` counts the steps of each sequence; `paused` stops what is planned."""

    lead: Mapping[str, Any]
    sends: Sequence[Mapping[str, Any]]
    enrollments: Sequence[Mapping[str, Any]]
    foreseen: Sequence[CalendarEntry]
    numbers: Mapping[tuple[str, str], int]
    not_enrolled: str | None
    paused: Sequence[Mapping[str, Any]]
    zone: str
    now: datetime


def why(facts: Facts) -> str:
    """The answer, in one to three sentences."""
    under_way = next((send for send in facts.sends if _is_under_way(send)), None)
    if under_way is not None:
        return f"{_capital(_name(facts, under_way))} is on its way at this moment."
    unknown = _unknown(facts)
    if facts.foreseen:
        return _join(unknown, _what_comes(facts, facts.foreseen[0]), _after_a_skip(facts))
    return _join(unknown, _nothing_comes(facts))


def instant(at: datetime, zone: str) -> str:
    """`Thursday 5 March 2026, 9:00 CST`."""
    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%A} {there.day} {there:%B %Y}, {there.hour}:{there:%M %Z}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _is_under_way(send: Mapping[str, Any]) -> bool:
    return send["kind"] == SendKind.NURTURE and send["state"] in {SendState.CLAIMED, SendState.HANDED_OVER}


def _name(facts: Facts, send: Mapping[str, Any]) -> str:
    number = facts.numbers.get((send["enrollment_id"], send["step"]))
    return f"the {ordinal(number)} email" if number else "the acknowledgement"


def _foreseen_name(facts: Facts, entry: CalendarEntry) -> str:
    active = facts.enrollments[-1]["id"] if facts.enrollments else ""
    number = facts.numbers.get((active, entry.step or ""))
    return f"the {ordinal(number)} email" if number else "the next email"


def _what_comes(facts: Facts, entry: CalendarEntry) -> str:
    name, at = _capital(_foreseen_name(facts, entry)), instant(entry.at, facts.zone)
    if entry.decision == "skip":
        return f"{name} will be left out, because {because(entry.reason)}."
    if entry.decision == "hold":
        return _join(
            f"{name} waits for a person, because {_held_because(facts, entry)}.", _MEND.get(entry.reason or "", "")
        )
    return _sent_then(facts, entry, name, at)


def _sent_then(facts: Facts, entry: CalendarEntry, name: str, at: str) -> str:
    planned = next(
        (send for send in facts.sends if send["state"] == SendState.PLANNED and send["step"] == entry.step), None
    )
    refused = planned["last_code"] if planned is not None else None
    if entry.reason is not None:
        return f"{name} waits until {at}, because {_held_because(facts, entry)}."
    if refused is not None:
        return f"{name} was refused for the moment by the mail server ({refused}); it is tried again."
    if entry.at <= facts.now:
        return f"{name} is due now and goes out with the next delivery, within seconds while workers run."
    if planned is not None and planned["due_at"] > planned["first_due_at"]:
        return f"{name} goes out on {at}, at the next decent hour: what held it up is over."
    after = "the form" if name == "The 1st email" else "the one before"
    return f"{name} goes out on {at}: its wait after {after} ends then, within the hours in which email goes out."


def _held_because(facts: Facts, entry: CalendarEntry) -> str:
    if entry.reason == HoldReason.LEAD_HELD and facts.lead["hold_reason"] == STAFF_HOLD:
        return f"staff hold this lead's emails until {instant(facts.lead['hold_until'], facts.zone)}"
    if entry.reason == HoldReason.LEAD_HELD and facts.lead["hold_reason"]:
        return "what they wrote must be looked at first: they may be in danger"
    if entry.reason == HoldReason.PAUSED and facts.paused:
        return paused_by(facts.paused[-1])
    return because(entry.reason)


def _after_a_skip(facts: Facts) -> str:
    if facts.foreseen[0].decision != "skip":
        return ""
    following = next((entry for entry in facts.foreseen if entry.decision == "send"), None)
    if following is None:
        return "Nothing more goes out."
    return f"{_capital(_foreseen_name(facts, following))} goes out on {instant(following.at, facts.zone)}."


def _unknown(facts: Facts) -> str:
    unknown = [send for send in facts.sends if send["state"] == SendState.UNKNOWN]
    if not unknown:
        return ""
    name = _name(facts, unknown[-1])
    return f"Nobody knows whether {name} arrived: the mail server's answer was lost. A person decides about it."


def _nothing_comes(facts: Facts) -> str:
    if not facts.enrollments:
        return (
            f"Only the acknowledgement goes to this lead, because {because(facts.not_enrolled)}."
            if (facts.lead["email_hash"])
            else f"No email goes to this lead, because {because('no_email_address')}; someone calls."
        )
    last = facts.enrollments[-1]
    if last["status"] == "active":
        return "What comes next is planned within a minute."
    if last["status"] == "completed":
        return f"Nothing more goes out: {because('completed')}."
    return f"Nothing more goes out: {because(last['exit_reason'])}, on {instant(last['ended_at'], facts.zone)}."


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
