"""Signing in and out, and giving the password once more before something dangerous."""

from __future__ import annotations

from starlette.responses import Response

from worker.console import cookie
from worker.console.routes import Open, act, page
from worker.console.visit import Visit
from worker.storage import staff
from worker.usecases.staff.sign_in import prove, sign_in, sign_out

_WRONG = "That did not work. Look at the name, the password and the code; after several wrong tries, wait some minutes."
_TOO_MANY = "There were many wrong tries from your network. Please wait a quarter of an hour."


def _show(visit: Visit) -> Response:
    if visit.session is not None:
        return visit.go_to("/")
    with visit.services.database.read() as connection:
        if not staff.has_admin(connection):
            return visit.page("closed.html", 403)
    return _form(visit)


def _sign_in(visit: Visit) -> Response:
    means = visit.means
    if not means.may_try(visit.client):
        return _form(visit, 429, _TOO_MANY)
    token = sign_in(
        means.services,
        visit.typed("name").casefold(),
        visit.secret("password"),
        visit.typed("code"),
        needs_code=means.needs_codes,
    )
    if token is None:
        means.note_wrong_try(visit.client)
        return _form(visit, 403, _WRONG)
    answer = visit.go_on()
    cookie.give(answer, token, is_https=means.is_https)
    return answer


def _form(visit: Visit, status: int = 200, problem: str = "") -> Response:
    return visit.page("sign_in.html", status, problem=problem, next=visit.typed("next"))


def _sign_out(visit: Visit) -> Response:
    sign_out(visit.services, visit.me, only=visit.me.id)
    answer = visit.go_to("/sign-in")
    cookie.give(answer, cookie.fresh(), is_https=visit.means.is_https)
    return answer


def _show_prove(visit: Visit) -> Response:
    return visit.page("prove.html", problem="", next=visit.typed("next"))


def _prove(visit: Visit) -> Response:
    if prove(visit.services, visit.me, visit.secret("password")):
        return visit.go_on()
    problem = "That is not your password; after several wrong tries, wait some minutes."
    return visit.page("prove.html", 403, problem=problem, next=visit.typed("next"))


ROUTES = (
    page("/sign-in", Open.TO_ANYONE, _show),
    act("/sign-in", Open.TO_ANYONE, _sign_in),
    act("/sign-out", Open.TO_STAFF, _sign_out),
    page("/prove", Open.TO_STAFF, _show_prove),
    act("/prove", Open.TO_STAFF, _prove),
)
