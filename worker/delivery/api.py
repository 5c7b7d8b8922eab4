"""The one way by which providers' HTTP APIs are called, and what their answers mean for a message (I2).

Certain is a failure before any of the body was sent, and an answer of 4xx. Everything else may have been taken:
a time-out, a cut connection, an answer of 5xx. Nothing is ever repeated here, no redirect is followed, and a
kept connection that lay idle is not trusted, because its loss would look like doubt.
Bodies, keys and the provider's own words never leave this module: they hold addresses.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from requests import JSONDecodeError, PreparedRequest, Response
from requests.auth import AuthBase

from worker.delivery.base import Message, Outcome, Receipt
from worker.delivery.mail_url import MailUrl
from worker.errors import (
    AmbiguousDeliveryError,
    DeliveryError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from worker.faults import fault
from worker.outgoing import CONNECT_S, OutgoingError, OutgoingSession
from worker.reach import Reach

ANSWER_S = 20.0
_IDLE_S = 4.0
"""Longer than between two messages of a group, shorter than any provider keeps an idle connection."""

_LONGEST_WAIT = timedelta(hours=6)
_OURS = {401, 402, 403, 404, 405}
"""Credentials, payment, a domain or address of the API that is not there: the same for every message."""

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: JSON, or a form with the message as a file."""

    path: str
    json: Any = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `json` is an empty dict where the body was no JSON."""

    status: int
    json: Any
    headers: Mapping[str, str]

    @property
    def is_ok(self) -> bool:
        """True when the provider took the request."""
        return 200 <= self.status < 300

    def text(self, *path: str) -> str:
        """The string at this path of the JSON, or nothing."""
        found = self.json
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, str) else ""


class Bearer(AuthBase):
    """A secret in a header."""

    def __init__(self, secret: str, header: str = "Authorization", prefix: str = "Bearer ") -> None:
        self._header, self._value = header, prefix + secret

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the header."""
        request.headers[self._header] = self._value
        return request


class _Body(io.BytesIO):
    """The body of a request, which knows whether any of it has been asked for."""

    was_begun = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.was_begun = True
        block = super().read(size)
        if not block:
            fault("bytes_sent")
        return block


class _Watched(AuthBase):
    """Signs a request, then puts a body in its place that can say whether it was begun."""

    def __init__(self, auth: AuthBase) -> None:
        self._auth = auth
        self.body = _Body()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Called once the request is otherwise complete."""
        request = self._auth(request)
        self.body = _Body(request.body if isinstance(request.body, bytes) else (request.body or "").encode())
        request.body = self.body  # type: ignore[assignment]  # a file will do, as in the argument `data`
        return request


class Api:
    """Kept connections to one provider."""

    def __init__(self, base: str, auth: AuthBase, reach: Reach) -> None:
        self._base, self._auth = base, auth
        self._session = OutgoingSession(reach)
        self._used_at = time.monotonic()
        self.answer_s: float = ANSWER_S

    def post(self, call: Call) -> Answer:
        """Post. Raises TransientDeliveryError where nothing can have been taken, else AmbiguousDeliveryError."""
        watched = _Watched(self._auth)
        try:
            answer = self._ready().post(
                self._base + call.path, json=call.json, data=call.form, files=call.files, headers=call.headers,
                auth=watched, timeout=(CONNECT_S, self.answer_s),
            )  # fmt: skip
        except OutgoingError:
            self.close()
            if not watched.body.was_begun:
                raise TransientDeliveryError("api_unreachable") from None
            raise AmbiguousDeliveryError("api_no_answer") from None
        fault("accepted")
        return self._read(answer)

    def get(self, path: str, query: Mapping[str, str]) -> Answer | None:
        """Look something up; None where there was no answer."""
        timeout = (CONNECT_S, self.answer_s)
        try:
            return self._read(self._ready().get(self._base + path, params=query, auth=self._auth, timeout=timeout))
        except OutgoingError:
            self.close()
            return None

    def idle_since(self, seconds: float) -> None:
        """Take the connections for unused for so long."""
        self._used_at = time.monotonic() - seconds

    def close(self) -> None:
        """Drop the kept connections; the next request opens a new one."""
        self._session.close()

    def _ready(self) -> OutgoingSession:
        if time.monotonic() - self._used_at > _IDLE_S:
            self.close()
        return self._session

    def _read(self, answer: Response) -> Answer:
        self._used_at = time.monotonic()
        try:
            content = answer.json()
        except JSONDecodeError:
            content = {}
        return Answer(status=answer.status_code, json=content, headers=answer.headers)


class ApiProvider:
    """What the adapters share. One says how a message becomes a call, and reads the answers in its own words."""

    name: ClassVar[str]
    key_ttl: timedelta | None = None
    can_look_up = False
    batch_size = 1
    harmless: str
    """The path of a documented GET that changes nothing and needs our credentials."""

    def __init__(self, url: MailUrl, base: str, auth: AuthBase, reach: Reach) -> None:
        self.account = url.account
        self.api = Api(url.base(base), auth, reach)

    def deliver(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Outcome]]:
        """Post each message when its outcome is asked for."""
        for message in messages:
            yield message, self._hand_over(message)

    def lookup(self, send_id: str) -> Receipt | None:
        """None: this provider can't be asked by our id."""
        del send_id
        return None

    def check_credentials(self) -> tuple[int, str] | None:
        """Ask what changes nothing: the status, and the provider's word for what is wrong; None without an answer."""
        answer = self.api.get(self.harmless, {})
        return (answer.status, self._error(answer)) if answer else None

    def close(self) -> None:
        """Give back the connections."""
        self.api.close()

    def _hand_over(self, message: Message) -> Outcome:
        try:
            answer = self.api.post(self._call(message))
        except DeliveryError as error:
            return error
        return self._receipt(answer) if answer.is_ok else self._refusal(answer)

    def _call(self, message: Message) -> Call:
        raise NotImplementedError

    def _receipt(self, answer: Answer) -> Outcome:
        raise NotImplementedError

    def _error(self, answer: Answer) -> str:
        """The provider's own word for what is wrong, if it has one."""
        del answer
        return ""

    def _refusal(self, answer: Answer) -> DeliveryError:
        return refusal(answer, self._code(answer))

    def _code(self, answer: Answer) -> str:
        word = self._error(answer)
        return f"{self.name}_{word if _WORD.fullmatch(word) else answer.status}"

    def _taken(self, provider_message_id: str) -> Outcome:
        """A receipt. An answer of success that names no message may not be this provider's at all."""
        if not provider_message_id:
            return AmbiguousDeliveryError(f"{self.name}_odd_answer")
        return Receipt(provider=self.name, provider_message_id=provider_message_id[:200])


def refusal(answer: Answer, code: str) -> DeliveryError:
    """What a status means where the provider's own words do not say more."""
    status = answer.status
    if status == 429:
        return TransientDeliveryError(code, retry_after(answer))
    if status in {408, 425}:
        return TransientDeliveryError(code)
    if status in _OURS or 300 <= status < 400:
        return TransientDeliveryError(code, retry_after(answer), is_our_fault=True)
    if 400 <= status < 500:
        return PermanentDeliveryError(code)
    return AmbiguousDeliveryError(code)


def retry_after(answer: Answer) -> timedelta | None:
    """The wait that an answer asks for."""
    return wait_asked_for(answer.headers)


def wait_asked_for(headers: Mapping[str, str]) -> timedelta | None:
    """The wait that headers ask for, in seconds or until a date; no longer than our own longest."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        wait = timedelta(seconds=int(text)) if text.isdigit() else parsedate_to_datetime(text) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta(seconds=1)), _LONGEST_WAIT)
