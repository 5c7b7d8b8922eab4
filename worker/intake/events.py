"""`POST /v1/events`: a booking system tells what happened to a lead. A token, a name for the lead, an event.

Whoever asks learns nothing about anybody: that nobody is known by this, or not yet, is all they hear, and never of
whom there are several.
"""

from __future__ import annotations

import re
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from worker.domain.events import LeadEvent
from worker.domain.submissions import Fields, flat
from worker.domain.tokens import TokenScope
from worker.errors import Ambiguous, FieldError, InvalidSubmission, NotFound
from worker.intake import api_docs
from worker.intake.problems import problem, words_of
from worker.intake.reading import Unreadable, read_fields
from worker.usecases.events.receive_booking import tell_event_early
from worker.usecases.events.tell_event import OtherEvent, ToldEvent, tell_event
from worker.usecases.services import Services
from worker.usecases.staff.tokens import check_token

_MAX_EVENT_ID = 200
_REFERENCE = re.compile(r"TAC-[0-9A-Z]{4}-[0-9A-Z]{4}", re.IGNORECASE)


def event_routes(services: Services) -> APIRouter:
    """The route, on these services."""
    router = APIRouter(tags=["events"], default_response_class=Response)

    @router.post("/v1/events", openapi_extra=api_docs.EVENT, responses=api_docs.EVENT_RESPONSES)
    async def post_event(request: Request) -> Response:
        """Tell what happened to a lead elsewhere; most of it ends its educational emails."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        token_id, may = await run_in_threadpool(check_token, services, token, TokenScope.EVENTS)
        if token_id is None:
            headers = {"WWW-Authenticate": "Bearer"}
            detail = "Send the header Authorization: Bearer, with a token that is in force."
            return problem(401, "token", "This needs a token", detail, headers=headers)
        if not may:
            return problem(403, "token-scope", "This token may not tell events", "Ask for one of scope events.")
        try:
            told = understand_event(await read_fields(request))
        except Unreadable as error:
            return problem(error.status, "unreadable", *words_of(error.why))
        except InvalidSubmission as error:
            title, detail = "Please check what is told", "Each entry of `errors` names a field."
            return problem(422, "validation", title, detail, errors=error.errors)
        return await run_in_threadpool(_tell, services, told, token_id)

    return router


def _tell(services: Services, told: ToldEvent, token_id: str) -> Response:
    try:
        tell_event(services, told, token_id)
    except Ambiguous:
        return problem(409, "several-leads", "Several leads are known by this", "Name one by its lead_id.")
    except NotFound:
        if not told.may_be_early:
            return problem(404, "no-lead", "No lead is known by this", "Nothing was recorded.")
        tell_event_early(services, told, token_id)
        return JSONResponse({"status": "waiting", "event": told.event}, 202)
    except OtherEvent:
        return problem(
            422, "idempotency-conflict", "This event_id told something else", "Use a new id for a new event."
        )
    return JSONResponse({"status": "recorded", "event": told.event})


def understand_event(fields: Fields) -> ToldEvent:
    """What is told. Raises InvalidSubmission, with every problem at once."""
    errors: list[FieldError] = []
    names = {name: flat(fields, name) for name in ("lead_id", "reference", "email", "phone")}
    event, event_id = flat(fields, "event"), flat(fields, "event_id")
    if event not in set(LeadEvent):
        known = ", ".join(LeadEvent)
        errors.append(FieldError(pointer="/event", code="event.unknown", detail=f"Write one of {known}."))
    if not any(names.values()):
        detail = "Name the lead by lead_id, reference, email or phone."
        errors.append(FieldError(pointer="/lead_id", code="lead.missing", detail=detail))
    if names["lead_id"] and not _is_uuid(names["lead_id"]):
        detail = "A lead_id looks like 0192f7a4-1c5e-7d3a-8b6f-2e4d6c8a0b1c."
        errors.append(FieldError(pointer="/lead_id", code="lead.syntax", detail=detail))
    if names["reference"] and not _REFERENCE.fullmatch(names["reference"]):
        detail = "A reference looks like TAC-7Q4F-K2MD."
        errors.append(FieldError(pointer="/reference", code="reference.syntax", detail=detail))
    if names["email"] and "@" not in names["email"]:
        detail = "Please enter an email address like name@example.com."
        errors.append(FieldError(pointer="/email", code="email.syntax", detail=detail))
    if len(event_id) > _MAX_EVENT_ID:
        detail = f"Please keep this within {_MAX_EVENT_ID} characters."
        errors.append(FieldError(pointer="/event_id", code="text.too_long", detail=detail))
    if errors:
        raise InvalidSubmission(errors)
    given = tuple(name for name in names.values() if name)
    may_be_early = set(given) != {names["lead_id"]}  # an id is known to nobody before there is a lead
    return ToldEvent(event=LeadEvent(event), names=given, event_id=event_id or None, may_be_early=may_be_early)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
