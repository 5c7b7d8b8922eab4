"""The calendar of a lead that somebody makes up: the route, why, and every email with its day and hour.

The functions are those of `nurture simulate`, which are those of the worker.
"""

from __future__ import annotations

import calendar as weeks
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from worker.console.studio import words
from worker.content.catalog import Persona
from worker.content.render import Renderer
from worker.content.simulate import CalendarEntry, simulate
from worker.domain.clinic import Clinic
from worker.domain.leads import Location
from worker.domain.routing import Route, Topic
from worker.usecases.nurture.made_up import MadeUpForm, route_made_up

_YEARS = range(2000, 2100)
_SUNDAY = 6
_MOST_MONTHS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a form would say. `submitted_at` is as typed: with an offset, or in the clinic's own time."""

    location: str = ""
    condition: str = ""
    treatment: str = ""
    zip: str = ""
    submitted_at: str = ""
    consent: bool = True

    @classmethod
    def of(cls, persona: Persona) -> Asked:
        """What this persona typed."""
        return cls(
            location=persona.location,
            condition=persona.condition,
            treatment=persona.treatment,
            zip=persona.zip,
            consent=persona.consent_email,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One line of the calendar, in the clinic's time. `reason` is empty for what goes out."""

    step: str
    email: str
    subject: str
    day: date
    clock: str
    decision: str
    reason: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One square of a month. `sent` are that day's emails; a closed day is one on which no email goes out."""

    day: date
    in_month: bool
    is_closed: bool
    sent: tuple[Sent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month in weeks from Sunday to Saturday."""

    name: str
    weeks: tuple[tuple[Day, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The answer."""

    route: Route
    topic: Topic
    submitted_at: datetime
    zone: str
    sent: tuple[Sent, ...]
    months: tuple[Month, ...]

    @property
    def location_reason(self) -> str:
        """What decided the location."""
        return words.EVIDENCE.get(self.route.location_reason, self.route.location_reason)

    @property
    def conflicts(self) -> list[str]:
        """What pointed elsewhere, and did not decide."""
        pairs = [conflict.partition(":") for conflict in self.route.conflicts]
        return [f"{words.EVIDENCE.get(rule, rule)} says {words.LOCATIONS[Location(at)]}" for rule, _, at in pairs]


class NotAnInstant(ValueError):
    """What was typed is no day and hour."""


def lead_calendar(renderer: Renderer, asked: Asked, now: datetime) -> Calendar:
    """Route a made-up form and follow it to the end. Raises TemplateError, NotAnInstant, and NotKnown."""
    catalog = renderer.catalog
    form = MadeUpForm(location=asked.location, conditions=(asked.condition,), treatment=asked.treatment, zip=asked.zip)
    decided, topic = route_made_up(catalog, form)
    zone = ZoneInfo(catalog.clinic.calendars(decided.location)[0].zone)
    at = _instant(asked.submitted_at, zone, now)
    entries = simulate(renderer, decided, topic.conditions, at, consent=asked.consent)
    sent = tuple(_sent(entry, renderer, zone, number) for number, entry in enumerate(entries, 1))
    return Calendar(
        route=decided,
        topic=topic,
        submitted_at=at.astimezone(zone),
        zone=zone.key,
        sent=sent,
        months=_months(sent, catalog.clinic, decided.location),
    )


def _instant(typed: str, zone: ZoneInfo, now: datetime) -> datetime:
    if not typed.strip():
        return now
    try:
        at = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise NotAnInstant(f"“{typed[:60]}” is no day and hour; write it as 2026-03-06 22:15") from None
    if at.year not in _YEARS:
        raise NotAnInstant(f"The year {at.year} is out of reach; take one from {_YEARS[0]} to {_YEARS[-1]}")
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


def _sent(entry: CalendarEntry, renderer: Renderer, zone: ZoneInfo, number: int) -> Sent:
    local = entry.at.astimezone(zone)
    return Sent(
        step=entry.step or "",
        email=entry.email,
        subject=renderer.catalog.emails[entry.email].subject,
        day=local.date(),
        clock=f"{local.hour}:{local.minute:02}",
        decision=entry.decision,
        reason=words.reason(entry.reason) if entry.reason else "",
        number=number,
    )


def _months(sent: Sequence[Sent], clinic: Clinic, location: Location) -> tuple[Month, ...]:
    by_day: dict[date, list[Sent]] = {}
    for one in sent:
        by_day.setdefault(one.day, []).append(one)
    if not by_day:
        return ()
    first, last = min(by_day), max(by_day)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    starts = [divmod(first.year * 12 + first.month - 1 + ahead, 12) for ahead in range(min(count, _MOST_MONTHS))]
    return tuple(_month(year, month + 1, by_day, clinic, location) for year, month in starts)


def _month(year: int, month: int, by_day: Mapping[date, list[Sent]], clinic: Clinic, location: Location) -> Month:
    calendars, window = clinic.calendars(location), clinic.nurture.window
    return Month(
        name=f"{date(year, month, 1):%B %Y}",
        weeks=tuple(
            tuple(
                Day(
                    day=day,
                    in_month=day.month == month,
                    is_closed=day.weekday() not in window.days or any(one.is_closed(day) for one in calendars),
                    sent=tuple(by_day.get(day, ())) if day.month == month else (),
                )
                for day in week
            )
            for week in weeks.Calendar(_SUNDAY).monthdatescalendar(year, month)
        ),
    )
