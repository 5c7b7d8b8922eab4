"""All leads, newest first, and the search: what is typed is posted, so that no address stands in an address bar."""

from __future__ import annotations

from operator import itemgetter

from starlette.responses import Response

from worker.console import lead_words
from worker.console.routes import act, page
from worker.console.visit import Visit
from worker.content.catalog import Catalog
from worker.domain.leads import Condition, Location
from worker.domain.staff import Permission
from worker.storage import leads
from worker.storage.lead_list import FILTERS, Mark, read_page
from worker.usecases.desk.find_lead import search

_SHOWN = 50


def _show(visit: Visit) -> Response:
    return _list(visit)


def _list(visit: Visit, status: int = 200, problem: str = "") -> Response:
    wanted = {name: visit.query[name] for name in FILTERS if visit.query.get(name)}
    services = visit.services
    with services.database.read() as connection:
        _, renderer = services.content.renderer(connection)
        found = read_page(connection, wanted, Mark.read(visit.query.get("after", "")), _SHOWN)
    return visit.page(
        "leads.html",
        status,
        found=found,
        wanted=wanted,
        say=lead_words,
        problem=problem,
        choices=_choices(renderer.catalog),
    )


def _choices(catalog: Catalog) -> dict[str, list[tuple[str, str]]]:
    """What each filter offers, in words."""
    return {
        "location": [(one.value, lead_words.LOCATIONS[one]) for one in Location],
        "condition": [(one.value, lead_words.CONDITIONS[one]) for one in Condition],
        "sequence": sorted(((one.id, one.name) for one in catalog.sequences.values()), key=itemgetter(1)),
        "status": list(lead_words.STATUS.items()),
    }


def _search(visit: Visit) -> Response:
    services = visit.services
    found = search(services, visit.typed("wanted"), visit.me.name, _SHOWN)
    if len(found) == 1:
        return visit.go_to(f"/leads/{found[0]}")
    if not found:
        return _list(visit, 404, "No lead has this id, reference, email or phone. It must be typed whole.")
    with services.database.read() as connection:
        rows = leads.by_ids(connection, found)
    return visit.page("lead_choose.html", leads=[rows[lead_id] for lead_id in found], say=lead_words)


ROUTES = (
    page("/leads", Permission.SEE_LEADS, _show, nav="Leads"),
    act("/leads", Permission.SEE_LEADS, _search),
)
