"""A calendar's days in rows from Monday to Sunday."""

from __future__ import annotations

from collections.abc import Sequence

from worker.usecases.health.upcoming import Day


def weeks_of(days: Sequence[Day]) -> list[list[Day | None]]:
    """The days in rows, with gaps before the first and after the last."""
    cells: list[Day | None] = [*([None] * days[0].day.weekday()), *days]
    cells += [None] * (-len(cells) % 7)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]
