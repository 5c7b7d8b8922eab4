"""`POST /v1/submissions`: read, understand, make durable, answer. No success is shown for what is not durable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from worker.domain.forms import CAPTCHA_FIELD, Form, TokenCheck
from worker.domain.language import page_language
from worker.domain.leads import Language
from worker.domain.submissions import Fields, Submission, flat
from worker.errors import FieldError, InvalidSubmission, SealError
from worker.intake import pages
from worker.intake.acceptor import Acceptor
from worker.intake.captcha import ORIGIN, Captcha
from worker.intake.embed.script import embed_script
from worker.intake.form_token import check_token, new_token
from worker.intake.headers import content_policy
from worker.intake.idempotency import KeyConflict, Keys, StillRunning
from worker.intake.limiting import Judgement, Limits
from worker.intake.problems import in_language, page, problem, words_of
from worker.intake.public_content import PublicContent
from worker.intake.reading import Unreadable, accepted_language, is_json, read_fields
from worker.intake.texts import texts
from worker.storage import submissions
from worker.storage.sealing import KeyRing
from worker.usecases.arrival.understand import DEFAULT_FORM, understand

log = structlog.get_logger()

_RETRY_AFTER = {"Retry-After": "30"}
_TRY_AGAIN = {429, 503}
_FOR_OTHERS = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}
_MAX_KEY = 200
_LONG = 3_000
"""Characters. These take as long to read as the rest of a request a few times over; the most that fit in, 35 ms."""


class SubmissionEndpoint:
    """The one way in for forms and programs."""

    def __init__(
        self,
        ring: KeyRing,
        content: PublicContent,
        acceptor: Acceptor,
        keys: Keys,
        limits: Limits,
        captcha: Captcha,
    ) -> None:
        self._ring, self._content, self._acceptor, self._keys = ring, content, acceptor, keys
        self._limits, self._captcha = limits, captcha

    async def post(self, request: Request) -> Response:
        """Answer one post."""
        as_json = is_json(request)
        try:
            fields = await read_fields(request)
        except Unreadable as error:
            language = page_language(accepted=accepted_language(request))
            return self._trouble(as_json, error.status, "unreadable", language, why=error.why)
        header_key = request.headers.get("idempotency-key")
        form_key = "" if header_key else flat(fields, "idempotency_key")
        token = check_token(flat(fields, "form_token"), form_key, self._ring)
        form = self._form_of(fields)
        post = _Post(fields=fields, form=form, as_json=as_json, header_key=header_key, token=token)
        judged = await self._limits.of_client(request, form.key)
        if judged.must_wait:
            return self._again(post, 429, "too-many")
        if post.key is not None and len(post.key) > _MAX_KEY:
            return self._trouble(as_json, 400, "idempotency-key", form.language)
        try:
            submission = await self._understand(fields, post)
        except InvalidSubmission as error:
            return self._invalid(post, error)
        person = await self._limits.of_address(submission.email)
        if person.must_wait:
            return self._again(post, 429, "too-many")
        if suspicions := await self._suspicions(form, fields, judged, person):
            submission = replace(submission, suspicions=(*submission.suspicions, *suspicions))
        return await self._accept(submission, post)

    async def _understand(self, fields: Fields, post: _Post) -> Submission:
        """At once, or in a thread where so much was written that others would wait while it is read for danger."""
        read = partial(understand, fields, self._content.catalog, datetime.now(UTC), post.key, post.token)
        written = sum(len(value) for values in fields.values() for value in values)
        return await run_in_threadpool(read) if written > _LONG else read()

    async def _suspicions(self, form: Form, fields: Fields, *judged: Judgement) -> list[str]:
        """Why this post goes to quarantine, beyond what stands in it."""
        found = [suspicion for judgement in judged for suspicion in judgement.suspicions]
        captcha = await self._captcha.suspicion(flat(fields, CAPTCHA_FIELD)) if form.captcha else None
        return [*found, captcha] if captcha else found

    def _form_of(self, fields: Fields) -> Form:
        forms = self._content.catalog.forms
        return forms.get(flat(fields, "form")) or forms[DEFAULT_FORM]

    async def _accept(self, submission: Submission, post: _Post) -> Response:
        if post.key is not None:
            answer = await self._as_before(submission, post)
            if answer is not None:
                return answer
        try:
            await self._acceptor.accept(submissions.envelope(submission, self._ring))
        except OSError:
            self._keys.forget(submission)
            return self._again(post, 503, "not-saved")
        if post.key is not None:
            self._keys.done(submission)
        log.info("submission.accepted", submission_id=submission.id)
        return self._accepted(submission, as_json=post.as_json)

    async def _as_before(self, submission: Submission, post: _Post) -> Response | None:
        """The answer to a repeat, or to a key used otherwise; None for a first request."""
        try:
            if not self._keys.begin(submission):
                return self._accepted(submission, as_json=post.as_json)
            if await self._keys.stored_otherwise(submission):
                self._keys.forget(submission)
                raise KeyConflict
        except KeyConflict:
            return self._trouble(post.as_json, 422, "idempotency-conflict", post.form.language)
        except StillRunning:
            # A second click shows the person the answer to it: wait, and answer alike. Programs get their 409.
            if not post.as_json and await self._keys.wait_for_first(submission):
                return self._accepted(submission, as_json=False)
            return self._trouble(post.as_json, 409, "still-running", post.form.language)
        return None

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
        language = self._content.catalog.forms[submission.form].language
        return RedirectResponse(f"/thanks/{self._thanks_token(submission.reference, language, crisis=crisis)}", 303)

    def _thanks_token(self, reference: str, language: Language, *, crisis: bool) -> str:
        """What the thank-you page needs, sealed: a URL must not tell who is in crisis."""
        return self._ring.seal(json.dumps([reference, int(crisis), language]).encode(), "thanks")

    def thanks(self, token: str, accepted: str = "") -> Response:
        """The thank-you page of a token; the plain one where the token is not ours."""
        try:
            reference, crisis, *said = json.loads(self._ring.open(token, "thanks"))
        except SealError:
            return page(pages.not_found_page(self._content.catalog.clinic, page_language(accepted=accepted)), 404)
        language = page_language(asked=next(iter(said), ""), accepted=accepted)  # an older version's links say none
        return page(pages.thanks_page(self._content.catalog.clinic, language, reference=reference, crisis=bool(crisis)))

    def embed(self, key: str, asked: str = "") -> Response:
        """The script of a form, for pages of other websites, in the language that the page asks for."""
        catalog = self._content.catalog
        if key not in catalog.forms:
            return problem(404, "form-unknown", "No such form is registered", "Check the key in the script's address.")
        form = self._translated(catalog.forms[key], asked)
        script = embed_script(form, catalog.clinic, self._captcha_key(form))
        return Response(script, media_type="text/javascript", headers=_FOR_OTHERS)

    def _captcha_key(self, form: Form) -> str:
        return self._captcha.site_key if form.captcha else ""

    def form(self, key: str, asked: str = "", accepted: str = "") -> Response:
        """The consultation form, empty, in the language that is asked for or that the browser accepts."""
        catalog = self._content.catalog
        if key not in catalog.forms:
            return page(pages.not_found_page(catalog.clinic, page_language(asked=asked, accepted=accepted)), 404)
        return self._form_page(self._translated(catalog.forms[key], asked, accepted), {}, (), 200, issued_at=None)

    def _translated(self, form: Form, asked: str, accepted: str = "") -> Form:
        """The form, or the same one in the language that is wanted; one in Spanish is so until English is asked for."""
        own = None if form.language is Language.ENGLISH else form.language
        wanted = page_language(asked=asked, own=own, accepted=accepted)
        if wanted is form.language or form.translation is None:
            return form
        return self._content.catalog.forms[form.translation]

    def _form_page(
        self, form: Form, values: Fields, errors: Sequence[FieldError], status: int, *, issued_at: int | None
    ) -> Response:
        """The form, with a policy that lets it post, be thanked where it is registered, and load its CAPTCHA."""
        nonce, token = new_token(self._ring, issued_at)
        key = self._captcha_key(form)
        html = pages.form_page(
            form,
            self._content.catalog.clinic,
            values=values,
            errors=errors,
            nonce=nonce,
            token=token,
            captcha_key=key,
        )
        targets = [form.thank_you_origin] if form.thank_you_origin else []
        policy = {"Content-Security-Policy": content_policy(targets, ORIGIN if key else "")}
        return page(html, status, policy | (_RETRY_AFTER if status in _TRY_AGAIN else {}))

    def _invalid(self, post: _Post, error: InvalidSubmission) -> Response:
        if not post.as_json:
            return self._form_again(post, in_language(error.errors, post.form.language), 422)
        language, count = post.form.language, len(error.errors)
        title, detail = words_of("validation", language)
        if count > 1:
            title = texts(language)["wrong"]["validations"].format(count=count)
        errors = in_language(error.errors, language)
        return problem(422, "validation", title, detail, errors=errors, language=language)

    def _again(self, post: _Post, status: int, kind: str) -> Response:
        """Ask to try again later; a person gets the form back with all that was typed."""
        title, detail = words_of(kind, post.form.language)
        if post.as_json:
            return problem(status, kind, title, detail, headers=_RETRY_AFTER, language=post.form.language)
        return self._form_again(post, [FieldError(pointer="", code=kind, detail=f"{title}. {detail}")], status)

    def _form_again(self, post: _Post, errors: Sequence[FieldError], status: int) -> Response:
        """The form with what was typed and what is wrong with it."""
        return self._form_page(post.form, post.fields, errors, status, issued_at=post.token.issued_at)

    def _trouble(self, as_json: bool, status: int, kind: str, language: Language, *, why: str = "") -> Response:
        """Tell a problem; `why` names its words where one kind has several."""
        title, detail = words_of(why or kind, language)
        if as_json:
            return problem(status, kind, title, detail, language=language)
        clinic = self._content.catalog.clinic
        return page(pages.problem_page(clinic, language, title=title, detail=detail, status=status), status)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    """What came in: the fields, their form, how to answer, and the idempotency key from the header or our own form."""

    fields: Fields
    form: Form
    as_json: bool
    header_key: str | None
    token: TokenCheck

    @property
    def key(self) -> str | None:
        return self.header_key or flat(self.fields, "idempotency_key") or None
