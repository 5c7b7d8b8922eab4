"""Errors that no route answers: a page for people, problem+json for programs, and never an exception's words."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from worker.domain.language import page_language
from worker.domain.leads import Language
from worker.intake import pages
from worker.intake.headers import set_security_headers
from worker.intake.problems import page, problem, words_of
from worker.intake.public_content import PublicContent
from worker.intake.reading import accepted_language
from worker.intake.texts import texts

log = structlog.get_logger()

_WRONG = {404: "no-page", 405: "method"}


def add_error_pages(app: FastAPI, content: PublicContent) -> None:
    """Answer unknown addresses, wrong methods and our own failures."""

    def wants_page(request: Request) -> bool:
        return "text/html" in request.headers.get("accept", "")

    def language_of(request: Request) -> Language:
        return page_language(accepted=accepted_language(request))

    def _trouble(
        request: Request, status: int, kind: str, *, as_page: bool, headers: Mapping[str, str] | None = None
    ) -> Response:
        language = language_of(request)
        title, detail = words_of(kind, language)
        if not as_page:
            return problem(status, kind, title, detail, headers=headers, language=language)
        html = pages.problem_page(content.catalog.clinic, language, title=title, detail=detail, status=status)
        return page(html, status, headers)

    @app.exception_handler(HTTPException)
    async def not_ours(request: Request, error: HTTPException) -> Response:
        status, headers, language = error.status_code, dict(error.headers or {}), language_of(request)
        said = texts(language)
        title = said["wrong"][_WRONG.get(status, "http")]
        if not wants_page(request):
            return problem(status, "http", title, said["mend"]["http"], headers=headers, language=language)
        clinic = content.catalog.clinic
        if status == 404:
            return page(pages.not_found_page(clinic, language), 404, headers)
        detail = said["mend"]["go-back"]
        return page(pages.problem_page(clinic, language, title=title, detail=detail, status=status), status, headers)

    @app.exception_handler(SQLAlchemyError)
    async def database_away(request: Request, error: SQLAlchemyError) -> Response:
        log.warning("request.database_away", error=type(error).__name__)
        as_page = wants_page(request) or request.method == "GET"
        return _trouble(request, 503, "not-now", as_page=as_page, headers={"Retry-After": "60"})

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        log.error("request.failed", exc_info=error)
        answer = _trouble(request, 500, "failed", as_page=wants_page(request))
        set_security_headers(answer.headers)  # this handler stands outside the middleware
        return answer
