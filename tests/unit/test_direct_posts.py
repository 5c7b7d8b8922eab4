"""The short way: posts of one path never meet the router; everything else does."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from worker.intake.direct_posts import DirectPosts


async def routed(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("routed")(scope, receive, send)


async def taken(request: Request) -> Response:
    return PlainTextResponse(await request.body(), 202)


def test_posts_of_the_path_go_to_their_endpoint_with_their_body_and_all_else_is_routed() -> None:
    client = TestClient(DirectPosts(routed, path="/v1/submissions", endpoint=taken))

    answer = client.post("/v1/submissions?from=page", content="a form")

    assert (answer.status_code, answer.text) == (202, "a form")
    for method, path in (("GET", "/v1/submissions"), ("OPTIONS", "/v1/submissions"), ("POST", "/v1/submissions/")):
        assert client.request(method, path).text == "routed", (method, path)
