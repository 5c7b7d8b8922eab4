"""A lead that somebody makes up, to see where it would go and what it would get: the rules of a real one.

A real form's unknown words are kept and route to `other`. Here nobody would read them, and a slip of the pen would
show a calendar that nobody gets; so a condition or treatment that is not known, or a location that is nearly right, is
refused, with the nearest that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from worker.content.catalog import Catalog, Persona
from worker.domain.leads import CLINICS, Condition, Treatment
from worker.domain.routing import Route, RoutingRules, Topic, location_named, read_topic, route, squash
from worker.errors import Refused
from worker.usecases.arrival.evidence import read_evidence


class NotKnown(Refused):
    """A location, condition or treatment that no form's words lead to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpForm:
    """What a form would say."""

    location: str = ""
    conditions: tuple[str, ...] = ()
    treatment: str = ""
    zip: str = ""
    state: str = ""

    @classmethod
    def of(cls, persona: Persona) -> MadeUpForm:
        """What this persona typed."""
        return cls(
            location=persona.location,
            conditions=(persona.condition,),
            treatment=persona.treatment,
            zip=persona.zip,
        )


def route_made_up(catalog: Catalog, form: MadeUpForm) -> tuple[Route, Topic]:
    """Where it leads, by the same rules as for a real one. Raises NotKnown."""
    refuse_unknown(catalog.routing, form)
    evidence = read_evidence(
        choice=form.location or None,
        zip_code=form.zip or None,
        state=form.state or None,
        phone=None,
        form_default=None,
        clinic=catalog.clinic,
    )
    topic = read_topic(list(form.conditions), form.treatment or None, catalog.routing)
    return route(evidence, topic, catalog.routing), topic


_NEAR = 0.7


def refuse_unknown(rules: RoutingRules, form: MadeUpForm) -> None:
    """Raise NotKnown for a location that is nearly a clinic's, or the first condition or treatment that routing has no
    words for."""
    is_near = get_close_matches(squash(form.location), CLINICS, n=1, cutoff=_NEAR)
    if is_near and location_named(form.location, rules) is None:
        raise NotKnown(_sentence("location", form.location, (), CLINICS))
    for typed in form.conditions:
        if typed.strip() and squash(typed) not in rules.condition_words:
            raise NotKnown(_sentence("condition", typed, rules.condition_words, Condition))
    if form.treatment.strip() and squash(form.treatment) not in rules.treatment_words:
        raise NotKnown(_sentence("treatment", form.treatment, rules.treatment_words, Treatment))


def _sentence(kind: str, typed: str, known: Iterable[str], codes: Iterable[str]) -> str:
    near = {squash(code): code for code in codes}
    found = get_close_matches(squash(typed), [*near, *known], n=1, cutoff=_NEAR)
    hint = f"did you mean {near.get(found[0], found[0])}?" if found else f"there are {', '.join(_in_words(codes))}"
    return f"no {kind} is known as “{typed.strip()[:60]}”; {hint}"


def _in_words(codes: Iterable[str]) -> Iterator[str]:
    return (code.replace("_", " ") for code in codes)
