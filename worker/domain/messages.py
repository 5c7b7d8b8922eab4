"""What a broker message must look like for a worker to read it; anything else is set aside, not dropped (I8)."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


def what_is_wrong(raw: bytes) -> str | None:
    """Why a message can't be taken off the broker's hands as a Celery message; None where it can."""
    try:
        message = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return "not_utf8"
    except (ValueError, RecursionError):
        return "not_json"
    if not isinstance(message, dict):
        return "not_a_message"
    properties = message.get("properties")
    if not isinstance(properties, dict) or not isinstance(properties.get("delivery_info"), dict):
        return "no_properties"
    if not isinstance(properties.get("delivery_tag"), str):
        return "no_delivery_tag"
    if not isinstance(message.get("headers"), dict):
        return "no_headers"
    return None if isinstance(message.get("body"), str) else "no_body"


def queue_of(raw: bytes) -> str | None:
    """The queue that a readable message was for."""
    if what_is_wrong(raw) is not None:
        return None
    info: dict[str, Any] = json.loads(raw)["properties"]["delivery_info"]
    routing_key = info.get("routing_key")
    return routing_key if isinstance(routing_key, str) else None


def text_of(raw: bytes) -> str:
    """A message with its body decoded, as far as it can be: what to search it for. Never raises."""
    text = raw.decode("utf-8", errors="replace")
    try:
        message: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return "\n".join([text, *_bodies(message)])


def _bodies(message: Any) -> list[str]:
    """The bodies of a message, or of the list in which an unacknowledged one is kept."""
    if isinstance(message, list):
        return [body for part in message for body in _bodies(part)]
    body = message.get("body") if isinstance(message, dict) else None
    if not isinstance(body, str):
        return []
    try:
        return [base64.b64decode(body, validate=True).decode("utf-8", errors="replace")]
    except binascii.Error:
        return [body]
