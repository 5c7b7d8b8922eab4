"""The short way for posts that read their request, and answer, by themselves: no route is looked for, nothing parsed.

FastAPI knows such a route for its documentation only: what it does for each request would be a tenth of what a post
costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]


class DirectPosts:
    """Hands the posts of one path to their endpoint, before any route is looked for.

    It stands outside what answers known exceptions: the endpoint answers its own, and any other is a failure (500).
    """

    def __init__(self, app: ASGIApp, *, path: str, endpoint: Endpoint) -> None:
        self._app, self._path, self._endpoint = app, path, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "http" and scope["path"] == self._path and scope["method"] == "POST":
            response = await self._endpoint(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)
