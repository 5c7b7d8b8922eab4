"""Routing: which clinic and which sequence a submission belongs to, each with its reason.

Rules are data (`routing.toml`), read in order, first match wins. The brand's own "Albany" never decides a
location, and neither does free text in the message. Every combination of inputs has exactly one route.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from worker.domain.leads import CLINICS, Condition, Location, Treatment


class LocationRule(StrEnum):
    """The evidence that may decide a location; its value is the reason that is stored."""

    CHOICE = "choice"
    ZIP = "zip"
    STATE = "state"
    PHONE = "phone"
    FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipPlace:
    """What is known of a ZIP code: its state, and the miles to each clinic."""

    state: str
    miles: Mapping[Location, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationEvidence:
    """What a submission says about where the person belongs; None where it says nothing usable.

    `state` is what was typed (code or name), `phone_state` the state code of the number's area code.
    """

    choice: str | None = None
    zip_place: ZipPlace | None = None
    state: str | None = None
    phone_state: str | None = None
    form_default: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationRules:
    """The `[location]` part of `routing.toml`."""

    order: tuple[LocationRule, ...]
    zip_max_miles: float
    brand_phrases: tuple[str, ...]
    words: Mapping[Location, tuple[str, ...]]
    serves: Mapping[Location, frozenset[str]]
    state_codes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceRule:
    """One `[[sequence]]` of `routing.toml`. Empty sets match anything."""

    id: str
    sequence: str
    because: str
    locations: frozenset[Location]
    conditions: frozenset[Condition]
    treatments: frozenset[Treatment]

    def matches(self, location: Location, condition: Condition, treatment: Treatment | None) -> bool:
        """True when all that the rule names is so."""
        return (
            (not self.locations or location in self.locations)
            and (not self.conditions or condition in self.conditions)
            and (not self.treatments or treatment in self.treatments)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRules:
    """Everything in `routing.toml`. `precedence` orders conditions, the one to route by first."""

    location: LocationRules
    condition_words: Mapping[str, Condition]
    treatment_words: Mapping[str, Treatment]
    precedence: tuple[Condition, ...]
    sequences: tuple[SequenceRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationDecision:
    """Where a submission belongs, by which rule, and which other evidence disagrees."""

    location: Location
    reason: str
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a submission asks about: the condition to route by, all of them, and a treatment of interest."""

    condition: Condition
    conditions: frozenset[Condition]
    treatment: Treatment | None
    has_unknown_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The decision: location and sequence (None: nobody is nurtured there), each with its reason."""

    location: Location
    sequence: str | None
    location_reason: str
    sequence_reason: str
    conflicts: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Both reasons in one line; codes only, so that it may be shown and stored anywhere."""
        return f"location by {self.location_reason}; sequence: {self.sequence_reason}"


def route(evidence: LocationEvidence, topic: Topic, rules: RoutingRules) -> Route:
    """Decide location and sequence. Total: every input has exactly one route."""
    where = decide_location(evidence, rules.location)
    sequence, because = decide_sequence(where.location, topic, rules)
    return Route(
        location=where.location,
        sequence=sequence,
        location_reason=where.reason,
        sequence_reason=because,
        conflicts=where.conflicts,
    )


def decide_location(evidence: LocationEvidence, rules: LocationRules) -> LocationDecision:
    """The first rule with an answer decides; answers of later rules that differ are recorded as conflicts."""
    answers = [(rule, answer) for rule in rules.order if (answer := _ANSWERS[rule](evidence, rules)) is not None]
    if not answers:
        return LocationDecision(location=Location.UNDECIDED, reason="no_evidence")
    (rule, location), *others = answers
    conflicts = tuple(f"{other}:{answer}" for other, answer in others if answer is not location)
    return LocationDecision(location=location, reason=rule.value, conflicts=conflicts)


def decide_sequence(location: Location, topic: Topic, rules: RoutingRules) -> tuple[str | None, str]:
    """The sequence for a location and topic, with the words of the rule that chose it."""
    if location is Location.OUT_OF_AREA:
        return None, "out_of_area: a person answers"
    for rule in rules.sequences:
        if rule.matches(location, topic.condition, topic.treatment):
            return rule.sequence, rule.because
    raise AssertionError("routing.toml ends with a rule that matches everything; the loader checks it")


def location_named(text: str, rules: RoutingRules) -> Location | None:
    """The one clinic that somebody's words name, if any."""
    return _by_choice(LocationEvidence(choice=text), rules.location)


def read_topic(conditions: list[str], treatment: str | None, rules: RoutingRules) -> Topic:
    """Match what was typed against the vocabulary, without case, punctuation or spacing."""
    typed = [text for text in conditions if text.strip()]
    known = [rules.condition_words.get(squash(text)) for text in typed]
    found = {condition or Condition.OTHER for condition in known} or {Condition.NOT_SAID}
    if len(found) > 1:
        found.discard(Condition.NOT_SAID)
    first = next(condition for condition in rules.precedence if condition in found)
    return Topic(
        condition=first,
        conditions=frozenset(found),
        treatment=rules.treatment_words.get(squash(treatment)) if treatment else None,
        has_unknown_text=None in known,
    )


def squash(text: str) -> str:
    """Letters and digits only, folded: `Treatment-Resistant  Depression` is `treatmentresistantdepression`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def _by_choice(evidence: LocationEvidence, rules: LocationRules) -> Location | None:
    text = _words(evidence.choice or "")
    if text in set(CLINICS):
        return Location(text)
    for phrase in rules.brand_phrases:
        text = re.sub(rf"\b{re.escape(phrase)}s?\b", " ", text)
    named = {
        location
        for location, words in rules.words.items()
        if any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)
    }
    return named.pop() if len(named) == 1 else None


def _words(text: str) -> str:
    """Lower-case words with one space between them: no dots, apostrophes, hyphens or runs of spaces."""
    folded = re.sub(r"[.'’]", "", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(re.findall(r"[^\W_]+", folded))


def _by_zip(evidence: LocationEvidence, rules: LocationRules) -> Location | None:
    if evidence.zip_place is None:
        return None
    nearest = min(evidence.zip_place.miles, key=evidence.zip_place.miles.__getitem__, default=None)
    if nearest is not None and evidence.zip_place.miles[nearest] <= rules.zip_max_miles:
        return nearest
    return None


def _by_state(evidence: LocationEvidence, rules: LocationRules) -> Location | None:
    typed = squash(evidence.state) if evidence.state else ""
    code = rules.state_codes.get(typed) or (evidence.zip_place.state if evidence.zip_place else None)
    if code is None:
        return None
    return _serving(code, rules) or Location.OUT_OF_AREA


def _by_phone(evidence: LocationEvidence, rules: LocationRules) -> Location | None:
    # A mobile number keeps its area code for life: it can point to a clinic, but never out of the area.
    return _serving(evidence.phone_state, rules) if evidence.phone_state else None


def _by_form(evidence: LocationEvidence, _rules: LocationRules) -> Location | None:
    return evidence.form_default


def _serving(state: str, rules: LocationRules) -> Location | None:
    return next((location for location, states in rules.serves.items() if state in states), None)


_ANSWERS = {
    LocationRule.CHOICE: _by_choice,
    LocationRule.ZIP: _by_zip,
    LocationRule.STATE: _by_state,
    LocationRule.PHONE: _by_phone,
    LocationRule.FORM: _by_form,
}
