"""Headers on every answer, and HEAD wherever there is GET. Plain ASGI: it costs microseconds a request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def content_policy(form_targets: Iterable[str] = (), captcha: str = "") -> str:
    """The Content-Security-Policy: our own style and script, nothing inline, forms to us alone.

    `form-action` rules the redirect after a post as well, which goes to a registered thank-you page: their
    `form_targets` are origins. `captcha` is the one foreign origin, on the forms that ask for it.
    """
    scripts = f"script-src 'self' {captcha}; frame-src {captcha}" if captcha else "script-src 'self'"
    targets = " ".join(["'self'", *sorted(set(form_targets))])
    return (
        f"default-src 'none'; style-src 'self'; {scripts}; img-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


SECURITY_HEADERS = {
    "Content-Security-Policy": content_policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_ONE_YEAR_OF_TLS = "max-age=31536000; includeSubDomains"


_RAW = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in SECURITY_HEADERS.items()]


def set_security_headers(headers: MutableHeaders) -> None:
    """Set what the answer has not set itself."""
    own = {name for name, _ in headers.raw}
    headers.raw.extend(header for header in _RAW if header[0] not in own)


class SecureHeaders:
    """Adds the security headers; static files may be kept, since their links name a hash of their content."""

    def __init__(self, app: ASGIApp, *, is_production: bool) -> None:
        self._app, self._is_production = app, is_production

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = _FOR_EVER
                if scope["path"] == "/form":
                    headers["X-Robots-Tag"] = "all"  # the one page that should be found
                if self._is_production:
                    headers["Strict-Transport-Security"] = _ONE_YEAR_OF_TLS
                set_security_headers(headers)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HeadAsGet:
    """Answers HEAD as GET without its body (RFC 9110): link scanners and monitors ask so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; for HEAD, keep the headers and drop the body."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        inner: dict[str, Any] = {**scope, "method": "GET"}
        await self._app(inner, receive, send_without_body)
