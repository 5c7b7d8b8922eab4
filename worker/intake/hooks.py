"""`POST /v1/hooks/{source}/{token}`: a vendor's webhook, durable before it is answered, mapped after.

It is answered alike whether or not it can be mapped, so that no vendor gives up on us; what can't be is parked by
capture, and what is suspicious set aside. Only a token that is not in force is refused.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from worker.domain.submissions import Submission
from worker.hooks.readers import READERS
from worker.hooks.signatures import suspicion
from worker.intake import api_docs
from worker.intake.acceptor import Acceptor
from worker.intake.hook_tokens import HookTokens
from worker.intake.limiting import Limits
from worker.intake.problems import problem
from worker.intake.reading import read_raw
from worker.storage import submissions
from worker.storage.sealing import KeyRing
from worker.usecases.forms.raw_posts import raw_submissions
from worker.usecases.staff.tokens import HookToken

log = structlog.get_logger()

MAX_BODY_BYTES = 256 * 1024
"""Some vendors send the whole form along with what was typed into it."""

UNCHECKED = "hook.unchecked"


class HookEndpoint:
    """The way in for vendors."""

    def __init__(self, ring: KeyRing, acceptor: Acceptor, tokens: HookTokens, limits: Limits) -> None:
        self._ring, self._acceptor, self._tokens, self._limits = ring, acceptor, tokens, limits

    async def post(self, source: str, token: str, request: Request) -> Response:
        """Answer one post."""
        if not self._tokens.is_known(token):
            judged = await self._limits.of_client(request, "")  # whoever tries tokens out has to wait
            if judged.must_wait:
                headers = {"Retry-After": "30"}
                return problem(429, "too-many", "Too many requests", "Please wait a minute.", headers=headers)
            await run_in_threadpool(self._tokens.look)
        found, is_checked = self._tokens.find(token)
        if source not in READERS or found is None:
            return problem(404, "hook-unknown", "No form takes posts here", "Check the address that you were given.")
        body = await read_raw(request, MAX_BODY_BYTES)
        if body is None:
            return problem(413, "unreadable", "This is too long", "A post may hold 256 KB.")
        doubts = [] if is_checked else [UNCHECKED]
        if found.secret:
            headers = {name.lower(): value for name, value in request.headers.items()}
            doubts += filter(None, [suspicion(headers, body, found.secret, datetime.now(UTC))])
        doubts += await self._limits.of_form(found.form)
        return await self._accept(await run_in_threadpool(_read, source, found, body, tuple(doubts)))

    async def _accept(self, found: list[Submission]) -> Response:
        try:
            envelopes = [submissions.envelope(submission, self._ring) for submission in found]
            await asyncio.gather(*map(self._acceptor.accept, envelopes))
        except OSError:
            detail = "Nothing was stored. Please send it again."
            return problem(503, "not-saved", "We could not save this just now", detail, headers={"Retry-After": "30"})
        for submission in found:
            log.info("submission.accepted", submission_id=submission.id)
        return JSONResponse({"status": "received", "forms": len(found)})


def _read(source: str, token: HookToken, body: bytes, doubts: tuple[str, ...]) -> list[Submission]:
    return raw_submissions(
        token.form, source, body, secret=token.hash, received_at=datetime.now(UTC), suspicions=doubts
    )


def hook_routes(endpoint: HookEndpoint) -> APIRouter:
    """The route, on this endpoint."""
    router = APIRouter(tags=["forms"], default_response_class=Response)

    @router.post("/v1/hooks/{source}/{token}", openapi_extra=api_docs.HOOK, responses=api_docs.HOOK_RESPONSES)
    async def post_hook(source: str, token: str, request: Request) -> Response:
        """Post what somebody sent with a form of Duda, Typeform, Jotform, Webflow, WordPress or any other program."""
        return await endpoint.post(source, token, request)

    return router
