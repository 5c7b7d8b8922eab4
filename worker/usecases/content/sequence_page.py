"""One published sequence at one location: how far its people have come, and what is planned for them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from worker.content.render import Renderer
from worker.domain.leads import Location
from worker.domain.sequences import Sequence
from worker.domain.small_numbers import Cell, protect
from worker.errors import NotFound
from worker.storage import funnel
from worker.usecases.health.upcoming import Upcoming, read_upcoming
from worker.usecases.services import Services


class Stage(StrEnum):
    """How far people are with one step. Booked and left: while it was their next."""

    PLANNED = "planned"
    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"
    BOOKED = "booked"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePage:
    """`figures` are per step; small numbers are kept back from those who may not see leads."""

    renderer: Renderer
    sequence: Sequence
    location: Location
    figures: Mapping[str, Mapping[Stage, Cell]]
    upcoming: Upcoming | None


def published(services: Services) -> Renderer:
    """What is sent now. Raises ConfigurationError before the first publish."""
    with services.database.read() as connection:
        return services.content.renderer(connection)[1]


def read_sequence(services: Services, name: str, wanted: str, *, sees_people: bool) -> SequencePage:
    """The sequence at the location that is asked for, or at its first. Raises NotFound."""
    with services.database.read() as connection:
        _, renderer = services.content.renderer(connection)
        sequence = renderer.catalog.sequences.get(name)
        if sequence is None:
            raise NotFound(f"there is no sequence {name[:60]}")
        offered = [one for one in Location if one in sequence.locations]
        location = next((one for one in offered if one == wanted), offered[0])
        counts = funnel.steps_of(connection, name, location)
        upcoming = read_upcoming(connection, location=location, sequence=name) if sees_people else None
    return SequencePage(
        renderer=renderer,
        sequence=sequence,
        location=location,
        figures=_figures(sequence, location, counts, sees_people=sees_people),
        upcoming=upcoming,
    )


def _figures(
    sequence: Sequence, location: Location, counts: Mapping[str, Mapping[str, int]], *, sees_people: bool
) -> dict[str, dict[Stage, Cell]]:
    steps = [step.id for step in sequence.plan_for(location).steps]
    plain: dict[tuple[Hashable, Hashable], int] = {
        (step, stage): int(counts.get(step, {}).get(stage, 0)) for step in steps for stage in Stage
    }
    cells: Mapping[tuple[Hashable, Hashable], Cell] = plain if sees_people else protect(plain)
    return {step: {stage: cells[step, stage] for stage in Stage} for step in steps}
