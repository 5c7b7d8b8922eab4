"""What alarms watch beside the sentence of health: people who wait, leads that stay away, emails that come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.domain.response import working_time
from worker.domain.schedule import Calendar, Window

QUIET_AFTER = timedelta(hours=16)
"""So much of the front desk's working time without a single lead, two of its days, is worth a look at the form."""

LOOKED_BACK = timedelta(days=30)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """`quiet`: working time since the latest lead, None before the first. `week`: emails of seven days by outcome."""

    waiting: int
    late: int
    quiet: timedelta | None
    week: Mapping[str, int]


def quiet_time(latest: datetime | None, now: datetime, window: Window, calendars: Iterable[Calendar]) -> timedelta:
    """How much working time has gone by without a lead, at the clinic that had the least of it; at most a month's."""
    since = max(latest or now, now - LOOKED_BACK)
    return min(working_time(since, now, window, calendar) for calendar in calendars)
