"""The sequences as they are sent now: who is in them and why, how far they have come, and what is planned."""

from __future__ import annotations

from starlette.responses import Response

from worker.console.routes import page
from worker.console.studio import words
from worker.console.studio.views.audience import asked_first, people_of
from worker.console.studio.views.timeline import timeline
from worker.console.visit import Visit
from worker.console.weeks import weeks_of
from worker.domain.staff import Permission
from worker.usecases.content.sequence_page import Stage, published, read_sequence

_STAGES = {
    Stage.WAITING: "wait for it",
    Stage.SENT: "got it",
    Stage.DELIVERED: "known to have arrived",
    Stage.BOOKED: "booked before it",
    Stage.LEFT: "left before it",
}


def _list(visit: Visit) -> Response:
    catalog = published(visit.services).catalog
    found = sorted(catalog.sequences.values(), key=lambda sequence: sequence.name.casefold())
    rows = [
        (one, [(words.LOCATIONS[at], len(one.plan_for(at).steps)) for at in words.in_order(one.locations)])
        for one in found
    ]
    return visit.page("sequences.html", rows=rows)


def _show(visit: Visit) -> Response:
    sees_people = visit.may(Permission.SEE_LEADS)
    found = read_sequence(visit.services, visit.path["id"], visit.typed("location"), sees_people=sees_people)
    people, because = people_of(found.renderer.catalog, found.sequence, found.location)
    days = found.upcoming.days if found.upcoming else ()
    return visit.page(
        "sequence.html",
        found=found,
        stops=timeline(found.renderer, found.sequence, found.location, None),
        stages=_STAGES,
        planned=Stage.PLANNED,
        people=people,
        because=because,
        asked=asked_first(found.renderer.catalog, found.sequence, found.location),
        places=[(at, words.LOCATIONS[at]) for at in words.in_order(found.sequence.locations)],
        weeks=weeks_of(days) if days else [],
        busiest=max((day.count for day in days), default=0),
    )


ROUTES = (
    page("/sequences", Permission.SEE_CONTENT, _list, nav="Sequences"),
    page("/sequences/{id}", Permission.SEE_CONTENT, _show),
)
