"""Who did what, on what, from where and why. To be read only."""

from __future__ import annotations

from datetime import datetime, timedelta

from starlette.responses import Response

from worker.console.routes import page
from worker.console.visit import Visit
from worker.domain.staff import Permission
from worker.storage import audit, installation
from worker.storage.audit import Wanted

_ON_A_PAGE = 50
_SINCE = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}


def _show(visit: Visit) -> Response:
    number = int(visit.typed("page")) if visit.typed("page").isdigit() else 1
    number = min(max(number, 1), 10_000)
    with visit.services.database.read() as connection:
        wanted = _wanted(visit, installation.product_now(connection))
        found = audit.search(connection, wanted, _ON_A_PAGE + 1, (number - 1) * _ON_A_PAGE)
        kinds = audit.kinds(connection)
    return visit.page(
        "audit.html",
        entries=found[:_ON_A_PAGE],
        has_more=len(found) > _ON_A_PAGE,
        number=number,
        kinds=kinds,
        query={name: visit.typed(name) for name in ("by", "kind", "about", "since")},
    )


def _wanted(visit: Visit, now: datetime) -> Wanted:
    length = _SINCE.get(visit.typed("since"))
    return Wanted(
        by=visit.typed("by"),
        kind=visit.typed("kind"),
        about=visit.typed("about"),
        since=now - length if length else None,
    )


ROUTES = (page("/audit", Permission.SEE_AUDIT, _show, nav="Audit"),)
