"""`report`: how many wrote, were answered, booked and were mailed; for people, for programs, for spreadsheets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import typer

from worker.cli.common import AsJson, open_services
from worker.cli.output import console, fail, print_facts, print_json, print_table
from worker.domain.leads import Location
from worker.domain.reports import SHOWN, Breakdown, Cells, Report, share, usual_wait
from worker.domain.tallies import Figure
from worker.usecases.reports.as_csv import as_csv
from worker.usecases.reports.read_report import read_report, read_report_of
from worker.usecases.reports.tally import bring_up_to_date
from worker.usecases.services import Services

_ON_A_SCREEN = {
    Figure.LEADS: "leads",
    Figure.ANSWERED_30: "in 30 min",
    Figure.BOOKED: "booked",
    Figure.SENT: "sent",
    Figure.DELIVERED: "delivered",
    Figure.BOUNCED: "bounced",
    Figure.COMPLAINED: "spam",
    Figure.UNSUBSCRIBED: "left",
}
_DAY = "%Y-%m-%d"


def report(
    days: Annotated[int, typer.Option(min=1, max=3660, help="The last so many days, today included.")] = 30,
    first: Annotated[datetime | None, typer.Option("--from", formats=[_DAY], help="Instead: from this day …")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=[_DAY], help="… to this one.")] = None,
    location: Annotated[Location | None, typer.Option(help="Of one location only.")] = None,
    by: Annotated[Breakdown, typer.Option(help="Broken down by what.")] = Breakdown.LOCATION,
    as_a_csv: Annotated[bool, typer.Option("--csv", help="Print everything as a CSV file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Leads, response time, emails and what came back, consultations booked. Numbers under five are not told.

    Each lead counts on the day they first wrote, each email on the day it went out, by the first clinic's calendar.

    Example: nurture report --days 90 --by condition
    """
    if (first is None) != (last is None):
        fail("Give both --from and --to, or --days.")
    with open_services() as services:
        bring_up_to_date(services)
        found = _read(services, days, first and first.date(), last and last.date(), location)
    if as_a_csv:
        sys.stdout.write(as_csv(found))
    elif as_json:
        print_json(_to_json(found))
    else:
        _print(found, by)


def _read(services: Services, days: int, first: date | None, last: date | None, location: Location | None) -> Report:
    if first is None or last is None:
        return read_report(services, days, location).report
    if last < first:
        fail("--to is before --from.")
    return read_report_of(services, first, last, location).report


def _to_json(found: Report) -> dict[str, object]:
    return {
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "location": found.location,
        "total": _cells(found.total, tuple(Figure)),
        "by": {
            by: [{"name": line.name, **_cells(line.cells, SHOWN[by])} for line in lines]
            for by, lines in found.lines.items()
        },
        "trend": [
            {"from": span.first.isoformat(), "to": span.last.isoformat(), **_cells(span.cells, tuple(Figure))}
            for span in found.trend
        ],
    }


def _cells(cells: Cells, shown: Sequence[Figure]) -> dict[str, object]:
    return {figure.value: cells[figure] for figure in shown}


def _print(found: Report, by: Breakdown) -> None:
    shown = [figure for figure in _ON_A_SCREEN if figure in SHOWN[by]]
    rows = [[line.name or "none", *(line.cells[figure] for figure in shown)] for line in found.lines[by]]
    title = f"{found.first} to {found.last}, {found.location or 'all locations'}"
    print_table(title, [by.value, *(_ON_A_SCREEN[figure] for figure in shown)], rows, "Nothing happened in these days.")
    console.print()
    total, wait = found.total, usual_wait(found.total)
    print_facts(
        {
            "leads": total[Figure.LEADS],
            "half were answered within": _wait(wait),
            "booked": _with_share(total, Figure.BOOKED, Figure.LEADS),
            "emails sent": total[Figure.SENT],
            "bounced": _with_share(total, Figure.BOUNCED, Figure.SENT),
            "complaints": _with_share(total, Figure.COMPLAINED, Figure.SENT),
            "unsubscribes": _with_share(total, Figure.UNSUBSCRIBED, Figure.SENT),
        }
    )


def _wait(wait: tuple[int, int | None] | None) -> str:
    if wait is None:
        return "too few to tell"
    low, high = wait
    return f"{low} to {high} min of working time" if high else f"more than {low} min of working time"


def _with_share(cells: Cells, part: Figure, whole: Figure) -> str:
    found = share(cells[part], cells[whole])
    return str(cells[part]) if found is None else f"{cells[part]} ({found:.1%})"
