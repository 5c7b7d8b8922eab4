"""The one cookie: a random token that names a session, or, before signing in, only makes a browser's forms its own.

It is `Path=/console`, so that public pages never see it; that rules out the prefix `__Host-`, which wants `/`.
"""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response

PATH = "/console"


def name(*, is_https: bool) -> str:
    """With TLS, a prefix that makes browsers refuse it from anywhere without."""
    return "__Secure-staff" if is_https else "staff"


def read(request: Request, *, is_https: bool) -> str:
    """The token; empty without one."""
    return request.cookies.get(name(is_https=is_https), "")


def fresh() -> str:
    """A token that names no session."""
    return secrets.token_urlsafe(32)


def give(answer: Response, token: str, *, is_https: bool) -> None:
    """Have the browser keep this one until it is closed."""
    answer.set_cookie(name(is_https=is_https), token, path=PATH, secure=is_https, httponly=True, samesite="strict")
