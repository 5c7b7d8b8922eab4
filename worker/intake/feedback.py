"""`POST /v1/feedback/{provider}`: news of emails, from their provider only, each of them once.

A post that is read is answered with 200 even where it can't be mapped (it is parked), so that no provider gives
up on us. One that is not signed gets a 401, and is counted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from worker.errors import FeedbackRefused
from worker.feedback.base import FeedbackSource
from worker.intake import api_docs
from worker.intake.limiting import ClientLimit
from worker.intake.problems import problem
from worker.intake.reading import read_raw
from worker.usecases.feedback.receive_feedback import note_refused, receive_post
from worker.usecases.services import Services

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Providers gather up to thousands of events into one post."""


def feedback_routes(services: Services, limit: ClientLimit) -> APIRouter:
    """The route, on these services."""
    router = APIRouter(tags=["providers"], default_response_class=Response)

    @router.post("/v1/feedback/{provider}", openapi_extra=api_docs.FEEDBACK, responses=api_docs.FEEDBACK_RESPONSES)
    async def post_feedback(provider: str, request: Request) -> Response:
        """A provider tells what became of emails."""
        source = services.feedback.get(provider)
        if source is None:
            return problem(404, "feedback-unknown", "No such provider is heard here", "Set its secret on the server.")
        body = await read_raw(request, MAX_BODY_BYTES)
        if body is None:
            return problem(413, "unreadable", "This is too long", "A post may hold 2 MB.")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            found = await run_in_threadpool(_receive, services, source, headers, body)
        except FeedbackRefused:
            if limit.allows(request):  # so that a flood of forged posts writes little
                await run_in_threadpool(note_refused, services, source.name)
            return problem(401, "feedback-signature", "This is not signed by the provider", "Check secret and clock.")
        return JSONResponse({"status": "received", **found})

    return router


def _receive(services: Services, source: FeedbackSource, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    source.verify(headers, body, datetime.now(UTC))
    return dict(receive_post(services, source, body))
