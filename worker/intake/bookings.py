"""`POST /v1/hooks/calendly/{token}` and `/v1/hooks/booking/{token}`: a calendar tells of a booking.

Answered with 200 whatever it means to us, so that no calendar gives up; only a token that is not in force, or a post
that is not signed as its token wants, is refused: a forged booking would silence us.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from worker.hooks.signatures import suspicion
from worker.intake.limiting import Limits
from worker.intake.problem_docs import problems
from worker.intake.problems import problem
from worker.intake.reading import MAX_BODY_BYTES, read_raw
from worker.usecases.events.receive_booking import Received, receive_booking
from worker.usecases.services import Services
from worker.usecases.staff.tokens import event_token

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"email": "maya@example.com", "event_id": "booking-4711"},
            }
        },
    }
}
_RESPONSES = {
    200: {
        "description": "Received: recorded, not_needed, waiting for its lead, or parked for a person",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {"status": {"type": "string", "enum": list(Received)}},
                },
                "example": {"status": Received.RECORDED},
            }
        },
    },
    **problems(
        _401=("Not signed as its token wants, or too long ago", "signature"),
        _404=("No token of this kind is in force", "hook-unknown"),
        _413=("Over 64 KB", "unreadable"),
        _429=("Too many tries with tokens that are not in force", "too-many"),
        _503=("Nothing was recorded; please repeat", "not-now"),
    ),
}


def booking_routes(services: Services, limits: Limits) -> APIRouter:
    """The routes, on these services."""
    router = APIRouter(tags=["events"], default_response_class=Response)

    @router.post("/v1/hooks/calendly/{token}", openapi_extra=_BODY, responses=_RESPONSES)
    async def post_calendly(token: str, request: Request) -> Response:
        """Calendly's webhook: `invitee.created` ends the educational emails of whoever booked."""
        return await _post(services, limits, "calendly", token, request)

    @router.post("/v1/hooks/booking/{token}", openapi_extra=_BODY, responses=_RESPONSES)
    async def post_booking(token: str, request: Request) -> Response:
        """Any calendar's webhook that can name a person by email, phone, reference or lead_id."""
        return await _post(services, limits, "booking", token, request)

    return router


async def _post(services: Services, limits: Limits, source: str, token: str, request: Request) -> Response:
    found = await run_in_threadpool(event_token, services, token)
    if found is None:
        judged = await limits.of_client(request, "")  # whoever tries tokens out has to wait
        if judged.must_wait:
            headers = {"Retry-After": "30"}
            return problem(429, "too-many", "Too many requests", "Please wait a minute.", headers=headers)
        return problem(404, "hook-unknown", "No calendar posts here", "Check the address that you were given.")
    body = await read_raw(request, MAX_BODY_BYTES)
    if body is None:
        return problem(413, "unreadable", "This is too long", "A post may hold 64 KB.")
    if found.secret:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if suspicion(headers, body, found.secret, datetime.now(UTC)):
            return problem(401, "signature", "This is not signed", "Sign it with the secret of this token.")
    received = await run_in_threadpool(receive_booking, services, source, body, found.id)
    return JSONResponse({"status": received})
