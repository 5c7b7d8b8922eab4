"""Which fault strikes when: drawn once from the seed, so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

EVERY_S = 1.6
"""On average; some come together, as they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of fault: how often it is drawn, how long it lasts, and what it needs to itself meanwhile."""

    weight: float
    seconds: tuple[float, float] = (0.0, 0.0)
    occupies: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault at a moment (seconds from the start), for so long; `choice` picks among several victims."""

    at: float
    kind: str
    seconds: float
    choice: int


def draw(seed: int, seconds: float, kinds: Mapping[str, Kind]) -> Sequence[Strike]:
    """The strikes of a run, in order. Two that need the same thing never overlap."""
    chance = random.Random(seed)
    names, weights = list(kinds), [kind.weight for kind in kinds.values()]
    busy_until: dict[str, float] = {}
    strikes, at = [], 2.0
    while at < seconds:
        free = [name for name in names if busy_until.get(kinds[name].occupies, 0.0) <= at]
        (name,) = chance.choices(free, [weights[names.index(each)] for each in free])
        kind = kinds[name]
        lasts = round(chance.uniform(*kind.seconds), 2)
        if kind.occupies:
            busy_until[kind.occupies] = at + lasts + 1.0
        strikes.append(Strike(at=round(at, 2), kind=name, seconds=lasts, choice=chance.randrange(1_000_000)))
        at += chance.uniform(0.2, 2 * EVERY_S - 0.2)
    return strikes
