"""The emails that stages send: ours as they are, and the same ones as long as a newsletter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.world import SHIPPED

_LONGER = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """Content to send, and what to call it in a table."""

    says: str
    files: Mapping[str, str]


def _lengthened(path: str, text: str) -> str:
    """An email with its body several times over; every other file as it is."""
    if not path.startswith("emails/"):
        return text
    front, body = text.rsplit("+++\n", 1)
    return f"{front}+++\n{body * _LONGER}"


OURS = Letters(says="an email of ours", files=SHIPPED)
LONG = Letters(says="a long one", files={path: _lengthened(path, text) for path, text in SHIPPED.items()})
BY_NAME = {"ours": OURS, "long": LONG}
