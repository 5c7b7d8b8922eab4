"""The front desk: who may be in danger, what was set aside, and who waits for an answer, the longest first."""

from __future__ import annotations

from starlette.responses import Response

from worker.console import lead_words
from worker.console.routes import act, fragment, page
from worker.console.visit import Visit
from worker.domain.events import LeadEvent
from worker.domain.leads import Location
from worker.domain.staff import Permission
from worker.usecases.desk.acknowledge import acknowledge
from worker.usecases.desk.front_desk import read_front_desk
from worker.usecases.events.record_event import record_event

_SHOWN = 50
"""So that the page stays small; whoever waits longest comes first anyway."""


def _show(visit: Visit) -> Response:
    return _render(visit, "front_desk.html")


def _live(visit: Visit) -> Response:
    return _render(visit, "front_desk_live.html")


def _render(visit: Visit, template: str) -> Response:
    location = _location(visit)
    desk = read_front_desk(visit.services, _SHOWN + 1, location)
    zones = {one.value: desk.clinic.calendar(one).zone for one in Location}
    return visit.page(template, desk=desk, shown=_SHOWN, location=location or "", say=lead_words, zones=zones)


def _called(visit: Visit) -> Response:
    record_event(visit.services, visit.path["id"], LeadEvent.CONTACTED, visit.me.name)
    return visit.go_to("/front-desk", "Noted: someone called them. They wait no more.", location=_location(visit) or "")


def _acknowledge(visit: Visit) -> Response:
    acknowledge(visit.services, visit.path["id"], visit.me.name)
    notice = "You have it. Staff are not called any more; their emails stay held until someone releases them."
    return visit.go_to("/front-desk", notice, location=_location(visit) or "")


def _location(visit: Visit) -> Location | None:
    wanted = visit.typed("location")
    return Location(wanted) if wanted in set(Location) else None


ROUTES = (
    page("/front-desk", Permission.SEE_LEADS, _show, nav="Front desk"),
    fragment("/front-desk/live", Permission.SEE_LEADS, _live),
    act("/front-desk/{id}/called", Permission.ACT_ON_LEADS, _called),
    act("/front-desk/{id}/acknowledge", Permission.ACT_ON_LEADS, _acknowledge),
)
