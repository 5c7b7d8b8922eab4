"""A report as a CSV file, with the same numbers kept back: spreadsheets travel further than pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from worker.domain.reports import SHOWN, Cells, Report
from worker.domain.tallies import Figure

_HEADINGS = ("from", "to", "at", "by", "name", *(figure.value for figure in Figure))


def as_csv(report: Report) -> str:
    """One row for the whole, for each name of each breakdown, and for each span of time. Empty: makes no sense here."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(_HEADINGS)
    at = report.location.value if report.location else "everywhere"
    span = (report.first.isoformat(), report.last.isoformat())
    rows.writerow([*span, at, "total", "", *_cells(report.total, tuple(Figure))])
    for by, lines in report.lines.items():
        for line in lines:
            rows.writerow([*span, at, by.value, line.name, *_cells(line.cells, SHOWN[by])])
    for part in report.trend:
        dates = (part.first.isoformat(), part.last.isoformat())
        rows.writerow([*dates, at, "time", "", *_cells(part.cells, tuple(Figure))])
    return out.getvalue()


def _cells(cells: Cells, shown: Sequence[Figure]) -> list[str]:
    return [str(cells[figure]) if figure in shown else "" for figure in Figure]
