"""Errors as RFC 9457 `application/problem+json`, or as the page that keeps what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from worker.errors import FieldError

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
) -> Response:
    """A problem document. `kind` is stable and documented for integrators."""
    body: dict[str, Any] = {"type": TYPES + kind, "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = [{"pointer": error.pointer, "code": error.code, "detail": error.detail} for error in errors]
    return JSONResponse(body, status, headers=dict(headers or {}), media_type="application/problem+json")


def page(html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """One of our pages."""
    return HTMLResponse(html, status, headers=dict(headers or {}))
