"""Sending rates: a bucket that leaks, kept in the database, so that every worker sees what the others poured in.

In any stretch of time at most `burst` sends go out, and as many again as leak away meanwhile. Real time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_GRAIN = 1e-6
"""Below this, a difference is arithmetic and not a send."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many sends in so many seconds."""

    count: int
    seconds: int

    @property
    def per_second(self) -> float:
        """Sends that leak away in a second."""
        return self.count / self.seconds

    @property
    def burst(self) -> int:
        """How many may go at once: a second's worth, so that no second ever sees more than twice its share."""
        return max(1, int(self.per_second))

    def __str__(self) -> str:
        return f"{self.count} in {self.seconds} s"


@dataclass(frozen=True, slots=True)
class Level:
    """How full a bucket was, and when."""

    sends: float
    at: datetime


def level_now(level: Level | None, rate: Rate, now: datetime) -> float:
    """How full it is now. A clock that went back leaks nothing."""
    if level is None:
        return 0.0
    leaked = max(0.0, (now - level.at).total_seconds()) * rate.per_second
    return max(0.0, level.sends - leaked)


def room(level: Level | None, rate: Rate, now: datetime) -> int:
    """How many sends may go now."""
    return int(rate.burst - level_now(level, rate, now) + _GRAIN)


def wait_for_room(level: Level | None, rate: Rate, now: datetime, sends: int = 1) -> timedelta:
    """How long until so many sends (a burst at most) may go."""
    missing = level_now(level, rate, now) + min(sends, rate.burst) - rate.burst
    return timedelta(seconds=max(0.0, missing / rate.per_second))


def poured(level: Level | None, rate: Rate, now: datetime, sends: int) -> Level:
    """The bucket after so many sends. Its time never goes back, or what leaked would leak again."""
    at = now if level is None else max(now, level.at)
    return Level(level_now(level, rate, now) + sends, at)
