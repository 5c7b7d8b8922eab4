"""`POST /v1/submissions`: read, understand, make durable, answer. No success is shown for what is not durable."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from worker.domain.submissions import Submission
from worker.errors import InvalidSubmission, SealError
from worker.intake import pages
from worker.intake.acceptor import Acceptor
from worker.intake.form_token import check_token, new_token
from worker.intake.idempotency import KeyConflict, Keys, StillRunning
from worker.intake.limiting import ClientLimit
from worker.intake.problems import page, problem
from worker.intake.public_content import PublicContent
from worker.intake.reading import Fields, Unreadable, flat, is_json, read_fields
from worker.intake.understand import DEFAULT_FORM, understand
from worker.storage import submissions
from worker.storage.sealing import KeyRing

log = structlog.get_logger()

_RETRY_AFTER = {"Retry-After": "30"}
_MAX_KEY = 200


class SubmissionEndpoint:
    """The one way in for forms and programs."""

    def __init__(
        self, ring: KeyRing, content: PublicContent, acceptor: Acceptor, keys: Keys, limit: ClientLimit
    ) -> None:
        self._ring, self._content, self._acceptor, self._keys, self._limit = (
            ring,
            content,
            acceptor,
            keys,
            limit,
        )

    async def post(self, request: Request) -> Response:
        """Answer one post."""
        as_json = is_json(request)
        if not self._limit.allows(request):
            return self._trouble(as_json, 429, "too-many", "Too many requests", "Please wait a minute and try again.")
        try:
            fields = await read_fields(request)
        except Unreadable as error:
            return self._trouble(as_json, error.status, "unreadable", error.title, error.detail)
        header = request.headers.get("idempotency-key")
        key = header or flat(fields, "idempotency_key") or None
        if key is not None and len(key) > _MAX_KEY:
            return self._trouble(
                as_json, 400, "idempotency-key", "The key is too long", f"Use up to {_MAX_KEY} characters."
            )
        token = check_token(flat(fields, "form_token"), "" if header else key or "", self._ring)
        try:
            submission = understand(fields, self._content.catalog, datetime.now(UTC), key, token)
        except InvalidSubmission as error:
            return self._invalid(as_json, error, fields)
        return await self._accept(submission, as_json=as_json, has_key=key is not None)

    async def _accept(self, submission: Submission, *, as_json: bool, has_key: bool) -> Response:
        try:
            if has_key and not self._keys.begin(submission):
                return self._accepted(submission, as_json=as_json)
            if has_key and await asyncio.to_thread(self._keys.stored_otherwise, submission):
                self._keys.forget(submission)
                raise KeyConflict
        except KeyConflict:
            detail = "This Idempotency-Key was used for another body. Use a new key for a new submission."
            return self._trouble(as_json, 422, "idempotency-conflict", "The key belongs to another body", detail)
        except StillRunning:
            detail = "The first request with this Idempotency-Key is still running. Try again in a moment."
            return self._trouble(as_json, 409, "still-running", "Still running", detail)
        try:
            await self._acceptor.accept(submissions.envelope(submission, self._ring))
        except OSError:
            self._keys.forget(submission)
            return self._trouble(
                as_json, 503, "not-saved", "We could not save this just now",
                "Nothing was stored. Please try again in a moment, or call us.",
            )  # fmt: skip
        if has_key:
            self._keys.done(submission)
        log.info("submission.accepted", submission_id=submission.id)
        return self._accepted(submission, as_json=as_json)

    def _accepted(self, submission: Submission, *, as_json: bool) -> Response:
        crisis = submission.crisis is not None
        if as_json:
            return JSONResponse(
                {
                    "submission_id": submission.id,
                    "reference": submission.reference,
                    "status": "accepted",
                    "crisis": crisis,
                },
                202,
            )
        elsewhere = self._content.catalog.forms[submission.form].thank_you
        if elsewhere and not crisis:
            return RedirectResponse(elsewhere, 303)
        return RedirectResponse(f"/thanks/{self._thanks_token(submission.reference, crisis=crisis)}", 303)

    def _thanks_token(self, reference: str, *, crisis: bool) -> str:
        """What the thank-you page needs, sealed: a URL must not tell who is in crisis."""
        return self._ring.seal(json.dumps([reference, int(crisis)]).encode(), "thanks")

    def thanks(self, token: str) -> Response:
        """The thank-you page of a token; the plain one where the token is not ours."""
        try:
            reference, crisis = json.loads(self._ring.open(token, "thanks"))
        except SealError:
            return page(pages.not_found_page(self._content.catalog.clinic), 404)
        return page(pages.thanks_page(self._content.catalog.clinic, reference=reference, crisis=bool(crisis)))

    def form(self, key: str, fields: Fields | None = None, error: InvalidSubmission | None = None) -> Response:
        """The consultation form, empty or with what was typed and what is wrong with it."""
        catalog = self._content.catalog
        if key not in catalog.forms:
            return page(pages.not_found_page(catalog.clinic), 404)
        nonce, token = new_token(self._ring)
        html = pages.form_page(
            catalog.forms[key],
            catalog.clinic,
            values=fields or {},
            errors=error.errors if error else (),
            nonce=nonce,
            token=token,
        )
        return page(html, 422 if error else 200)

    def _invalid(self, as_json: bool, error: InvalidSubmission, fields: Fields) -> Response:
        if not as_json:
            key = flat(fields, "form") or DEFAULT_FORM
            known = key in self._content.catalog.forms
            return self.form(key if known else DEFAULT_FORM, fields, error)
        count = len(error.errors)
        title = "Please check one field" if count == 1 else f"Please check {count} fields"
        return problem(422, "validation", title, "Each entry of `errors` names a field.", errors=error.errors)

    def _trouble(self, as_json: bool, status: int, kind: str, title: str, detail: str) -> Response:
        headers = _RETRY_AFTER if status in {429, 503} else None
        if as_json:
            return problem(status, kind, title, detail, headers=headers)
        clinic = self._content.catalog.clinic
        return page(pages.problem_page(clinic, title=title, detail=detail, status=status), status, headers)
