"""What is planned: the next thirty days as a calendar, and each day as a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from starlette.responses import Response

from worker.console.routes import page
from worker.console.visit import Visit
from worker.console.weeks import weeks_of
from worker.domain.staff import Permission
from worker.errors import NotFound
from worker.usecases.health.upcoming import read_day, read_upcoming
from worker.usecases.sending.switch import LOCATIONS, read_switch

_NEEDS = Permission.SEE_LEADS
_SHOWN = 200


def _show(visit: Visit) -> Response:
    names, sequences = visit.look.names(), read_switch(visit.services).sequences
    location, sequence = _filter(visit, sequences)
    with visit.services.database.read() as connection:
        found = read_upcoming(connection, location=location, sequence=sequence)
    return visit.page(
        "upcoming.html",
        found=found,
        weeks=weeks_of(found.days),
        busiest=max((day.count for day in found.days), default=0),
        location=location,
        sequence=sequence,
        locations=[(name, names.place(name)) for name in LOCATIONS],
        sequences=[(name, names.sequence(name)) for name in sequences],
    )


def _day(visit: Visit) -> Response:
    try:
        day = date.fromisoformat(visit.path["day"])
    except ValueError:
        raise NotFound("there is no such day") from None
    location, sequence = _filter(visit, read_switch(visit.services).sequences)
    email = visit.typed("email") or None
    with visit.services.database.read() as connection:
        planned = read_day(connection, day, _SHOWN + 1, location=location, sequence=sequence, email=email)
    return visit.page("upcoming_day.html", day=day, planned=planned[:_SHOWN], has_more=len(planned) > _SHOWN)


def _filter(visit: Visit, sequences: Sequence[str]) -> tuple[str | None, str | None]:
    """What the address asks for, as far as it names something."""
    location, sequence = visit.typed("location"), visit.typed("sequence")
    return location if location in LOCATIONS else None, sequence if sequence in sequences else None


ROUTES = (
    page("/upcoming", _NEEDS, _show, nav="Upcoming"),
    page("/upcoming/{day}", _NEEDS, _day),
)
