"""When a nurture email may go out: windows, closed days, both time zones, both DST nights (I4).

All instants are aware. Windows are wall-clock times in a location's IANA zone; `until` is exclusive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_ONE_DAY = timedelta(days=1)
_HORIZON_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Days of the week (Monday is 0) and hours of the day in which mail may go out."""

    days: frozenset[int]
    start: time
    until: time

    def narrowed(self, other: Window | None) -> Window:
        """The part that both windows allow."""
        if other is None:
            return self
        return Window(
            days=self.days & other.days,
            start=max(self.start, other.start),
            until=min(self.until, other.until),
        )

    @property
    def is_empty(self) -> bool:
        """True where nothing could ever be sent."""
        return not self.days or self.start >= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One location's zone and the days, beside federal holidays, on which it sends nothing."""

    zone: str
    closed: frozenset[date] = frozenset()

    def is_closed(self, day: date) -> bool:
        """True on the clinic's closed days and on US federal holidays."""
        return day in self.closed or day in us_federal_holidays(day.year)


def next_open(at: datetime, window: Window, calendars: Iterable[Calendar]) -> datetime:
    """The first instant, not before `at`, when the window is open in every calendar (UTC).

    Raises ValueError when nothing opens within a year: the content check refuses such a window earlier.
    """
    calendars = tuple(calendars)
    candidate = at.astimezone(UTC)
    limit = candidate + timedelta(days=_HORIZON_DAYS)
    while candidate <= limit:
        opened = candidate
        for calendar in calendars:
            opened = _next_open_in(opened, window, calendar)
        if opened == candidate:
            return candidate
        candidate = opened
    raise ValueError("the window does not open within a year")


def is_open(at: datetime, window: Window, calendars: Iterable[Calendar]) -> bool:
    """True when nurture may go out at this instant in every calendar."""
    instant = at.astimezone(UTC)  # a local time that the autumn night repeats equals no instant of another zone
    return all(_next_open_in(instant, window, calendar) == instant for calendar in calendars)


def wait_until(anchor: datetime, wait: timedelta, zone: str) -> datetime:
    """The instant `wait` after `anchor`, to the minute (UTC).

    Whole days are calendar days in the zone: the wall clock stays, across DST nights too. Seconds are
    dropped, so that a plan reads the same whether a send took a millisecond or a moment.
    """
    start = anchor.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
    days, rest = divmod(wait, _ONE_DAY)
    moved = datetime.combine(start.date() + timedelta(days=days), start.time(), tzinfo=ZoneInfo(zone))
    return moved.replace(fold=start.fold).astimezone(UTC) + rest


def _next_open_in(at: datetime, window: Window, calendar: Calendar) -> datetime:
    today = at.astimezone(ZoneInfo(calendar.zone)).date()
    for ahead in range(_HORIZON_DAYS):
        hours = _hours(today + timedelta(days=ahead), window, calendar)
        if hours is not None and at < hours[1]:
            return max(at, hours[0])
    raise ValueError("the window does not open within a year")


@lru_cache(maxsize=4096)
def _hours(day: date, window: Window, calendar: Calendar) -> tuple[datetime, datetime] | None:
    """From when until when (UTC) the window is open on a day; None where it stays closed."""
    if day.weekday() not in window.days or calendar.is_closed(day):
        return None
    zone = ZoneInfo(calendar.zone)
    opens, closes = (datetime.combine(day, at, tzinfo=zone) for at in (window.start, window.until))
    return opens.astimezone(UTC), closes.astimezone(UTC)


@lru_cache(maxsize=64)
def us_federal_holidays(year: int) -> frozenset[date]:
    """The eleven federal holidays of a year (5 U.S.C. 6103), with their observed weekdays.

    A holiday on Saturday is also observed the Friday before, one on Sunday the Monday after.
    """
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    fixed.append(date(year + 1, 1, 1))  # observed on 31 December when it falls on a Saturday
    floating = [
        _nth_weekday(year, 1, 0, 3),  # Martin Luther King, Jr.
        _nth_weekday(year, 2, 0, 3),  # Washington's Birthday
        _nth_weekday(year, 6, 0, 1) - timedelta(days=7),  # Memorial Day: last Monday of May
        _nth_weekday(year, 9, 0, 1),  # Labor Day
        _nth_weekday(year, 10, 0, 2),  # Columbus Day
        _nth_weekday(year, 11, 3, 4),  # Thanksgiving
    ]
    observed = [day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0)) for day in fixed]
    return frozenset(day for day in (*fixed, *observed, *floating) if day.year == year)


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
