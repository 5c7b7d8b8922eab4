"""The response clock: how long a person who wrote has waited for the front desk, in its working hours only.

A form that comes on Saturday night is not late on Monday at nine. The clock starts with a new lead, or when a
person who was answered writes again, and stops when someone at the clinic has answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from worker.domain.schedule import Calendar, Window, next_open

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDeskRules:
    """When the front desk works, within how much of that time it answers, and when someone else is told."""

    window: Window
    answer_within: timedelta
    escalate_after: timedelta


USUAL = FrontDeskRules(
    window=Window(days=frozenset(range(5)), start=time(9), until=time(17)),
    answer_within=timedelta(minutes=30),
    escalate_after=timedelta(hours=2),
)
"""Where `clinic.toml` says nothing, as versions published before it could."""


class Waiting(StrEnum):
    """How a waiting person stands."""

    IN_TIME = "in_time"
    LATE = "late"
    ESCALATED = "escalated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`worked` is the working time that has gone by; `answer_by` the instant (UTC) until which an answer is in time."""

    waiting: Waiting
    worked: timedelta
    answer_by: datetime


def response(since: datetime, rules: FrontDeskRules, calendar: Calendar, now: datetime) -> Response:
    """How someone stands who has waited since an instant."""
    worked = working_time(since, now, rules.window, calendar)
    waiting = Waiting.IN_TIME
    if worked > rules.answer_within:
        waiting = Waiting.ESCALATED if worked > rules.escalate_after else Waiting.LATE
    answer_by = after_working(since, rules.answer_within, rules.window, calendar)
    return Response(waiting=waiting, worked=worked, answer_by=answer_by)


def working_time(start: datetime, end: datetime, window: Window, calendar: Calendar) -> timedelta:
    """How much of the time between two instants the desk was open."""
    open_spans = _open_spans(start, end, window, calendar)
    return sum((min(end, closes) - max(start, opens) for opens, closes in open_spans), timedelta())


def after_working(start: datetime, work: timedelta, window: Window, calendar: Calendar) -> datetime:
    """The instant (UTC) when so much working time has gone by since `start`."""
    at, left = next_open(start, window, [calendar]), work
    while left > timedelta():
        zone = ZoneInfo(calendar.zone)
        closes = datetime.combine(at.astimezone(zone).date(), window.until, tzinfo=zone).astimezone(UTC)
        if at + left <= closes:
            return at + left
        left -= closes - at
        at = next_open(closes, window, [calendar])
    return at


def _open_spans(
    start: datetime, end: datetime, window: Window, calendar: Calendar
) -> Iterable[tuple[datetime, datetime]]:
    zone = ZoneInfo(calendar.zone)
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        opens = datetime.combine(day, window.start, tzinfo=zone).astimezone(UTC)
        closes = datetime.combine(day, window.until, tzinfo=zone).astimezone(UTC)
        if day.weekday() in window.days and not calendar.is_closed(day) and closes > start and opens < end:
            yield opens, closes
        day += _ONE_DAY
