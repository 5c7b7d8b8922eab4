"""Headers of the studio's answers. Pages run our own script only; an email runs nothing and loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.requests import Request

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
PAGE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
            "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        **_EVERYWHERE,
    }
)
EMAIL_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
            "base-uri 'none'; frame-ancestors 'self'"
        ),
        **_EVERYWHERE,
    }
)
"""An email's own styles stand in the email, as inboxes want it; a link in it leads nowhere out of its frame,
since the page around allows no frame but the studio's own."""

FOR_EVER = "public, max-age=31536000, immutable"


def comes_from_elsewhere(request: Request) -> bool:
    """True for a post that another website made the browser send."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
