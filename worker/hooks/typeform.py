"""Typeform: `form_response`, where an answer names its question by id and the definition tells its words.

https://www.typeform.com/developers/webhooks/example-payload/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from worker.domain.mapping import Answer
from worker.hooks.delivery import Delivery, rows, table, texts, word


def knows(data: Any) -> bool:
    """True for a response to a Typeform."""
    return isinstance(data, dict) and isinstance(data.get("form_response"), dict)


def read(data: Any) -> Delivery | None:
    """The response; None for an event of another kind."""
    if not word(data.get("event_type") or "form_response").startswith("form_response"):
        return None
    response = data["form_response"]
    titles = dict(_titles(table(response.get("definition")).get("fields")))
    answers = [_answer(row, titles) for row in rows(response.get("answers"))]
    hidden = [Answer(names=(name,), values=texts(value)) for name, value in table(response.get("hidden")).items()]
    return Delivery(
        answers=(*answers, *hidden),
        event_id=word(response.get("token")),
        moment=word(response.get("submitted_at")),
        place=word(response.get("form_id")),
    )


def _titles(fields: Any) -> Iterator[tuple[str, str]]:
    """The words of each question, by its id; questions of a group stand within it."""
    for row in rows(fields):
        yield word(row.get("id")), word(row.get("title"))
        yield from _titles(table(row.get("properties")).get("fields") or row.get("fields"))


def _answer(row: dict[str, Any], titles: dict[str, str]) -> Answer:
    field, kind = table(row.get("field")), word(row.get("type"))
    field_id = word(field.get("id"))
    names = tuple(filter(None, (titles.get(field_id, ""), word(field.get("ref")), field_id)))
    return Answer(names=names or ("",), values=_values(row.get(kind)), kind=kind)


def _values(value: Any) -> tuple[str, ...]:
    """What was chosen, by its words: `label` and `other`, or `labels`; the ids beside them say nothing to us."""
    if isinstance(value, dict):
        return texts([value.get("label"), value.get("labels"), value.get("other")])
    return texts(value)
