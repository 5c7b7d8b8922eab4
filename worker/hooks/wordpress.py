"""WordPress: the Webhooks add-on of Gravity Forms, and the webhook action of Elementor Pro, plain or "advanced".

Gravity Forms names its fields by number alone, so their form's entry must say which is which.
"""

from __future__ import annotations

import re
from typing import Any

from worker.domain.mapping import Answer
from worker.hooks.delivery import Delivery, table, texts, word

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_GRAVITY = {"form_id", "date_created", "source_url"}
_ELEMENTOR_META = {"Date", "Time", "Remote IP", "User Agent", "Powered by", "form_id", "form_name", "Credit"}


def knows_gravity(data: Any) -> bool:
    """True for an entry of Gravity Forms."""
    return isinstance(data, dict) and data.keys() >= _GRAVITY


def read_gravity(data: Any) -> Delivery | None:
    """The entry: what stands under a number was asked, the rest is about the entry."""
    asked = [Answer(names=(name,), values=texts(value)) for name, value in data.items() if _NUMBER.fullmatch(name)]
    return Delivery(
        answers=(*asked, Answer(names=("page_url",), values=texts(data["source_url"]))),
        event_id=word(data.get("id")),
        moment=word(data["date_created"]),
        place=word(data["form_id"]),
    )


def knows_elementor(data: Any) -> bool:
    """True for either shape; the plain one bears the form's name, or says who powers it."""
    if not isinstance(data, dict):
        return False
    advanced = isinstance(data.get("fields"), dict) and isinstance(data.get("form"), dict)
    return advanced or ("form_name" in data and "form_id" in data) or data.get("Powered by") == "Elementor"


def read_elementor(data: Any) -> Delivery | None:
    """The form that was sent. Elementor gives it no id."""
    if not isinstance(data.get("fields"), dict):
        asked = [(name, value) for name, value in data.items() if name not in _ELEMENTOR_META]
        return Delivery(
            answers=tuple(Answer(names=(name,), values=texts(value)) for name, value in asked),
            place=word(data.get("form_id")),
        )
    page = word(table(table(data.get("meta")).get("page_url")).get("value"))
    return Delivery(
        answers=(
            *(_advanced(name, table(row)) for name, row in data["fields"].items()),
            Answer(names=("page_url",), values=texts(page)),
        ),
        place=word(table(data.get("form")).get("id")),
    )


def _advanced(name: str, row: dict[str, Any]) -> Answer:
    names = dict.fromkeys(filter(None, (word(row.get("title")), name, word(row.get("id")))))
    value = row.get("raw_value") if row.get("raw_value") is not None else row.get("value")
    return Answer(names=tuple(names), values=texts(value), kind=word(row.get("type")))
