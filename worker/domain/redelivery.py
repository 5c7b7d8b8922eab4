"""What an endpoint's answer means, and when it is asked again: trouble with one event holds up that event only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

MAX_TRIES = 20
"""With the pauses below, a little more than two days; then a person decides."""

_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=4)


class Fate(StrEnum):
    """What became of one try.

    `TAKEN`: it is told. `NOT_THIS`: the endpoint works, yet refuses this event. `AWAY`: the endpoint takes nothing
    just now. `GONE`: it will never take anything again. `HOPELESS`: it will never take this event.
    """

    TAKEN = "taken"
    NOT_THIS = "not_this"
    AWAY = "away"
    GONE = "gone"
    HOPELESS = "hopeless"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a try ended, with a code for people, and the wait that the endpoint asked for."""

    fate: Fate
    code: str
    wait: timedelta | None = None


_NOBODY_MAY = {401, 403, 404}
"""A wrong address or secret: whatever comes next is refused as well, until someone mends it."""


def judge(status: int, wait: timedelta | None = None) -> Told:
    """What an HTTP status means: taken with 2xx, ended with 410, and never followed elsewhere."""
    code = f"http_{status}"
    if 200 <= status < 300:
        return Told(fate=Fate.TAKEN, code=code)
    if status == 410:
        return Told(fate=Fate.GONE, code=code)
    if 400 <= status < 500 and status not in _NOBODY_MAY | {408, 425, 429}:
        return Told(fate=Fate.NOT_THIS, code=code, wait=wait)
    return Told(fate=Fate.AWAY, code=code, wait=wait)


def is_hopeless(told: Told, tries: int) -> bool:
    """True when a person must decide about this event."""
    return told.fate in {Fate.GONE, Fate.HOPELESS} or tries >= MAX_TRIES


def until_next_try(tries: int, asked: timedelta | None) -> timedelta:
    """How long to wait after so many tries in a row that failed."""
    own: timedelta = min(_FIRST_WAIT * 3 ** min(tries - 1, 12), _LONGEST_WAIT)
    return max(own, min(asked, _LONGEST_WAIT)) if asked else own
