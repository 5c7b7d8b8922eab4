"""Who gets an email, and why, in plain words: routing rules × sequences × locations.

It asks the rules themselves, one combination of condition and treatment after the other, so that an earlier
rule that takes people away is never forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from worker.console.studio import words
from worker.console.studio.choice import route_of
from worker.content.catalog import (
    ACKNOWLEDGEMENT,
    ACKNOWLEDGEMENT_CONFIRM,
    IN_SPANISH,
    Catalog,
    Persona,
    Purpose,
    content_location,
)
from worker.domain.eligibility import EmailScope, Hold, Skip, check_content
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.routing import Topic, decide_sequence
from worker.domain.sequences import Plan, Sequence

Asked = tuple[Condition, Treatment | None]
"""What a form asks about: the condition to route by, and a treatment of interest."""

_ANY_TREATMENT: tuple[Treatment | None, ...] = (None, *Treatment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When an email comes at one location: which of how many it is, and its day at the earliest."""

    location: Location
    number: int
    of: int
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The people of one sequence who get an email, where they are, and when it comes."""

    sequence: str
    sequence_name: str
    people: str
    because: tuple[str, ...]
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether one persona gets an email. `text` says when, or why not."""

    gets: bool
    text: str


def special_audience(catalog: Catalog, email_id: str) -> str | None:
    """In a sentence, who gets an email that no sequence sends; None for all others."""
    if email_id == ACKNOWLEDGEMENT:
        return (
            "Everyone who leaves an email address, at once and at any hour, once in "
            f"{words.duration(catalog.clinic.nurture.acknowledgement_gap)}; also people who have not agreed to emails, "
            "and people out of the area. Never someone in quarantine."
        )
    if email_id == ACKNOWLEDGEMENT_CONFIRM:
        return (
            "Someone who had unsubscribed, asks again and ticks the box for emails: instead of the usual answer. "
            "Emails start again only after the click that it asks for."
        )
    if email_id in IN_SPANISH.values():
        return "Whoever writes by a form in Spanish: instead of the usual answer."
    return None if catalog.sequences_with(email_id) else "Nobody: no sequence has this email."


def audiences(catalog: Catalog, email_id: str) -> list[Audience]:
    """Everyone whom a sequence sends this email; locations with the same people stand together."""
    found: dict[tuple[str, str, tuple[str, ...]], list[Turn]] = {}
    scope = catalog.emails[email_id].scope
    for sequence in catalog.sequences_with(email_id):
        for location in words.in_order(sequence.locations):
            plan = sequence.plan_for(location)
            asked = _asked(catalog, sequence, location)
            mine = [one for one in asked if _is_for(catalog, scope, location, one[0])]
            if mine and any(step.email == email_id for step in plan.steps):
                same = (sequence.id, _people(mine), _because(catalog, location, mine))
                found.setdefault(same, []).append(_turn(plan, location, email_id))
    return [
        Audience(
            sequence=sequence,
            sequence_name=catalog.sequences[sequence].name,
            people=people,
            because=because,
            turns=tuple(turns),
        )
        for (sequence, people, because), turns in found.items()
    ]


def asked_first(catalog: Catalog, sequence: Sequence, location: Location) -> dict[str, str]:
    """What a made-up lead of a sequence at a location asks about, as the calendar's form says it."""
    for condition, treatment in _asked(catalog, sequence, location)[:1]:
        where = "" if location is Location.UNDECIDED else location
        return {"location": where, "condition": condition, "treatment": treatment or ""}
    return {}


def people_of(catalog: Catalog, sequence: Sequence, location: Location) -> tuple[str, tuple[str, ...]]:
    """Whom routing leads to a sequence at a location, and the rules that do."""
    asked = _asked(catalog, sequence, location)
    return _people(asked), _because(catalog, location, asked)


def verdict(catalog: Catalog, persona: Persona, email_id: str, now: datetime) -> Verdict:
    """Whether this persona gets this email, by the rules that a real lead meets."""
    if not persona.email:
        return Verdict(gets=False, text=words.reason("no_email_address"))
    if catalog.emails[email_id].purpose is Purpose.ACKNOWLEDGEMENT:
        if email_id == ACKNOWLEDGEMENT:
            return Verdict(gets=True, text="at once")
        if email_id in IN_SPANISH.values():
            return Verdict(gets=False, text="only after a form in Spanish")
        return Verdict(gets=False, text="only after an unsubscribe, when the box is ticked again")
    if not persona.consent_email:
        return Verdict(gets=False, text=words.reason("no_consent"))
    return _by_sequence(catalog, persona, email_id, now)


def _by_sequence(catalog: Catalog, persona: Persona, email_id: str, now: datetime) -> Verdict:
    decided, topic = route_of(catalog, persona)
    if decided.sequence is None:
        return Verdict(gets=False, text="they live out of the area: a person answers")
    sequence, location = catalog.sequences[decided.sequence], content_location(decided.location)
    plan = sequence.plan_for(location)
    if email_id not in {step.email for step in plan.steps}:
        at = words.LOCATIONS[location]
        return Verdict(gets=False, text=f"they are in “{sequence.name}” ({at}), which does not have it")
    match check_content(catalog.emails[email_id].scope, location, topic.conditions, catalog.clinic, now):
        case Skip(why) | Hold(why):
            return Verdict(gets=False, text=words.reason(why))
    turn = _turn(plan, location, email_id)
    when = f"{words.ordinal(turn.number)} of {turn.of} in “{sequence.name}”, day {turn.day} or soon after"
    return Verdict(gets=True, text=when)


def _turn(plan: Plan, location: Location, email_id: str) -> Turn:
    number = next(number for number, step in enumerate(plan.steps, 1) if step.email == email_id)
    seconds = sum(step.wait.total_seconds() for step in plan.steps[:number])
    return Turn(location=location, number=number, of=len(plan.steps), day=round(seconds / 86_400))


def _asked(catalog: Catalog, sequence: Sequence, location: Location) -> list[Asked]:
    """Every combination that leads to this sequence at this location."""
    return [
        (condition, treatment)
        for condition in words.CONDITIONS
        for treatment in _ANY_TREATMENT
        if _decide(catalog, location, condition, treatment)[0] == sequence.id
    ]


def _decide(
    catalog: Catalog, location: Location, condition: Condition, treatment: Treatment | None
) -> tuple[str | None, str]:
    topic = Topic(condition=condition, conditions=frozenset({condition}), treatment=treatment)
    return decide_sequence(location, topic, catalog.routing)


def _because(catalog: Catalog, location: Location, asked: Iterable[Asked]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_decide(catalog, location, *one)[1] for one in asked))


def _is_for(catalog: Catalog, scope: EmailScope, location: Location, condition: Condition) -> bool:
    has_condition = not scope.conditions or condition in scope.conditions
    return has_condition and location in scope.locations and scope.treatments <= catalog.clinic.services_at(location)


def _people(asked: list[Asked]) -> str:
    """`People who ask about depression or PTSD, unless they ask about Spravato or TMS`."""
    by_treatments: dict[tuple[Treatment | None, ...], list[Condition]] = {}
    for condition in dict.fromkeys(condition for condition, _ in asked):
        with_it = tuple(treatment for one, treatment in asked if one is condition)
        by_treatments.setdefault(with_it, []).append(condition)
    if not by_treatments:
        return "Nobody: no routing rule leads here"
    return "; ".join(_group(conditions, treatments) for treatments, conditions in by_treatments.items())


def _group(conditions: list[Condition], treatments: tuple[Treatment | None, ...]) -> str:
    everyone = len(conditions) == len(words.CONDITIONS)
    about = "anything" if everyone else words.listed((words.CONDITIONS[one] for one in conditions), "or")
    return f"People who ask about {about}{''.join(_which(treatments))}"


def _which(treatments: tuple[Treatment | None, ...]) -> Iterator[str]:
    without = [treatment for treatment in Treatment if treatment not in treatments]
    if None not in treatments:
        named = words.listed((words.TREATMENTS[one] for one in treatments if one), "or")
        yield f", if they name {named} as the treatment"
    elif without:
        yield f", unless they name {words.listed((words.TREATMENTS[one] for one in without), 'or')} as the treatment"
