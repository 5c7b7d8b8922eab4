"""Webflow: `form_submission`, in its second version under `payload`, in its first bare.

https://developers.webflow.com/data/reference/webhooks/events/form-submission
"""

from __future__ import annotations

from typing import Any

from worker.domain.mapping import Answer
from worker.hooks.delivery import Delivery, rows, table, texts, word


def knows(data: Any) -> bool:
    """True for either version."""
    return isinstance(data, dict) and ("triggerType" in data or ("data" in data and "site" in data and "_id" in data))


def read(data: Any) -> Delivery | None:
    """The form that was sent; None for an event that is none."""
    if word(data.get("triggerType") or "form_submission") != "form_submission":
        return None
    post = table(data.get("payload")) or data
    known = {word(row.get("fieldName")): row for row in rows(post.get("schema"))}
    return Delivery(
        answers=tuple(_answer(name, value, known.get(name, {})) for name, value in table(post.get("data")).items()),
        event_id=word(post.get("id") or post.get("_id")),
        moment=word(post.get("submittedAt") or post.get("d")),
        place=word(post.get("siteId") or post.get("site")),
    )


def _answer(name: str, value: Any, row: dict[str, Any]) -> Answer:
    element = word(row.get("fieldElementId"))
    return Answer(names=(name, element) if element else (name,), values=texts(value), kind=word(row.get("fieldType")))
