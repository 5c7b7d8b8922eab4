"""Which email is looked at, as whom and where: what an address of the studio asks for, made to fit the content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from worker.console.studio import words
from worker.content.catalog import Catalog, Persona, content_location
from worker.content.uses import Use, uses_in
from worker.domain.leads import Location
from worker.domain.routing import Route, Topic
from worker.usecases.nurture.made_up import MadeUpForm, route_made_up

T = TypeVar("T")


class View(StrEnum):
    """The ways to look at an email."""

    DESKTOP = "desktop"
    PHONE = "phone"
    DARK = "dark"
    TEXT = "text"
    SOURCE = "source"
    HEADERS = "headers"
    INBOX = "inbox"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One email as one persona reads it. `sequences` and `locations` are those that could be chosen instead."""

    persona: Persona
    location: Location
    sequence: str | None
    locations: tuple[Location, ...]
    sequences: tuple[str, ...]
    email: str

    @property
    def use(self) -> Use:
        """The place where the email is used."""
        return self.email, self.location, self.sequence


def choose(catalog: Catalog, email: str, *, persona: str, location: str, sequence: str) -> Choice | None:
    """What is asked for, or what comes nearest to it; None where the email is used nowhere, or nobody is there."""
    uses = [use for use in uses_in(catalog) if use[0] == email]
    if not uses or not catalog.personas:
        return None
    who = catalog.personas.get(persona) or _typical(catalog, uses, location, sequence)
    decided, _ = route_of(catalog, who)
    at = _pick([use[1] for use in uses], location, content_location(decided.location))
    there = [use[2] for use in uses if use[1] == at]
    within = _pick(there, sequence or None, decided.sequence)
    return Choice(
        email=email,
        persona=who,
        location=at,
        sequence=within,
        locations=tuple(words.in_order({use[1] for use in uses})),
        sequences=tuple(name for name in dict.fromkeys(there) if name),
    )


def route_of(catalog: Catalog, persona: Persona) -> tuple[Route, Topic]:
    """Where a persona's form would lead: the same rules as for a real one."""
    return route_made_up(catalog, MadeUpForm.of(persona))


def _typical(catalog: Catalog, uses: Sequence[Use], location: str, sequence: str) -> Persona:
    """The persona to begin with: one whose own route leads to this email, in the place asked for."""

    def fit(persona: Persona) -> int:
        decided, _ = route_of(catalog, persona)
        own = (uses[0][0], content_location(decided.location), decided.sequence)
        return (
            4 * (own in uses)
            + 2 * (own[1] == location)
            + 2 * (own[2] == sequence)
            + (own[:2] in {use[:2] for use in uses})
            + bool(persona.consent_email and persona.email)
        )

    return max(catalog.personas.values(), key=fit)


def _pick(offered: Sequence[T], *wanted: object) -> T:
    """The first wanted one that is offered, else the first offered."""
    return next((one for want in wanted for one in offered if one == want), offered[0])
