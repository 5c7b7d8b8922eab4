"""Small numbers in a report: what is under five is not told, nor can it be worked out from what stands beside it.

A count of two people with one condition in one town may be enough to recognise someone. Each row and each column of a
table is protected as if its total were known, since it stands on some other page. Every line is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

SMALLEST = 5
"""The smallest number but zero that is told."""


class Hidden(StrEnum):
    """Why a number is not told."""

    FEW = "<5"
    BESIDE = "hidden"
    """It would give a smaller one away."""


Cell = int | Hidden
ALL = None
"""The name of the row, or column, of totals."""

_Place = tuple[Hashable, Hashable]


@dataclass(frozen=True, slots=True)
class _Line:
    cells: Sequence[_Place]
    total: _Place


def protect(counts: Mapping[_Place, int]) -> dict[_Place, Cell]:
    """Counts by row and column, as they may be told, with the totals: `(row, ALL)`, `(ALL, column)`, `(ALL, ALL)`."""
    values = _with_totals(counts)
    hidden: dict[_Place, Hidden] = {place: Hidden.FEW for place, value in values.items() if 0 < value < SMALLEST}
    lines = list(_lines(values))
    while any(_mend(line, values, hidden) for line in lines):
        pass
    return {place: hidden.get(place, value) for place, value in values.items()}


def _with_totals(counts: Mapping[_Place, int]) -> dict[_Place, int]:
    rows = dict.fromkeys(row for row, _ in counts)
    columns = dict.fromkeys(column for _, column in counts)
    values = {(row, column): counts.get((row, column), 0) for row in rows for column in columns}
    for (row, column), value in list(values.items()):
        for place in ((row, ALL), (ALL, column), (ALL, ALL)):
            values[place] = values.get(place, 0) + value
    return values


def _lines(values: Mapping[_Place, int]) -> Iterator[_Line]:
    rows = dict.fromkeys(row for row, _ in values)
    columns = dict.fromkeys(column for _, column in values)
    for row in rows:
        yield _Line([(row, column) for column in columns if column is not ALL], (row, ALL))
    for column in columns:
        yield _Line([(row, column) for row in rows if row is not ALL], (ALL, column))


def _mend(line: _Line, values: Mapping[_Place, int], hidden: dict[_Place, Hidden]) -> bool:
    """Hide one more where what is hidden in this line could be worked out; False where it can't."""
    unknown = [place for place in line.cells if place in hidden]
    if _is_safe(line, unknown, values, hidden):
        return False
    shown = [place for place in line.cells if values[place] and place not in hidden]
    if shown:
        hidden[min(shown, key=lambda place: values[place])] = Hidden.BESIDE
        return True
    few = [place for place in unknown if hidden[place] is Hidden.FEW]
    if len(unknown) == 1:
        hidden[line.total] = Hidden.BESIDE  # it is the same number
    hidden.update(dict.fromkeys(few, Hidden.BESIDE))  # nothing is left to hide behind, but which of them are few
    return True


def _is_safe(
    line: _Line, unknown: Sequence[_Place], values: Mapping[_Place, int], hidden: Mapping[_Place, Hidden]
) -> bool:
    if line.total in hidden:
        return bool(unknown)
    if len(unknown) < 2:
        return not unknown
    few = sum(hidden[place] is Hidden.FEW for place in unknown)
    return _can_be_anything(sum(values[place] for place in unknown), few, len(unknown) - few)


def _can_be_anything(together: int, few: int, others: int) -> bool:
    """True where each of the few (1 to 4) can still be any of these, though their sum with the others is known."""
    most = SMALLEST - 1
    if not few:
        return True
    could_be_most = together >= most + (few - 1) + SMALLEST * others
    could_be_one = bool(others) or together <= 1 + most * (few - 1)
    return could_be_most and could_be_one
