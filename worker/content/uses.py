"""Where emails are used: every email, at every location and in every sequence in which it can be sent."""

from __future__ import annotations

from worker.content.catalog import Catalog
from worker.content.render import Renderer
from worker.domain.leads import Location

Use = tuple[str, Location, str | None]
"""An email's id, a location and a sequence; no sequence for what is sent outside of them."""


def places_of_use(renderer: Renderer) -> list[Use]:
    """Every (email, location, sequence) in which an email can be sent."""
    return uses_in(renderer.catalog)


def uses_in(catalog: Catalog) -> list[Use]:
    """The same, of a catalog. An email in no sequence counts at each location that it is written for."""
    uses: list[Use] = []
    for email in catalog.emails.values():
        steps = [
            (sequence.id, step)
            for sequence in catalog.sequences.values()
            for step in sequence.steps
            if step.email == email.id
        ]
        uses += [(email.id, location, sequence) for sequence, step in steps for location in sorted(step.locations)]
        if not steps:
            uses += [(email.id, location, None) for location in sorted(email.scope.locations)]
    return uses
