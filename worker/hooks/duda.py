"""Duda: `CONTACT_FORM_SENT_V2`, with the fields under `data.fieldsData`, or as `data` itself.

It gives no id, so its time and what was typed stand for one. https://developer.duda.co/reference/site-webhooks
"""

from __future__ import annotations

from typing import Any

from worker.domain.mapping import Answer
from worker.hooks.delivery import Delivery, rows, table, texts, word

_NOT_ANSWERS = {"form_title", "submit", "captcha"}


def knows(data: Any) -> bool:
    """True for any event of a Duda site."""
    return isinstance(data, dict) and "event_type" in data and ("resource_data" in data or _rows(data) is not None)


def read(data: Any) -> Delivery | None:
    """The form that was sent; None for an event that is none."""
    if not word(data.get("event_type")).startswith("CONTACT_FORM_SENT"):
        return None
    details = table(data.get("data"))
    campaign = [Answer(names=(name,), values=texts(value)) for name, value in details.items() if name[:4] == "utm_"]
    return Delivery(
        answers=(*(_answer(row) for row in rows(_rows(data)) if row.get("field_type") not in _NOT_ANSWERS), *campaign),
        moment=word(data.get("event_timestamp")),
        place=word(table(data.get("resource_data")).get("site_name")),
    )


def _rows(data: dict[str, Any]) -> list[Any] | None:
    inner = data.get("data")
    rows = inner.get("fieldsData") if isinstance(inner, dict) else inner
    return rows if isinstance(rows, list) else None


def _answer(row: dict[str, Any]) -> Answer:
    names = tuple(filter(None, (word(row.get(key)) for key in ("field_label", "field_id", "field_key"))))
    return Answer(names=names or ("",), values=texts(row.get("field_value")), kind=word(row.get("field_type")))
