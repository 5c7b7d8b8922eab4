"""How long a booking waits for its lead: people often book right after they wrote, and capture may be behind.

Tried soon and then ever more rarely, so that many bookings of people who never wrote cost next to nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

WAITS_FOR = timedelta(days=3)
"""Longer than any outage that nobody mended; then whoever booked has not written to us."""

_FIRST = timedelta(seconds=30)
_GROWTH = 1.5


def is_time(first_at: datetime, last_at: datetime, now: datetime) -> bool:
    """Whether to look for its lead again: each pause is half as long as all the waiting before it."""
    return now - first_at >= (last_at - first_at) * _GROWTH + _FIRST


def is_over(first_at: datetime, now: datetime) -> bool:
    """Whether it has waited long enough."""
    return now - first_at >= WAITS_FOR
