"""Other systems that are told what happens: who, how they do, and every act on them. For admins, password again.

A secret is shown once, on the page that made it; an address never, but for its host.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from starlette.responses import Response

from worker.console.endpoint_words import answered
from worker.console.routes import Route, dangerous, page
from worker.console.visit import Visit
from worker.console.words import plural
from worker.domain.outgoing_events import Tell
from worker.domain.redelivery import Fate
from worker.domain.staff import Permission
from worker.errors import Refused
from worker.storage.endpoints import EndpointKind
from worker.usecases.webhooks import manage
from worker.usecases.webhooks.list_endpoints import Endpoint, find_endpoint, list_endpoints
from worker.usecases.webhooks.manage import ALERT_EVENTS, LEAD_EVENTS, OLD_SECRET_LASTS, Agreement
from worker.usecases.webhooks.replay_untold import replay_untold

_OFFERED = (*LEAD_EVENTS, ALERT_EVENTS)
_NEEDS = Permission.MANAGE_ENDPOINTS


def _show(visit: Visit) -> Response:
    return visit.page("webhooks.html", endpoints=list_endpoints(visit.services), answered=answered)


def _ask_add(visit: Visit) -> Response:
    return _add_page(visit, 200, "")


def _add(visit: Visit) -> Response:
    events = [event for event in visit.chosen("events") if event in _OFFERED]
    try:
        endpoint_id, secret = manage.add_endpoint(
            visit.services, visit.typed("name"), visit.typed("url"), events, _agreement(visit), visit.me.name
        )
    except Refused as error:
        return _add_page(visit, 422, f"{error}.")
    return _secret_page(visit, endpoint_id, secret)


def _add_page(visit: Visit, status: int, problem: str) -> Response:
    terms = _typed(visit) if problem else {"chosen": LEAD_EVENTS, "told": (), "agreed_by": "", "agreed_on": ""}
    return visit.page("webhook_add.html", status, events=_OFFERED, problem=problem, **terms)


def _typed(visit: Visit) -> dict[str, Any]:
    """What it is to be told, as it was typed, to be shown again."""
    return {
        "chosen": visit.chosen("events"),
        "told": visit.chosen("tells"),
        "agreed_by": visit.typed("agreed_by"),
        "agreed_on": visit.typed("agreed_on"),
    }


def _agreement(visit: Visit) -> Agreement:
    """The agreement that was typed. Raises Refused."""
    tells = frozenset(Tell(tell) for tell in visit.chosen("tells") if tell in set(Tell))
    return Agreement(tells=tells, by=visit.typed("agreed_by"), on=_day(visit.typed("agreed_on")))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused("the day of the agreement is none; write it as 2026-01-05") from None


def _ask_one(visit: Visit) -> Response:
    endpoint = find_endpoint(visit.services, visit.path["id"])
    return visit.page("webhook.html", one=endpoint, answered=answered, is_crm=endpoint.kind != EndpointKind.WEBHOOK)


def _act(visit: Visit) -> Response:
    """The button that was pressed says what to do."""
    acts = {"test": _test, "pause": _pause, "resume": _resume, "replay": _replay, "rotate": _rotate}
    act = acts.get(visit.typed("do"))
    if act is None:
        raise Refused("the form did not say what to do; press one of its buttons")
    return act(visit, visit.path["id"])


def _test(visit: Visit, endpoint_id: str) -> Response:
    told = manage.try_endpoint(visit.services, endpoint_id)
    said = "It took the test event" if told.fate is Fate.TAKEN else "It did not take the test event"
    return _back(visit, f"{said}: {answered(told.code)}.")


def _pause(visit: Visit, endpoint_id: str) -> Response:
    manage.pause_endpoint(visit.services, endpoint_id, visit.me.name)
    return _back(visit, "Paused. What happens meanwhile waits for it.")


def _resume(visit: Visit, endpoint_id: str) -> Response:
    manage.resume_endpoint(visit.services, endpoint_id, visit.me.name)
    return _back(visit, "Resumed. What waits goes out now.")


def _replay(visit: Visit, endpoint_id: str) -> Response:
    again, left = replay_untold(visit.services, endpoint_id, visit.me.name)
    stays = f" {plural(left, 'event')} stayed parked: resume it first." if left else ""
    return _back(visit, f"{plural(again, 'parked event')} will be told again.{stays}")


def _rotate(visit: Visit, endpoint_id: str) -> Response:
    token = visit.typed("token") or None
    secret = manage.rotate_secret(visit.services, endpoint_id, visit.me.name, token)
    if token:
        return _back(visit, "The new token is used from now on.")
    return _secret_page(visit, endpoint_id, secret, hours=int(OLD_SECRET_LASTS.total_seconds() // 3600))


def _secret_page(visit: Visit, endpoint_id: str, secret: str, hours: int = 0) -> Response:
    return visit.page("webhook_secret.html", endpoint_id=endpoint_id, secret=secret, hours=hours)


def _back(visit: Visit, notice: str) -> Response:
    return visit.go_to(f"/webhooks/{visit.path['id']}", notice)


def _ask_change(visit: Visit) -> Response:
    return _change_page(visit, find_endpoint(visit.services, visit.path["id"]), 200, "")


def _change(visit: Visit) -> Response:
    one = find_endpoint(visit.services, visit.path["id"])
    offered = _events_for(one)
    events = [event for event in visit.chosen("events") if event in offered] if offered else None
    try:
        manage.change_endpoint(visit.services, one.id, visit.me.name, events=events, agreement=_agreement(visit))
    except Refused as error:
        return _change_page(visit, one, 422, f"{error}.")
    return _back(visit, "Changed. It is told so from now on.")


def _change_page(visit: Visit, one: Endpoint, status: int, problem: str) -> Response:
    now = {"chosen": one.events, "told": one.tells, "agreed_by": one.agreed_by or "", "agreed_on": one.agreed_on or ""}
    terms = _typed(visit) if problem else now
    return visit.page("webhook_change.html", status, one=one, events=_events_for(one), problem=problem, **terms)


def _events_for(one: Endpoint) -> Sequence[str]:
    """What it may be told of: what is offered, and what it was given on the command line. None for a CRM to choose."""
    if one.kind != EndpointKind.WEBHOOK:
        return ()
    return (*_OFFERED, *(event for event in one.events if event not in _OFFERED))


def _ask_remove(visit: Visit) -> Response:
    return visit.page("webhook_remove.html", one=find_endpoint(visit.services, visit.path["id"]))


def _remove(visit: Visit) -> Response:
    untold = manage.remove_endpoint(visit.services, visit.path["id"], visit.me.name)
    return visit.go_to("/webhooks", f"Removed. {plural(untold, 'event')} will not be told any more.")


ROUTES: tuple[Route, ...] = (
    page("/webhooks", _NEEDS, _show, nav="Webhooks"),
    *dangerous("/webhooks/add", _NEEDS, ask=_ask_add, do=_add),
    *dangerous("/webhooks/{id}", _NEEDS, ask=_ask_one, do=_act),
    *dangerous("/webhooks/{id}/change", _NEEDS, ask=_ask_change, do=_change),
    *dangerous("/webhooks/{id}/remove", _NEEDS, ask=_ask_remove, do=_remove),
)
