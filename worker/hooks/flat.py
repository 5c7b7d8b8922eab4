"""Any other program: names and values, however deep. A field is known by its last name and by its whole path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from worker.domain.mapping import Answer
from worker.hooks.delivery import Delivery, texts, word

_IDS = ("submission_id", "submissionId", "entry_id", "event_id", "id", "uuid")
_DEEP = 6


def knows(data: Any) -> bool:
    """True for any object."""
    return isinstance(data, dict)


def read(data: Any) -> Delivery | None:
    """Every value in it."""
    return Delivery(
        answers=tuple(_answers(data, ())),
        event_id=next((found for name in _IDS if (found := word(data.get(name)))), ""),
    )


def _answers(data: dict[str, Any], path: tuple[str, ...]) -> Iterator[Answer]:
    for name, value in data.items():
        here = (*path, name)
        if isinstance(value, dict) and len(here) < _DEEP:
            yield from _answers(value, here)
        elif len(here) > 1 or name not in _IDS:
            yield Answer(names=tuple(dict.fromkeys((name, ".".join(here)))), values=texts(value))
