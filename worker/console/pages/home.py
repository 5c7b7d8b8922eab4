"""How it is: one sentence, then each queue, the sends, the workers. It refreshes itself every few seconds."""

from __future__ import annotations

from starlette.responses import Response

from worker.console.routes import fragment, page
from worker.console.visit import Visit
from worker.domain.staff import Permission
from worker.usecases.health.overview import Overview, read_overview


def _show(visit: Visit) -> Response:
    return visit.page("home.html", overview=_overview(visit))


def _live(visit: Visit) -> Response:
    return visit.page("home_live.html", overview=_overview(visit))


def _overview(visit: Visit) -> Overview:
    return read_overview(visit.services, visit.means.broker, visit.means.spool)


ROUTES = (
    page("/", Permission.SEE_HEALTH, _show, nav="Home"),
    fragment("/live", Permission.SEE_HEALTH, _live),
)
