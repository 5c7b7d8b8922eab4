"""Errors as RFC 9457 `application/problem+json`, or as the page that keeps what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from worker.domain.leads import Language
from worker.errors import FieldError
from worker.intake.texts import texts

TYPES = "https://albanyclinic.example.com/problems/"
"""Before the word that says which."""


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    language: Language = Language.ENGLISH,
) -> Response:
    """A problem document. `kind` is stable and documented for integrators; `language` is that of its sentences."""
    body: dict[str, Any] = {"type": TYPES + kind, "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = [{"pointer": error.pointer, "code": error.code, "detail": error.detail} for error in errors]
    said = {**(headers or {}), "Content-Language": language.value}
    return JSONResponse(body, status, headers=said, media_type="application/problem+json")


def words_of(name: str, language: Language = Language.ENGLISH) -> tuple[str, str]:
    """What is wrong, and what to do about it: the title and the detail of a problem."""
    said = texts(language)
    return said["wrong"][name], said["mend"][name]


def in_language(errors: Sequence[FieldError], language: Language) -> list[FieldError]:
    """These errors as the readers of a form are told them; codes are the same in every language."""
    said = texts(language)["mend"]
    return [replace(error, detail=said[error.code]) for error in errors]


def page(html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """One of our pages."""
    return HTMLResponse(html, status, headers=dict(headers or {}))
