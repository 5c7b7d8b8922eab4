"""How it is: one sentence, then each queue."""

from __future__ import annotations

from starlette.responses import Response

from worker.console.routes import fragment, page
from worker.console.visit import Visit
from worker.domain.staff import Permission
from worker.usecases.status import read_status


def _show(visit: Visit) -> Response:
    return visit.page("home.html", status=_status(visit))


def _live(visit: Visit) -> Response:
    return visit.page("home_live.html", status=_status(visit))


def _status(visit: Visit) -> object:
    means = visit.means
    return read_status(means.services.database, means.broker, means.spool)


ROUTES = (
    page("/", Permission.SEE_HEALTH, _show, nav="Home"),
    fragment("/live", Permission.SEE_HEALTH, _live),
)
