"""Jotform: a multipart post whose `rawRequest` is JSON with a key such as `q4_email` a question. It does not sign.

https://www.jotform.com/help/245-how-to-setup-a-webhook-with-jotform/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from worker.domain.mapping import Answer
from worker.errors import Unmappable
from worker.hooks.decode import UNREADABLE, load_json
from worker.hooks.delivery import Delivery, table, texts, word

_QUESTION = re.compile(r"(q\d+)_(\w+)")
_PARTS = {"first": "first_name", "last": "last_name", "postal": "zip", "state": "state", "city": "city"}


def knows(data: Any) -> bool:
    """True for a post of Jotform."""
    return isinstance(data, dict) and "rawRequest" in data


def read(data: Any) -> Delivery | None:
    """The submission. Raises Unmappable."""
    try:
        questions = load_json(word(data["rawRequest"]))
    except (ValueError, RecursionError):
        raise Unmappable(UNREADABLE) from None
    asked = [(match, value) for name, value in table(questions).items() if (match := _QUESTION.fullmatch(name))]
    return Delivery(
        answers=tuple(answer for match, value in asked for answer in _answers(match, value)),
        event_id=word(data.get("submissionID")) or word(table(questions).get("submissionID")),
        place=word(data.get("formID")),
    )


def _answers(question: re.Match[str], value: Any) -> Iterator[Answer]:
    key, number, name = question[0], question[1], question[2]
    parts = table(value)
    named = {part: parts[part] for part in _PARTS if part in parts}
    if named:
        yield from (Answer(names=(f"{key}.{part}", _PARTS[part]), values=texts(inner)) for part, inner in named.items())
    elif parts:  # a phone number as {"area": …, "phone": …} or {"full": …}, a date, a rating
        yield Answer(names=(key, name, number), values=(" ".join(texts(parts)),))
    else:
        yield Answer(names=(key, name, number), values=texts(value))
