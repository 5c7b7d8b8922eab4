"""What could not be handled, by cause; retried or dismissed as a selection that a person ticked."""

from __future__ import annotations

from starlette.responses import Response

from worker.console.causes import remedy
from worker.console.routes import act, page
from worker.console.visit import Visit
from worker.console.words import plural
from worker.domain.staff import Permission
from worker.domain.waiting_bookings import WAITS_FOR
from worker.errors import NotFound
from worker.storage import parked
from worker.storage.sealing import key_ids_in
from worker.usecases.desk import unpark
from worker.usecases.desk.unpark import Replayed

_NEEDS = Permission.OPERATE
_SHOWN = 200
"""As many as one selection may hold: what is acted on was on the page."""

_SAID = {
    Replayed.DONE: "handled now",
    Replayed.PARKED_AGAIN: "failed again, and still parked",
    Replayed.STILL_SEALED: "still can't be opened: their key is missing",
    Replayed.NOT_OPEN: "were decided by someone else meanwhile",
}


def _show(visit: Visit) -> Response:
    with visit.services.database.read() as connection:
        causes = parked.causes(connection)
        waiting = parked.listed(connection, _SHOWN, parked.WAITING)
    return visit.page("parked.html", causes=causes, remedy=remedy, waiting=waiting, waits_for=WAITS_FOR)


def _cause(visit: Visit, problem: str = "") -> Response:
    kind, code = visit.typed("kind"), visit.typed("code")
    with visit.services.database.read() as connection:
        items = parked.of_cause(connection, kind, code, _SHOWN + 1)
    ticked = [item["id"] for item in items] if visit.typed("all") else visit.chosen("ids")
    return visit.page(
        "parked_cause.html",
        422 if problem else 200,
        kind=kind,
        code=code,
        items=items[:_SHOWN],
        ticked=ticked,
        has_more=len(items) > _SHOWN,
        remedy=remedy(kind, code),
        problem=problem,
    )


def _item(visit: Visit) -> Response:
    with visit.services.database.read() as connection:
        item = parked.by_id(connection, visit.path["id"])
    if item is None:
        raise NotFound("there is no parked item of this id")
    sealed_with = ", ".join(key_ids_in(item["sealed"] or "")) or "nothing that can be read"
    return visit.page("parked_item.html", item=item, remedy=remedy(item["kind"], item["code"]), sealed_with=sealed_with)


def _decide(visit: Visit) -> Response:
    """The button that was pressed says what to do with the ticked items."""
    ids, reason = visit.chosen("ids")[:_SHOWN], visit.typed("reason")
    if not ids:
        return _cause(visit, "Nothing is ticked.")
    if visit.typed("do") == "dismiss":
        if not reason:
            return _cause(visit, "Please say why they are dismissed; it is kept.")
        done = unpark.dismiss_all(visit.services, ids, visit.me.name, reason)
        return visit.go_to("/parked", f"{plural(done, 'item')} dismissed.")
    counts = unpark.replay_all(visit.services, ids, visit.me.name)
    return visit.go_to("/parked", "; ".join(f"{count} {_SAID[what]}" for what, count in counts.items()) + ".")


ROUTES = (
    page("/parked", _NEEDS, _show, nav="Parked"),
    page("/parked/cause", _NEEDS, _cause),
    page("/parked/items/{id}", _NEEDS, _item),
    act("/parked/decide", _NEEDS, _decide),
)
