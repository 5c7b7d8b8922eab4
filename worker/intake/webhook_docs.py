"""The `webhooks` of the OpenAPI description: what other systems are told, made from what is really posted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from worker.domain.outgoing_events import MEANS, Contact, EventType, Fact, body
from worker.storage.alerts import AlertKind

_MORE: Mapping[str, Mapping[str, str]] = {
    EventType.LEAD_UNSUBSCRIBED: {"reason": "unsubscribed"},
    EventType.EMAIL_SENT: {"send_id": "6a3c1f0e-7a4d-5d0a-9a55-3f6d1c0b8e21"},
    EventType.LEAD_ERASED: {"reference": "TAC-7Q4F-K2MD"},
}
_LEAD = {"reference": "TAC-7Q4F-K2MD", "location": "carbondale", "is_test": False}
_HEADERS = [
    {"name": f"webhook-{name}", "in": "header", "required": True, "schema": {"type": "string"}}
    for name in ("id", "timestamp", "signature")
]
_ANSWERS = {
    "2XX": {"description": "Taken"},
    "410": {"description": "Gone: nothing is told any more until someone resumes it"},
    "default": {"description": "Told again, later and later, under the same webhook-id"},
}


def webhooks() -> dict[str, Any]:
    """Every event by its type."""
    alerts = {f"alert.{kind}": f"Staff were told: {kind.replace('_', ' ')}" for kind in AlertKind}
    return {kind: {"post": _operation(kind, summary)} for kind, summary in {**MEANS, **alerts}.items()}


def _operation(kind: str, summary: str) -> dict[str, Any]:
    alert = {"alert_id": "5d0a1f0e-7a4d-5d0a-9a55-3f6d1c0b8e21"}
    fact = Fact(
        type=kind,
        at=datetime(2026, 3, 2, 16, tzinfo=UTC),
        lead_id="0192f7a4-1c5e-7d3a-8b6f-2e4d6c8a0b1c",
        detail=_MORE.get(kind, {}) if kind in MEANS else alert,
    )
    example = body(fact, None if kind == EventType.LEAD_ERASED else _LEAD, Contact(), frozenset())
    return {
        "summary": summary,
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in _HEADERS
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["type", "timestamp", "data"],
                        "properties": {
                            "type": {"const": kind},
                            "timestamp": {"type": "string", "format": "date-time"},
                            "data": {"type": "object", "required": ["lead_id"], "additionalProperties": True},
                        },
                    },
                    "example": example,
                }
            },
        },
        "responses": _ANSWERS,
    }
