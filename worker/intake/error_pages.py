"""Errors that no route answers: a page for people, problem+json for programs, and never an exception's words."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from worker.domain.language import page_language
from worker.intake import pages
from worker.intake.headers import set_security_headers
from worker.intake.problems import page, problem
from worker.intake.public_content import PublicContent
from worker.intake.reading import accepted_language

log = structlog.get_logger()

_TITLES = {404: "There is no such page", 405: "This address does not take that"}


def add_error_pages(app: FastAPI, content: PublicContent) -> None:
    """Answer unknown addresses, wrong methods and our own failures."""

    def wants_page(request: Request) -> bool:
        return "text/html" in request.headers.get("accept", "")

    @app.exception_handler(HTTPException)
    async def not_ours(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        title = _TITLES.get(error.status_code, "This did not work")
        if not wants_page(request):
            return problem(error.status_code, "http", title, "See /docs for what there is.", headers=headers)
        clinic = content.catalog.clinic
        if error.status_code == 404:
            language = page_language(accepted=accepted_language(request))
            return page(pages.not_found_page(clinic, language), 404, headers)
        html = pages.problem_page(clinic, title=title, detail="Please go back.", status=error.status_code)
        return page(html, error.status_code, headers)

    @app.exception_handler(SQLAlchemyError)
    async def database_away(request: Request, error: SQLAlchemyError) -> Response:
        log.warning("request.database_away", error=type(error).__name__)
        title, detail = "We can't do this just now", "Nothing was changed. Please try again in a few minutes."
        headers = {"Retry-After": "60"}
        if wants_page(request) or request.method == "GET":
            html = pages.problem_page(content.catalog.clinic, title=title, detail=detail, status=503)
            return page(html, 503, headers)
        return problem(503, "not-now", title, detail, headers=headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        log.error("request.failed", exc_info=error)
        title, detail = "Something went wrong on our side", "Please try again in a moment, or call us."
        if wants_page(request):
            answer = page(pages.problem_page(content.catalog.clinic, title=title, detail=detail, status=500), 500)
        else:
            answer = problem(500, "failed", title, detail)
        set_security_headers(answer.headers)  # this handler stands outside the middleware
        return answer
