"""Reports: how many wrote, were answered, booked and were mailed; as tables with pictures, and as a file."""

from __future__ import annotations

from starlette.responses import Response

from worker.console import report_words
from worker.console.lead_words import LOCATIONS
from worker.console.routes import page
from worker.console.visit import Visit
from worker.domain.leads import Location
from worker.domain.reports import Breakdown
from worker.domain.staff import Permission
from worker.domain.tallies import Figure
from worker.usecases.reports.as_csv import as_csv
from worker.usecases.reports.read_report import Read, read_report

_PERIODS = {"30": "last 30 days", "90": "last 90 days", "365": "last 12 months"}


def _show(visit: Visit) -> Response:
    read = _read(visit)
    return visit.page(
        "reports.html",
        report=read.report,
        freshness=read.freshness,
        say=report_words,
        figures=Figure,
        breakdowns=list(Breakdown),
        days=_days(visit),
        periods=list(_PERIODS.items()),
        places=[(one.value, LOCATIONS[one]) for one in Location],
    )


def _file(visit: Visit) -> Response:
    report = _read(visit).report
    name = f"report-{report.first}-{report.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(as_csv(report), media_type="text/csv; charset=utf-8", headers=headers)


def _read(visit: Visit) -> Read:
    wanted = visit.typed("location")
    return read_report(visit.services, int(_days(visit)), Location(wanted) if wanted in set(Location) else None)


def _days(visit: Visit) -> str:
    wanted = visit.typed("days")
    return wanted if wanted in _PERIODS else next(iter(_PERIODS))


ROUTES = (
    page("/reports", Permission.SEE_LEADS, _show, nav="Reports"),
    page("/reports/file", Permission.EXPORT_REPORTS, _file),
)
