"""A sequence as its people live through it, at one location: what comes when, how long it is, who waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from worker.console.studio import words
from worker.content.catalog import ACKNOWLEDGEMENT
from worker.content.lint.paragraphs import paragraphs_of
from worker.content.lint.readability import grade, words_of
from worker.content.lint.sample import READER
from worker.content.render import Renderer
from worker.content.uses import Use
from worker.domain.clinic import Clinic
from worker.domain.leads import Location
from worker.domain.sequences import Sequence, Step
from worker.errors import TemplateError


class People(Protocol):
    """Where the people of a sequence are; asked only where there is a database."""

    def waiting(self, sequence: str) -> Mapping[str, int]:
        """How many people's next email is each step, by the step's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How long an email's own words are, and the school grade that reads them with ease."""

    words: int
    grade: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One email of the timeline. `step` is empty for the acknowledgement; `waiting` is None where nobody knows."""

    step: str
    email: str
    subject: str
    day: int
    wait: str
    window: str
    late: str
    reading: Reading | None
    waiting: int | None


def timeline(renderer: Renderer, sequence: Sequence, location: Location, people: People | None) -> list[Stop]:
    """The acknowledgement and every step that applies there."""
    catalog = renderer.catalog
    waiting = people.waiting(sequence.id) if people else None
    stops = [_answer(renderer, location)]
    seconds = 0.0
    for step in sequence.plan_for(location).steps:
        seconds += step.wait.total_seconds()
        stops.append(
            Stop(
                step=step.id,
                email=step.email,
                subject=catalog.emails[step.email].subject,
                day=round(seconds / 86_400),
                wait=f"{words.duration(step.wait)} after the one before",
                window=_window(catalog.clinic, step),
                late=words.lateness(step),
                reading=reading(renderer, (step.email, location, sequence.id)),
                waiting=waiting.get(step.id, 0) if waiting is not None else None,
            )
        )
    return stops


def reading(renderer: Renderer, use: Use) -> Reading | None:
    """Of the email's own words, without its blocks and footer; None where it does not render."""
    try:
        outline = renderer.outline(*use, READER)
    except TemplateError:
        return None
    prose = [paragraph.text for paragraph in paragraphs_of(outline.markdown) if paragraph.is_prose]
    return Reading(words=sum(len(words_of(text)) for text in prose), grade=round(grade(prose), 1))


def _answer(renderer: Renderer, location: Location) -> Stop:
    return Stop(
        step="",
        email=ACKNOWLEDGEMENT,
        subject=renderer.catalog.emails[ACKNOWLEDGEMENT].subject,
        day=0,
        wait="at once",
        window="at any hour",
        late="",
        reading=reading(renderer, (ACKNOWLEDGEMENT, location, None)),
        waiting=None,
    )


def _window(clinic: Clinic, step: Step) -> str:
    return words.window(clinic.nurture.window.narrowed(step.window))


def has_people(stops: list[Stop]) -> bool:
    """Whether anybody knows how many wait."""
    return any(stop.waiting is not None for stop in stops)
