"""Closed vocabularies in the words that marketing uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from types import MappingProxyType

from worker.content.lint.engine import RULES
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.reasons import REASONS
from worker.domain.schedule import Window
from worker.domain.sequences import LateAction, Step

LOCATIONS: Mapping[Location, str] = MappingProxyType(
    {
        Location.CARBONDALE: "Carbondale",
        Location.ALBANY: "Albany",
        Location.UNDECIDED: "Undecided",
        Location.OUT_OF_AREA: "Out of the area",
    }
)
CONDITIONS: Mapping[Condition, str] = MappingProxyType(
    {
        Condition.DEPRESSION: "depression",
        Condition.TREATMENT_RESISTANT_DEPRESSION: "treatment-resistant depression",
        Condition.ANXIETY: "anxiety",
        Condition.SOCIAL_ANXIETY: "social anxiety",
        Condition.PTSD: "PTSD",
        Condition.CHRONIC_PAIN: "chronic pain",
        Condition.CRPS: "CRPS",
        Condition.FIBROMYALGIA: "fibromyalgia",
        Condition.NEUROPATHIC_PAIN: "nerve pain",
        Condition.OTHER: "something else",
        Condition.NOT_SAID: "nothing that they name",
    }
)
TREATMENTS: Mapping[Treatment, str] = MappingProxyType(
    {Treatment.IV_KETAMINE: "IV ketamine", Treatment.SPRAVATO: "Spravato", Treatment.TMS: "TMS"}
)
EVIDENCE: Mapping[str, str] = MappingProxyType(
    {
        "choice": "what they chose in the form",
        "zip": "their ZIP code",
        "state": "their state",
        "phone": "the area code of their phone",
        "form": "the form that they used",
        "no_evidence": "nothing in the form: the front desk asks",
    }
)
"""What decided a location."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def why(rule: str) -> str:
    """Why a rule of lint is there, and the law or study behind it; empty for what is no rule."""
    found = RULES.get(rule)
    return f"{found.why}{f' ({found.source})' if found.source else ''}" if found else ""


def reason(code: str) -> str:
    """A reason of the ladder; its own code where there are no words for it yet."""
    return REASONS.get(code, code.replace("_", " "))


def in_order(locations: Iterable[Location]) -> list[Location]:
    """The clinics first, undecided people after them."""
    return sorted(locations, key=list(LOCATIONS).index)


def listed(parts: Iterable[str], joined_by: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = parts
    return f"{', '.join(first)} {joined_by} {last}" if first else last


def duration(length: timedelta) -> str:
    """`4 days`, `36 hours`, `1 day`, `30 minutes`."""
    minutes = round(length.total_seconds() / 60)
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes and minutes % size == 0:
            return plural(minutes // size, unit)
    return plural(minutes, "minute")


def plural(number: int, noun: str) -> str:
    """`1 email`, `3 emails`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def window(allowed: Window) -> str:
    """`Mon to Sat, 9:00 to 18:00`; days that do not follow each other one by one."""
    days = sorted(allowed.days)
    in_a_row = len(days) > 2 and days == list(range(days[0], days[-1] + 1))
    names = f"{_DAYS[days[0]]} to {_DAYS[days[-1]]}" if in_a_row else listed(_DAYS[day] for day in days)
    return f"{names}, {_clock(allowed.start)} to {_clock(allowed.until)}"


def lateness(step: Step) -> str:
    """What happens to a step that comes due too long ago."""
    after = duration(step.late_after)
    what = "is left out" if step.late_action is LateAction.SKIP else "moves to the next open day"
    return f"Over {after} late, it {what}"


def day(of: date) -> str:
    """`Mon 9 Mar 2026`."""
    return f"{_DAYS[of.weekday()]} {of.day} {of:%b %Y}"


def _clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02}"
