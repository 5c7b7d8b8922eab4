"""What a vendor's webhook says, in one shape: who sends what, when, and under which id."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.domain.mapping import Answer

_WINDOW_S = 600
"""Where a vendor gives neither an id nor a time, the same answers within so many seconds are one post."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One posted form. `event_id` is the vendor's own, `moment` its time and `place` its site, where it tells them."""

    answers: tuple[Answer, ...]
    event_id: str = ""
    moment: str = ""
    place: str = ""

    @property
    def digest(self) -> str:
        """The same for the same answers, whatever the envelope says and however they are mapped."""
        told = sorted((answer.names, answer.values) for answer in self.answers)
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()

    def key(self, secret: str, received_at: datetime) -> str:
        """What this post is known by, however often it comes: the vendor's id, else a keyed hash of what it says."""
        if self.event_id:
            return self.event_id
        when = self.moment or str(int(received_at.timestamp()) // _WINDOW_S)
        return keyed(secret, json.dumps([self.place, when, self.digest]))


def keyed(secret: str, text: str) -> str:
    """A hash that nobody can make or check without the secret: what it hides may be guessable."""
    return hmac.new(secret.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def texts(value: Any) -> tuple[str, ...]:
    """The texts in a JSON value: lists one by one, true and false as words, nested objects by their values."""
    return tuple(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case None:
            return
        case str():
            yield value
        case bool():
            yield "true" if value else "false"
        case int() | float():
            yield str(value)
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)


def word(value: Any) -> str:
    """A scalar as text; empty for anything else."""
    return next(iter(texts(value)), "") if isinstance(value, str | int | float) else ""


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a JSON list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def table(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
