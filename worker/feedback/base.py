"""The shape of every source of feedback: check who speaks, then turn foreign words into ours by a table.

A source changes nothing and stores nothing. What it can't map it says so, and the whole is parked; what is
known to mean nothing to us (opened, clicked: we never turn tracking on) is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from worker.domain.feedback import DeliveryEvent, EventKind, kind_of_status
from worker.errors import FeedbackRefused

SOON = timedelta(minutes=5)
"""How old a signature may be where each attempt is signed anew."""

A_DAY = timedelta(hours=25)
"""The same where a provider repeats the first signature for as long as it tries: events are idempotent anyway."""

_SEND_ID = re.compile(
    r"(?<![0-9a-f])([0-9a-f]{8})-?([0-9a-f]{4})-?(5[0-9a-f]{3})-?([89ab][0-9a-f]{3})-?([0-9a-f]{12})(?![0-9a-f])",
    re.IGNORECASE,
)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_WORD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a post said. `unmapped` are closed codes; `confirm_url` is to be fetched to accept a subscription."""

    events: tuple[DeliveryEvent, ...] = ()
    unmapped: tuple[str, ...] = ()
    confirm_url: str | None = None

    @classmethod
    def of(cls, found: Sequence[DeliveryEvent | str | None]) -> Reading:
        """Events, codes of what could not be mapped, and None for what means nothing to us."""
        return cls(
            events=tuple(item for item in found if isinstance(item, DeliveryEvent)),
            unmapped=tuple(item for item in found if isinstance(item, str)),
        )


class FeedbackSource(Protocol):
    """One provider's webhook."""

    @property
    def name(self) -> str:
        """The last word of its address, `/v1/feedback/NAME`."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Check that the provider wrote this, lately. Header names are in lower case. Raises FeedbackRefused."""

    def read(self, body: bytes) -> Reading:
        """What it says. Never raises."""

    def confirm(self, url: str) -> None:
        """Accept a subscription, where the provider asks for that."""


def load_json(body: bytes) -> Any:
    """The JSON of a body; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def part(data: Any, *path: str) -> Any:
    """A value deep in JSON; None where anything on the way is missing or of another kind."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def text(data: Any, *path: str) -> str:
    """The same, as text; empty where it is none."""
    found = part(data, *path)
    return found if isinstance(found, str) else str(found) if isinstance(found, int | float) else ""


def send_id_in(*candidates: Any) -> str | None:
    """Our send's id in the first of these that bears one: itself, a Message-ID, or a return path (VERP)."""
    for candidate in candidates:
        if isinstance(candidate, str) and (found := _SEND_ID.search(candidate)):
            return "-".join(found.groups()).lower()
    return None


def status_in(*candidates: Any) -> str:
    """The first enhanced status code (RFC 3463) in these texts; empty where there is none."""
    found = (_STATUS.search(candidate) for candidate in candidates if isinstance(candidate, str))
    return next((match[1] for match in found if match), "")


def word(candidate: str) -> str:
    """A provider's word as a code: nothing in it that could be an address or a sentence."""
    return _WORD.sub("_", candidate).strip("_")[:40].lower()


def failure(status: str, *, is_final: bool, unless: EventKind = EventKind.SOFT_BOUNCE) -> EventKind:
    """The kind of a failure: by its status code where it has one, else as the provider judged it."""
    if not is_final:
        return EventKind.DEFERRED
    by_status = kind_of_status(status) if status else unless
    return unless if by_status is EventKind.SOFT_BOUNCE and status in {"", "5.0.0"} else by_status


def require_fresh(at: datetime, now: datetime, within: timedelta) -> None:
    """Refuse what was signed too long ago, or in the future."""
    if not now - within <= at <= now + SOON:
        raise FeedbackRefused("too_old")
