"""The big switch: stop everything, a location, a sequence or the work of a queue, with a reason and an end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from starlette.responses import Response

from worker.console.names import Names
from worker.console.routes import Route, act, dangerous, page
from worker.console.visit import Visit
from worker.console.words import plural
from worker.domain.staff import Permission
from worker.queues import QueueName
from worker.usecases.sending import pausing
from worker.usecases.sending.epoch import confirm_epoch
from worker.usecases.sending.switch import LOCATIONS, Switch, read_switch, scope_of

_NEEDS = Permission.OPERATE

LASTS: Mapping[str, tuple[str, timedelta | None]] = {
    "": ("until someone resumes", None),
    "30m": ("for 30 minutes", timedelta(minutes=30)),
    "2h": ("for 2 hours", timedelta(hours=2)),
    "1d": ("for a day", timedelta(days=1)),
    "3d": ("for 3 days", timedelta(days=3)),
}


def _show(visit: Visit, problem: str = "") -> Response:
    switch = read_switch(visit.services)
    return visit.page(
        "pauses.html",
        422 if problem else 200,
        switch=switch,
        scopes=_scopes(visit.look.names(), switch),
        lasts=[(code, words) for code, (words, _) in LASTS.items()],
        problem=problem,
    )


def _pause(visit: Visit) -> Response:
    found = scope_of(visit.typed("what"), read_switch(visit.services).sequences)
    reason, lasts = visit.typed("reason"), LASTS.get(visit.typed("lasts"))
    if not reason:
        return _show(visit, "Please say why: everyone who asks will see it.")
    if found is None or lasts is None:
        return _show(visit, "Please choose what to pause, and for how long.")
    scope, value = found
    pausing.pause(visit.services, scope, value, reason, visit.me.name, lasts[1])
    return visit.go_to("/pauses", f"Paused: {visit.look.names().paused(scope, value)}, {lasts[0]}.")


def _resume(visit: Visit) -> Response:
    found = scope_of(visit.typed("what"), [visit.typed("what").partition(":")[2]])
    if found is None:
        return _show(visit, "This is no longer paused.")
    scope, value = found
    released = pausing.resume(visit.services, scope, value, visit.me.name)
    went_on = f"{plural(released, 'held email')} will go out at the next decent hour"
    return visit.go_to("/pauses", f"Resumed: {visit.look.names().paused(scope, value)}. {went_on}.")


def _ask_confirm(visit: Visit) -> Response:
    return visit.page("pauses_confirm.html", switch=read_switch(visit.services))


def _confirm(visit: Visit) -> Response:
    released = confirm_epoch(visit.services, visit.me.name)
    return visit.go_to("/pauses", f"Confirmed: this database sends. {plural(released, 'held email')} will go on.")


def _scopes(names: Names, switch: Switch) -> list[tuple[str, str]]:
    """The choices of the form, from the widest to the narrowest."""
    return [
        ("", "Choose …"),
        ("all", "Everything"),
        *((f"location:{name}", f"Location: {names.place(name)}") for name in LOCATIONS),
        *((f"sequence:{name}", f"Sequence: {names.sequence(name)}") for name in switch.sequences),
        *((f"queue:{name}", f"Work of the queue: {name}") for name in QueueName),
    ]


ROUTES: tuple[Route, ...] = (
    page("/pauses", _NEEDS, _show, nav="Pauses"),
    act("/pauses/add", _NEEDS, _pause),
    act("/pauses/lift", _NEEDS, _resume),
    *dangerous("/pauses/confirm", _NEEDS, ask=_ask_confirm, do=_confirm),
)
