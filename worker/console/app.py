"""The staff console as an application to be mounted at `/console`. Every page is declared in a module of `pages`.

A request passes the gate before its page's function runs, in a thread. What goes wrong is a page of our own,
never an exception's words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from urllib.parse import quote

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route as StarletteRoute

from worker.console import cookie, gate
from worker.console.gate import Verdict
from worker.console.look import BASE, FILES, Look
from worker.console.means import Means
from worker.console.menu import NavItem
from worker.console.pages import (
    account,
    audit,
    deliverability,
    forms,
    front_desk,
    home,
    lead,
    lead_copy,
    lead_rights,
    leads,
    parked,
    pauses,
    quarantine,
    reports,
    sequences,
    sign_in,
    studio,
    studio_edit,
    studio_publish,
    studio_steps,
    unknown,
    upcoming,
    users,
    webhooks,
    welcome,
)
from worker.console.routes import Route
from worker.console.studio.headers import FOR_EVER, PAGE_HEADERS
from worker.console.visit import Visit
from worker.console.words import sentence
from worker.domain.staff import Permission
from worker.errors import ContentInvalid, NotFound, Refused
from worker.storage import timeline
from worker.usecases.staff.sign_in import find_session
from worker.usecases.staff_zone import published_catalog

log = structlog.get_logger()

PAGES: Sequence[ModuleType] = (
    home,
    front_desk,
    leads,
    lead,
    lead_copy,
    lead_rights,
    quarantine,
    upcoming,
    sequences,
    studio,
    studio_edit,
    studio_publish,
    studio_steps,
    parked,
    forms,
    webhooks,
    unknown,
    pauses,
    reports,
    deliverability,
    audit,
    users,
    account,
    sign_in,
    welcome,
)
"""Every module with `ROUTES`, in the order of the navigation."""

ROUTES: tuple[Route, ...] = tuple(route for module in PAGES for route in module.ROUTES)

_LARGEST_FORM = 64 * 1024
_EMPTY = FormData()


def create_console(means: Means) -> Starlette:
    """The application."""
    look = Look(_nav(), lambda: published_catalog(means.services))
    routes = [
        StarletteRoute(route.path, _endpoint(route, means, look), methods=[route.method], name=route.path)
        for route in ROUTES
    ]
    routes.append(StarletteRoute("/static/{name}", _static))

    async def refuse(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return await run_in_threadpool(_refusal, status, request, means, look)

    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse})
    app.router.redirect_slashes = False  # it would send people wherever the Host header says
    return app


def _refusal(status: int, request: Request, means: Means, look: Look) -> Response:
    try:
        return _with_headers(_problem(_visit(request, means, look, _EMPTY, is_use=False), status))
    except SQLAlchemyError as error:
        return _away(error)


def _endpoint(route: Route, means: Means, look: Look) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        form = await _form(request) if route.method == "POST" else _EMPTY
        return await run_in_threadpool(_serve, route, means, look, request, form)

    return answer


async def _form(request: Request) -> FormData:
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _LARGEST_FORM:
        raise HTTPException(413)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise HTTPException(415)
    return await request.form(max_fields=1000)


def _serve(route: Route, means: Means, look: Look, request: Request, form: FormData) -> Response:
    try:
        visit = _visit(request, means, look, form, is_use=not route.refreshes_itself)
    except SQLAlchemyError as error:
        return _away(error)
    try:
        return _with_headers(_answer(route, visit, request))
    except NotFound as error:
        return _with_headers(visit.page("problem.html", 404, title="It is not there", detail=sentence(error)))
    except Refused as error:
        return _with_headers(visit.page("problem.html", 409, title="Not like this", detail=sentence(error)))
    except ContentInvalid as error:
        detail = "; ".join(map(str, error.problems)) or "The files of the draft are not there."
        return _with_headers(visit.page("problem.html", 409, title="The draft can't be read", detail=detail))
    except SQLAlchemyError as error:
        return _away(error)
    except Exception as error:
        log.error("console.failed", exc_info=error)  # noqa: TRY400  # our logger reduces it to type and place
        return _with_headers(_problem(visit, 500))


def _answer(route: Route, visit: Visit, request: Request) -> Response:
    verdict = gate.ask(route, visit, request)
    if verdict is not Verdict.PASS:
        return gate.turn_away(verdict, route, visit, request)
    with timeline.acting_via(visit.session.id if visit.session else timeline.CONSOLE):
        return route.handler(visit)


def _visit(request: Request, means: Means, look: Look, form: FormData, *, is_use: bool) -> Visit:
    token = cookie.read(request, is_https=means.is_https)
    return Visit(
        means=means,
        look=look,
        token=token or cookie.fresh(),
        is_new=not token,
        session=find_session(means.services, token, is_use=is_use) if token else None,
        client=means.clients.of(request),
        method=request.method,
        address=_address(request),
        path=request.path_params,
        query=request.query_params,
        form=form,
    )


def _address(request: Request) -> str:
    path = quote(request.scope["path"].removeprefix(BASE))
    return f"{path}?{request.url.query}" if request.url.query and request.method == "GET" else path


def _with_headers(answer: Response) -> Response:
    for name, value in PAGE_HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _problem(visit: Visit, status: int) -> Response:
    title, detail = {
        404: ("There is no such page", "The address may be mistyped, or what it was about is gone."),
        405: ("This address does not take that", "Please go back."),
        413: ("That is too much at once", "Nothing was changed."),
    }.get(status, ("Something went wrong on our side", "It is written down. Please try again in a moment."))
    return visit.page("problem.html", status, title=title, detail=detail)


def _away(error: SQLAlchemyError) -> Response:
    """The database does not answer, so nobody can be known: a plain line."""
    log.warning("console.database_away", error=type(error).__name__)
    return _with_headers(
        PlainTextResponse(
            "The database does not answer. Nothing was changed. What people post is kept. Please try again soon.",
            503,
            {"Retry-After": "30"},
        )
    )


def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    file, kind = FILES[name]
    headers = {**PAGE_HEADERS, "Cache-Control": FOR_EVER}
    return FileResponse(file, media_type=kind, headers=headers)


def _nav() -> list[NavItem]:
    return [
        NavItem(name=route.nav, path=route.path, needs=route.needs if isinstance(route.needs, Permission) else None)
        for route in ROUTES
        if route.nav
    ]
