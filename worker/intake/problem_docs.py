"""Problem documents as the OpenAPI description tells them: by status, with every `type` that may come."""

from __future__ import annotations

from typing import Any

from worker.domain.leads import Language
from worker.intake.problems import TYPES

_FIELD_ERROR = {
    "pointer": "/email",
    "code": "email.syntax",
    "detail": "Please enter an email address like name@example.com.",
}
_EXAMPLE = {
    "type": f"{TYPES}validation",
    "title": "Please check one field",
    "status": 422,
    "detail": "Each entry of `errors` names a field.",
    "errors": [_FIELD_ERROR],
}
_LANGUAGE = {
    "Content-Language": {
        "description": "The language of `title` and `detail`.",
        "required": True,
        "schema": {"type": "string", "enum": [language.value for language in Language]},
    }
}


def problems(**statuses: tuple[str, *tuple[str, ...]]) -> dict[int | str, dict[str, Any]]:
    """Problem documents by status, as `_401=("what it means", "the", "types")`."""
    return {int(name.removeprefix("_")): _answer(text, kinds) for name, (text, *kinds) in statuses.items()}


def _answer(text: str, kinds: list[str]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _schema(kinds)}
    if "validation" in kinds:
        content["example"] = _EXAMPLE
    return {"description": text, "headers": _LANGUAGE, "content": {"application/problem+json": content}}


def _schema(kinds: list[str]) -> dict[str, Any]:
    words = {"type": "string"}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "enum": [TYPES + kind for kind in kinds]},
            "title": words,
            "status": {"type": "integer"},
            "detail": words,
            "errors": {
                "type": "array",
                "items": {"type": "object", "properties": dict.fromkeys(_FIELD_ERROR, words)},
            },
        },
    }
