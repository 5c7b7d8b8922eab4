"""How it is: one sentence, then each queue, the sends, the workers. It refreshes itself every few seconds.

Whoever writes the emails, and does not run the machine, finds their own work before it.
"""

from __future__ import annotations

from starlette.responses import Response

from worker.console.routes import fragment, page
from worker.console.studio.words import day
from worker.console.visit import Visit
from worker.domain.staff import Permission
from worker.usecases.content.editorial import read_editorial
from worker.usecases.health.overview import Overview, read_overview


def _show(visit: Visit) -> Response:
    writes = visit.may(Permission.EDIT_CONTENT) and not visit.may(Permission.OPERATE)
    editorial = read_editorial(visit.services, visit.means.desk, visit.me.name) if writes else None
    return visit.page("home.html", overview=_overview(visit), editorial=editorial, day=day)


def _live(visit: Visit) -> Response:
    return visit.page("home_live.html", overview=_overview(visit))


def _overview(visit: Visit) -> Overview:
    return read_overview(visit.services, visit.means.broker, visit.means.spool)


ROUTES = (
    page("/", Permission.SEE_HEALTH, _show, nav="Home"),
    fragment("/live", Permission.SEE_HEALTH, _live),
)
