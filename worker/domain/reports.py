"""From tallies to a report: broken down, put into a few spans of time, with small numbers kept back. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from worker.domain.leads import Condition, Location
from worker.domain.small_numbers import ALL, Cell, protect
from worker.domain.tallies import ANSWERED_WITHIN, NONE, OF_EMAILS, Figure, Key, Tally

_WEEKS_UP_TO = 92
"""A longer report is told by the month."""


class Breakdown(StrEnum):
    """By what figures are told."""

    LOCATION = "location"
    CONDITION = "condition"
    SEQUENCE = "sequence"
    EMAIL = "email"


Cells = Mapping[Figure, Cell]


def is_untold(total: Cells, figure: Figure) -> bool:
    """True where nobody reports it: not each mail provider says what was delivered, and none of many is not 0 %."""
    return figure is Figure.DELIVERED and total[figure] == 0 and total[Figure.SENT] != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The figures of one location, condition, sequence or email. A name is empty where there is none."""

    name: str
    cells: Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The figures of a week or a month; the first and the last may be cut short."""

    first: date
    last: date
    cells: Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was counted from the first day to the last, everywhere or at one location."""

    first: date
    last: date
    location: Location | None
    total: Cells
    lines: Mapping[Breakdown, Sequence[Line]]
    trend: Sequence[Span]


Counts = Mapping[Key, Tally]
CountsByDay = Mapping[tuple[date, str], Tally]


def make_report(first: date, last: date, location: Location | None, counts: Counts, by_day: CountsByDay) -> Report:
    """The report. All locations take part, also in a report about one: what is kept back there depends on the rest."""
    place = location.value if location else ALL
    locations = _told(((key.location, "all"), tally) for key, tally in counts.items())
    return Report(
        first=first,
        last=last,
        location=location,
        total=_cells(locations, place, ALL),
        lines={
            Breakdown.LOCATION: [
                Line(name=one, cells=_cells(locations, one, ALL))
                for one in _named(locations, list(Location))
                if location in {None, one}
            ],
            **{by: _lines(counts, by, place) for by in (Breakdown.CONDITION, Breakdown.SEQUENCE, Breakdown.EMAIL)},
        },
        trend=_trend(first, last, place, by_day),
    )


def _of(key: Key, by: Breakdown) -> str:
    return {Breakdown.CONDITION: key.condition, Breakdown.SEQUENCE: key.sequence, Breakdown.EMAIL: key.email}[by]


_Told = Mapping[Figure, Mapping[tuple[Hashable, Hashable], Cell]]


def _told(counts: Iterable[tuple[tuple[Hashable, Hashable], Tally]]) -> _Told:
    """Each figure as a table of its own, protected."""
    summed: dict[tuple[Hashable, Hashable], Tally] = {}
    for place, tally in counts:
        summed.setdefault(place, Counter()).update(tally)
    return {figure: protect({place: tally[figure] for place, tally in summed.items()}) for figure in Figure}


def _lines(counts: Counts, by: Breakdown, place: Hashable) -> list[Line]:
    told = _told(((_of(key, by), key.location), tally) for key, tally in counts.items())
    lines = [Line(name=name, cells=_cells(told, name, place)) for name in _named(told, list(Condition))]
    if by is Breakdown.EMAIL:
        lines = [line for line in lines if line.name != NONE]  # these are the leads themselves
    return [line for line in lines if any(line.cells.values())]


def _named(told: _Told, order: Sequence[str]) -> list[str]:
    """The names of the rows: in an order of their own, then by the alphabet."""
    names = {str(row) for row, _ in told[Figure.LEADS] if row is not ALL}
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def _cells(told: _Told, row: Hashable, column: Hashable) -> dict[Figure, Cell]:
    return {figure: table.get((row, column), 0) for figure, table in told.items()}


def _trend(first: date, last: date, place: Hashable, by_day: CountsByDay) -> list[Span]:
    spans = list(spans_of(first, last))
    number_of = {day: number for number, (start, end) in enumerate(spans) for day in _days(start, end)}
    told = _told(((number_of[day], location), tally) for (day, location), tally in by_day.items() if day in number_of)
    return [Span(first=start, last=end, cells=_cells(told, number, place)) for number, (start, end) in enumerate(spans)]


def spans_of(first: date, last: date) -> Iterable[tuple[date, date]]:
    """Weeks from Monday, or calendar months for a longer report."""
    is_short = (last - first).days < _WEEKS_UP_TO
    start = first
    while start <= last:
        end = start + timedelta(days=6 - start.weekday()) if is_short else _end_of_month(start)
        yield start, min(end, last)
        start = end + timedelta(days=1)


def _end_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def share(part: Cell, whole: Cell) -> float | None:
    """A part of a whole, where both are told and there is one."""
    return part / whole if isinstance(part, int) and isinstance(whole, int) and whole else None


def usual_wait(cells: Cells) -> tuple[int, int | None] | None:
    """Between how many minutes of working time half of those answered had their answer; None where it is not told."""
    answered, low = cells[Figure.ANSWERED], 0
    if not isinstance(answered, int) or not answered:
        return None
    for bound, figure in ANSWERED_WITHIN.items():
        within = cells[figure]
        if not isinstance(within, int):
            return None
        if 2 * within >= answered:
            return low, bound
        low = bound
    return low, None


SHOWN: Mapping[Breakdown, Sequence[Figure]] = {
    Breakdown.EMAIL: OF_EMAILS,
    **dict.fromkeys((Breakdown.LOCATION, Breakdown.CONDITION, Breakdown.SEQUENCE), tuple(Figure)),
}
"""Which figures make sense by what: an email has no leads."""
