"""A route whose function reads its request by itself, and answers by itself: nothing is parsed, or solved, for it.

FastAPI knows it for its documentation, and then stands aside: what it does for each request would be a tenth of what
a post costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response


class DirectRoute(APIRoute):
    """For functions of one request."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = request_response(endpoint)
