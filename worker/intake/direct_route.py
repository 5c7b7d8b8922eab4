"""The short way for what reads its request, and answers, by itself: nothing is parsed, or solved, or looked up for it.

FastAPI knows such a route for its documentation, and then stands aside: what it does for each request would be a tenth
of what a post costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]


class DirectRoute(APIRoute):
    """For functions of one request."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = request_response(endpoint)


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
