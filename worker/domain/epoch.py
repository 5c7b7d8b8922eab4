"""Restore safety: is this the database that has been sending, or an older or other copy of it?

Every sweep counts one tick in the database, then tells witnesses outside it (a file beside the worker, a
key in Redis). A restored database has fewer ticks than its witnesses; a cloned or moved one has none that
know it. Either way sending is held until a person confirms: the copy may not know what was sent since.
A count, not a clock: clocks step back. Read the witnesses first, then the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Doubt(StrEnum):
    """Why a person must look before anything is sent."""

    WENT_BACK = "database_went_back"
    UNKNOWN_PLACE = "database_not_known_here"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a witness remembers: the installation, and the ticks that it had."""

    instance: str
    ticks: int


def doubt(instance: str, ticks: int, memories: Iterable[Remembered]) -> Doubt | None:
    """Whether this database may send. A fresh one, without a tick, has nothing to repeat."""
    mine = [memory for memory in memories if memory.instance == instance]
    if any(memory.ticks > ticks for memory in mine):
        return Doubt.WENT_BACK
    return Doubt.UNKNOWN_PLACE if ticks and not mine else None
