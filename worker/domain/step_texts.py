"""A step put into a sequence's text, changed or taken out; every other line stays as somebody wrote it. Pure.

What comes out is read again and compared with what was meant, so a text that is written in an unusual way is refused
and never bent.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.domain.drafting import as_step
from worker.errors import Refused

_BEGINS = re.compile(r"^(?:#[^\n]*\n)*\[\[steps\]\]", re.MULTILINE)
_WAIT = re.compile(r"^wait = .*\n", re.MULTILINE)
_LOCATIONS = re.compile(r"^locations = \[[^\]]*\][^\n]*\n", re.MULTILINE)
_DAYS = re.compile(r"(\d+) days?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a step stands: `after` is the step before it, empty for the first; no `days` leave the wait as it is, and
    nothing in `only_at` means wherever the sequence goes."""

    after: str
    days: int | None
    only_at: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenStep:
    """A step as its file has it, with the lines that say so."""

    lines: str
    values: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.values.get("id", ""))

    @property
    def email(self) -> str:
        """The email that it sends."""
        return str(self.values.get("email", ""))

    @property
    def wait(self) -> str:
        """How long after the one before, as it is written."""
        return str(self.values.get("wait", ""))

    @property
    def days(self) -> int | None:
        """The same in days, where it is written in days."""
        found = _DAYS.fullmatch(self.wait)
        return int(found[1]) if found else None

    @property
    def only_at(self) -> tuple[str, ...]:
        """Its own locations; none where it goes wherever the sequence goes."""
        return tuple(self.values.get("locations", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSequence:
    """A sequence's text, cut before each step."""

    head: str
    values: dict[str, Any]
    steps: tuple[WrittenStep, ...]

    def text(self, steps: Sequence[WrittenStep]) -> str:
        """The same with these steps. Raises Refused where it would not say that."""
        text = "\n\n".join(part.rstrip("\n") for part in (self.head, *(step.lines for step in steps))) + "\n"
        if _read(text) != {**self.values, "steps": [step.values for step in steps]}:
            raise _unusual()
        return text

    def step(self, step_id: str) -> WrittenStep:
        """One of its steps. Raises Refused."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise Refused(f"the sequence has no step {step_id[:60]}")


def read_steps(text: str) -> WrittenSequence:
    """A sequence's text in its parts. Raises Refused where it can't be told apart."""
    values = _read(text)
    begins = [found.start() for found in _BEGINS.finditer(text)]
    tables = values.get("steps")
    if not begins or not isinstance(tables, list) or len(tables) != len(begins):
        raise _unusual()
    pieces = [text[begin:end] for begin, end in zip(begins, [*begins[1:], len(text)], strict=True)]
    steps = tuple(WrittenStep(lines=lines, values=table) for lines, table in zip(pieces, tables, strict=True))
    return WrittenSequence(head=text[: begins[0]], values=values, steps=steps)


def put_in(text: str, email: str, place: Place) -> str:
    """The text with one more step. Raises Refused."""
    written = read_steps(text)
    if any(email in (step.id, step.email) for step in written.steps):
        raise Refused(f"the sequence has a step with {email} already")
    if place.days is None:
        raise Refused("say how many days after the email before it")
    lines = as_step(email, place.days).lstrip("\n")
    new = _placed(WrittenStep(lines=lines, values=_read(lines)["steps"][0]), place)
    return written.text(_inserted(written, list(written.steps), new, place.after))


def change(text: str, step_id: str, place: Place) -> str:
    """The text with this step moved and timed anew; its id stays, by which people on their way are found."""
    written = read_steps(text)
    step = written.step(step_id)
    others = [one for one in written.steps if one is not step]
    return written.text(_inserted(written, others, _placed(step, place), place.after))


def take_out(text: str, step_id: str) -> str:
    """The text without this step. Raises Refused."""
    written = read_steps(text)
    step = written.step(step_id)
    if len(written.steps) == 1:
        raise Refused("it is the sequence's only step")
    return written.text([one for one in written.steps if one is not step])


def _inserted(written: WrittenSequence, others: list[WrittenStep], new: WrittenStep, after: str) -> list[WrittenStep]:
    if after == new.id:
        raise Refused("a step can't come after itself")
    at = others.index(written.step(after)) + 1 if after else 0
    return [*others[:at], new, *others[at:]]


def _placed(step: WrittenStep, place: Place) -> WrittenStep:
    values = {name: value for name, value in step.values.items() if name != "locations"}
    wait = step.wait if place.days is None else f"{place.days} {'day' if place.days == 1 else 'days'}"
    timing = f'wait = "{wait}"\n'
    if place.only_at:
        values["locations"] = list(place.only_at)
        timing += "locations = [" + ", ".join(f'"{one}"' for one in place.only_at) + "]\n"
    lines = _WAIT.sub(timing, _LOCATIONS.sub("", step.lines.rstrip("\n") + "\n"), count=1)
    return WrittenStep(lines=lines, values={**values, "wait": wait})


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"the sequence’s text has a fault ({error}): mend it there first") from None


def _unusual() -> Refused:
    return Refused("the sequence’s text is written in a way that this form does not know: change it in the text")
