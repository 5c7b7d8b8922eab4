"""Sends whose outcome nobody knows: what the provider says comes first, then a person decides."""

from __future__ import annotations

from starlette.responses import Response

from worker.console.routes import Route, act, dangerous, page
from worker.console.visit import Visit
from worker.domain.staff import Permission
from worker.errors import NotFound, Refused
from worker.usecases.sending.resolve_send import Resolution, resolve_send
from worker.usecases.sending.unknown import UnknownSend, ask_provider, read_unknown

_NEEDS = Permission.OPERATE


def _show(visit: Visit) -> Response:
    return visit.page("unknown.html", found=read_unknown(visit.services))


def _one(visit: Visit, answer: str = "", problem: str = "") -> Response:
    found = read_unknown(visit.services)
    return visit.page(
        "unknown_send.html", 422 if problem else 200, found=found, one=_of(visit), answer=answer, problem=problem
    )


def _ask(visit: Visit) -> Response:
    one = _of(visit)
    return _one(visit, answer="taken" if ask_provider(visit.services, one.send["id"]) else "not_known")


def _decide(visit: Visit) -> Response:
    reason, what = visit.typed("reason"), visit.typed("do")
    if what not in {Resolution.SENT, Resolution.NOT_SENT}:
        raise Refused("the form did not say what to do; press one of its buttons")
    if not reason:
        return _one(visit, problem="Please say how you know; it is kept.")
    resolve_send(visit.services, visit.path["id"], Resolution(what), visit.me.name, reason)
    said = "It counts as sent" if what == Resolution.SENT else "It counts as not sent"
    return visit.go_to("/unknown", f"{said}; the sequence goes on.")


def _ask_resend(visit: Visit, problem: str = "") -> Response:
    return visit.page("unknown_resend.html", 422 if problem else 200, one=_of(visit), problem=problem)


def _resend(visit: Visit) -> Response:
    reason = visit.typed("reason")
    if not reason:
        return _ask_resend(visit, "Please say why it is worth the risk; it is kept.")
    resolve_send(visit.services, visit.path["id"], Resolution.RESEND, visit.me.name, reason)
    return visit.go_to("/unknown", "It will be sent again at the next decent hour.")


def _of(visit: Visit) -> UnknownSend:
    for one in read_unknown(visit.services).sends:
        if one.send["id"] == visit.path["id"]:
            return one
    raise NotFound("its outcome is known by now, or there is no such send")


ROUTES: tuple[Route, ...] = (
    page("/unknown", _NEEDS, _show, nav="Unknown"),
    page("/unknown/{id}", _NEEDS, _one),
    act("/unknown/{id}/ask", _NEEDS, _ask),
    act("/unknown/{id}/decide", _NEEDS, _decide),
    *dangerous("/unknown/{id}/resend", _NEEDS, ask=_ask_resend, do=_resend),
)
