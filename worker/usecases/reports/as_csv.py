"""A report as a CSV file, with the same numbers kept back: spreadsheets travel further than pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from worker.domain.reports import SHOWN, Cells, Report, is_untold
from worker.domain.tallies import Figure

_HEADINGS = ("from", "to", "at", "by", "name", *(figure.value for figure in Figure))


def as_csv(report: Report) -> str:
    """One row for the whole, for each name of each breakdown, and for each span of time. Empty: makes no sense here, or
    nobody reports it."""
    told = tuple(figure for figure in Figure if not is_untold(report.total, figure))
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(_HEADINGS)
    at = report.location.value if report.location else "everywhere"
    span = (report.first.isoformat(), report.last.isoformat())
    rows.writerow([*span, at, "total", "", *_cells(report.total, told)])
    for by, lines in report.lines.items():
        for line in lines:
            shown = [figure for figure in SHOWN[by] if figure in told]
            rows.writerow([*span, at, by.value, line.name, *_cells(line.cells, shown)])
    for part in report.trend:
        dates = (part.first.isoformat(), part.last.isoformat())
        rows.writerow([*dates, at, "time", "", *_cells(part.cells, told)])
    return out.getvalue()


def _cells(cells: Cells, shown: Sequence[Figure]) -> list[str]:
    return [str(cells[figure]) if figure in shown else "" for figure in Figure]
