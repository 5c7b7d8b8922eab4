"""Who gets past: asked before any page's function runs, in this order.

0. Someone who follows a link from elsewhere (an alert, say) is asked to come in: browsers keep a strict cookie to
   themselves on the first step, and without this they would seem signed out.
1. A post comes from a form of ours: the browser says so, and the form carries what only its cookie gives.
2. Whoever asks is signed in, unless the route is open to anyone.
3. Their role may do it.
4. What is dangerous wants the password again, when it was given more than minutes ago.
"""

from __future__ import annotations

import hmac
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from worker.console import words
from worker.console.routes import Open, Route
from worker.console.studio.headers import comes_from_elsewhere
from worker.console.visit import Visit
from worker.domain.staff import Permission, may, roles_that_may
from worker.storage import staff


class Verdict(StrEnum):
    """What the gate says."""

    PASS = "pass"
    FORGED = "forged"
    CLOSED = "closed"
    COMES_BY_A_LINK = "comes_by_a_link"
    SIGN_IN = "sign_in"
    FORBIDDEN = "forbidden"
    PROVE = "prove"


def ask(route: Route, visit: Visit, request: Request) -> Verdict:
    """The verdict on one request."""
    if route.method == "POST" and not _is_our_form(visit, request):
        return Verdict.FORGED
    if visit.is_new and route.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        return Verdict.COMES_BY_A_LINK
    if route.needs is Open.TO_ANYONE:
        return Verdict.PASS
    if visit.session is None:
        return _for_strangers(visit)
    if isinstance(route.needs, Permission) and not may(visit.session.role, route.needs):
        return Verdict.FORBIDDEN
    if route.is_dangerous and not visit.session.is_proved:
        return Verdict.PROVE
    return Verdict.PASS


def turn_away(verdict: Verdict, route: Route, visit: Visit, request: Request) -> Response:
    """The answer to whoever does not pass."""
    if verdict in {Verdict.FORGED, Verdict.SIGN_IN} and (path := _written_in(route, visit, request)):
        return visit.page("kept.html", 403, path=path)  # also to a part of the page: its script says so, and stays
    if verdict is Verdict.FORGED:
        return visit.page("problem.html", 403, title="This form has grown old", detail=(
            "Nothing was changed. Please go back, load the page anew, and try again."))  # fmt: skip
    if verdict is Verdict.CLOSED:
        return visit.page("closed.html", 403)
    if verdict is Verdict.COMES_BY_A_LINK:
        return HTMLResponse(visit.look.render("come_in.html", None, {"visit": visit, "to": visit.address}))
    if verdict is Verdict.FORBIDDEN:
        return _forbidden(route, visit)
    path = "/prove" if verdict is Verdict.PROVE else "/sign-in"
    answer = visit.go_to(path, next=visit.address)
    if "hx-request" in request.headers:  # a part of a page can't hold the sign-in page: the whole one goes there
        answer.status_code = 200
        answer.headers["HX-Redirect"] = answer.headers["location"]
        del answer.headers["location"]
    return answer


def _written_in(route: Route, visit: Visit, request: Request) -> str:
    """The file that somebody was writing when they were signed out: what they wrote is shown, to be saved again."""
    is_kept = route.keeps_words and not comes_from_elsewhere(request) and visit.typed("text")
    return visit.path["path"] if is_kept else ""


def _for_strangers(visit: Visit) -> Verdict:
    with visit.services.database.read() as connection:
        if not staff.has_admin(connection):
            return Verdict.CLOSED
    return Verdict.SIGN_IN


def _is_our_form(visit: Visit, request: Request) -> bool:
    return not comes_from_elsewhere(request) and hmac.compare_digest(visit.typed("csrf").encode(), visit.csrf.encode())


def _forbidden(route: Route, visit: Visit) -> Response:
    needs = route.needs
    if not isinstance(needs, Permission):
        raise TypeError("only a permission can be missing")
    allowed = words.listed([words.ROLES[role].lower() for role in roles_that_may(needs)], "or")
    detail = f"To {words.PERMISSIONS[needs]}, one is {allowed}. An admin can change your role."
    return visit.page("problem.html", 403, title="Your role does not include this", detail=detail)
