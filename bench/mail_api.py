"""Postmark's batch endpoint, as quick as can be: it counts the messages of a call and takes them all."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

_ids = count()


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """One call."""
    if scope["type"] != "http":
        return
    body, is_more = b"", True
    while is_more:
        part = await receive()
        body, is_more = body + part.get("body", b""), part.get("more_body", False)
    taken = [{"ErrorCode": 0, "Message": "OK", "MessageID": f"m{next(_ids)}"} for _ in range(body.count(b'"send_id"'))]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(taken).encode()})
