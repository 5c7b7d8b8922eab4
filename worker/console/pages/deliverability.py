"""How our emails are received, whom we must not write to, and what the doctor finds when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from worker.console.routes import act, page
from worker.console.visit import Visit
from worker.domain.staff import Permission
from worker.domain.tallies import Figure
from worker.errors import UnusableContact
from worker.usecases.reports.deliverability import DAYS, look_up_suppressions, read_deliverability

_SHOWN = {
    Figure.SENT: "Sent",
    Figure.DELIVERED: "Delivered",
    Figure.BOUNCED: "Bounced",
    Figure.HARD_BOUNCED: "For good",
    Figure.COMPLAINED: "Complaints",
    Figure.UNSUBSCRIBED: "Unsubscribes",
}


def _show(visit: Visit) -> Response:
    return _render(visit)


def _look_up(visit: Visit) -> Response:
    try:
        found = look_up_suppressions(visit.services, visit.typed("address"), visit.me.name)
    except UnusableContact:
        return _render(visit, 422, problem="Please type one whole email address.")
    return _render(visit, found=found)


def _render(
    visit: Visit, status: int = 200, *, problem: str = "", found: Sequence[Mapping[str, Any]] | None = None
) -> Response:
    return visit.page(
        "deliverability.html",
        status,
        how=read_deliverability(visit.services),
        days=DAYS,
        figures=_SHOWN,
        sent=Figure.SENT,
        delivered=Figure.DELIVERED,
        provider=visit.services.provider.name,
        problem=problem,
        found=found,
    )


def _examine(visit: Visit) -> Response:
    return visit.page("doctor.html", findings=visit.means.examine())


ROUTES = (
    page("/deliverability", Permission.SEE_LEADS, _show, nav="Deliverability"),
    act("/deliverability", Permission.SEE_LEADS, _look_up),
    page("/deliverability/doctor", Permission.OPERATE, _examine),
)
