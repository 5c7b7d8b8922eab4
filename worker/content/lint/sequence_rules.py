"""Rules about sequences: not too much, not too soon, nothing twice, nothing that nobody gets."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import timedelta
from itertools import combinations, product

from worker.content.catalog import Catalog, Email, Purpose
from worker.content.lint.finding import Severity
from worker.content.lint.places import line_of
from worker.content.lint.rule import Hit, Rule
from worker.content.load import CONTENT_LOCATIONS
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.routing import Topic, decide_sequence
from worker.domain.sequences import Sequence, Step

_E, _W = Severity.E, Severity.W
_LEAST_GAP = timedelta(hours=48)
_FEWEST, _MOST = 5, 7
_SHORTEST, _LONGEST = timedelta(weeks=3), timedelta(weeks=6)

SEQ001 = Rule(
    id="SEQ001",
    severity=_E,
    what="a sequence with the same email, subject or text twice, or with less than 48 hours between two",
    why="Nobody wants the same letter twice, or one every day; what has the same subject looks like the same letter.",
    fix="Take one of them out, give it its own subject, or lengthen the wait.",
)
SEQ002 = Rule(
    id="SEQ002",
    severity=_E,
    what="fewer than 5 or more than 7 educational emails at a location",
    why="With the acknowledgement that makes 6 to 8 sends: enough to learn from, and not a nuisance.",
    fix="Add or remove a step.",
)
SEQ003 = Rule(
    id="SEQ003",
    severity=_E,
    what="a sequence of less than 3 or more than 6 weeks at a location",
    why="People decide on such a thing within weeks, not in days; after two months they have forgotten it.",
    fix="Change the waits.",
)
SEQ004 = Rule(
    id="SEQ004",
    severity=_E,
    what="a step that nobody can get: no route leads to it, or its email is for another condition or treatment",
    why="It looks as if people were told something that they never are.",
    fix="Mend the step's locations, the email's conditions and treatments, or routing.toml.",
)
SEQ005 = Rule(
    id="SEQ005",
    severity=_W,
    what="an email that no sequence sends, at one of its locations or at all",
    why="It is reviewed for nobody, or was forgotten in a sequence.",
    fix="Give it a step, or take the location off its list.",
)
SEQ006 = Rule(
    id="SEQ006",
    severity=_E,
    waivable=False,
    what="a location and condition for which there is no sequence with steps",
    why="Someone who asked would hear nothing more, and nobody would notice.",
    fix="Add a rule to routing.toml, or steps to the sequence.",
)

RULES = (SEQ001, SEQ002, SEQ003, SEQ004, SEQ005, SEQ006)

Place = tuple[str, Location]


def check_sequences(catalog: Catalog) -> Iterator[tuple[Hit, Location | None]]:
    """Every sequence at each of its locations, and how people reach it. With each hit the location it is about."""
    readers = _readers(catalog)
    for sequence in catalog.sequences.values():
        for location in sorted(sequence.locations):
            for hit in _check_plan(catalog, sequence, location):
                yield hit, location
        for step in sequence.steps:
            for location in sorted(step.locations):
                for hit in _check_reach(catalog, sequence, step, location, readers.get((sequence.id, location), set())):
                    yield hit, location
    for hit in (*_check_unused(catalog), *_check_routes(catalog)):
        yield hit, None


def _check_plan(catalog: Catalog, sequence: Sequence, location: Location) -> Iterator[Hit]:
    steps = sequence.plan_for(location).steps
    path = _path(sequence)
    emails = [step.email for step in steps]
    for email in sorted({email for email in emails if emails.count(email) > 1}):
        line = _line(catalog, sequence, steps[emails.index(email)])
        yield SEQ001.at(path, line, f"{email} comes {emails.count(email)} times.")
    for first, second in combinations([catalog.emails[email] for email in dict.fromkeys(emails)], 2):
        for alike in _alike(first, second):
            yield SEQ001.at(path, _line(catalog, sequence, steps[emails.index(second.id)]), alike)
    for step in steps[1:]:
        if step.wait < max(_LEAST_GAP, catalog.clinic.nurture.min_gap):
            hours = step.wait.total_seconds() / 3600
            yield SEQ001.at(path, _line(catalog, sequence, step), f"Step {step.id!r} waits {hours:g} hours only.")
    if not _FEWEST <= len(steps) <= _MOST:
        yield SEQ002.at(path, 1, f"There are {len(steps)} steps; {_FEWEST} to {_MOST} are right.")
    length = sum((step.wait for step in steps), timedelta())
    if steps and not _SHORTEST <= length <= _LONGEST:
        yield SEQ003.at(path, 1, f"It takes {length.days} days; {_SHORTEST.days} to {_LONGEST.days} are right.")


def _alike(first: Email, second: Email) -> Iterator[str]:
    if first.subject == second.subject:
        yield f"{first.id} and {second.id} have one subject, '{second.subject}'."
    if first.body.split() == second.body.split():
        yield f"{second.id} says the same as {first.id}, word for word."


def _check_reach(
    catalog: Catalog, sequence: Sequence, step: Step, location: Location, conditions: Set[Condition]
) -> Iterator[Hit]:
    scope, path, line = catalog.emails[step.email].scope, _path(sequence), _line(catalog, sequence, step)
    if location not in sequence.locations:
        yield SEQ004.at(path, line, f"Step {step.id!r} is for {location}, and the sequence is not.")
    elif not conditions:
        yield SEQ004.at(path, line, f"No rule of routing.toml leads {location} leads here.")
    elif scope.conditions and not scope.conditions & conditions:
        yield SEQ004.at(path, line, f"{step.email} is not for {', '.join(sorted(conditions))}, who come here.")
    if missing := scope.treatments - catalog.clinic.services_at(location):
        yield SEQ004.at(path, line, f"{step.email} is about {', '.join(sorted(missing))}, not offered at {location}.")


def _readers(catalog: Catalog) -> dict[Place, set[Condition]]:
    """By sequence and location: the conditions of those whom a route leads there."""
    found: dict[Place, set[Condition]] = {}
    for location, condition, treatment in product(CONTENT_LOCATIONS, Condition, (None, *Treatment)):
        sequence = _route(catalog, location, condition, treatment)
        if sequence:
            found.setdefault((sequence, location), set()).add(condition)
    return found


def _check_routes(catalog: Catalog) -> Iterator[Hit]:
    for location, condition, treatment in product(CONTENT_LOCATIONS, Condition, (None, *Treatment)):
        name = _route(catalog, location, condition, treatment)
        sequence = catalog.sequences.get(name or "")
        if sequence is None or not sequence.plan_for(location).steps:
            who = f"{location}, {condition}" + (f", {treatment}" if treatment else "")
            yield SEQ006.at("routing.toml", 1, f"There is nothing for {who}.")


def _route(catalog: Catalog, location: Location, condition: Condition, treatment: Treatment | None) -> str | None:
    topic = Topic(condition=condition, conditions=frozenset({condition}), treatment=treatment)
    return decide_sequence(location, topic, catalog.routing)[0]


def _check_unused(catalog: Catalog) -> Iterator[Hit]:
    for email in catalog.emails.values():
        if email.purpose is not Purpose.EDUCATIONAL:
            continue
        sent_at = {
            location
            for sequence in catalog.sequences_with(email.id)
            for step in sequence.steps
            if step.email == email.id
            for location in step.locations
        }
        if idle := email.scope.locations - sent_at:
            where = "" if idle == email.scope.locations else f" at {', '.join(sorted(idle))}"
            yield SEQ005.at(email.path, 1, f"No sequence sends this email{where}.")


def _path(sequence: Sequence) -> str:
    return f"sequences/{sequence.id}.toml"


def _line(catalog: Catalog, sequence: Sequence, step: Step) -> int:
    return line_of(catalog.files.get(_path(sequence), ""), f'id = "{step.id}"') or 1
