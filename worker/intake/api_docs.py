"""What `/openapi.json` and `/docs` say beyond the routes themselves, for web developers."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from worker.domain.events import LeadEvent
from worker.hooks.readers import READERS
from worker.intake.problem_docs import problems
from worker.intake.webhook_docs import webhooks

DESCRIPTION = (
    "Post a consultation form here. Every accepted submission is stored exactly once; suspicion quarantines, "
    "nothing is dropped. Fields that are not listed are kept. See `docs/integrators.md` for forms to copy."
)

_EXAMPLE = {
    "email": "maya@example.com",
    "first_name": "Maya",
    "location": "carbondale",
    "condition": ["depression"],
    "consent_email": True,
}

_FIELDS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": True,
    "properties": {
        "email": {"type": "string", "description": "one of email and phone is needed"},
        "phone": {"type": "string", "description": "an odd number is accepted and flagged"},
        "first_name": {"type": "string"},
        "last_name": {"type": "string"},
        "location": {
            "type": "string",
            "description": "carbondale, albany, or words that name the city or state",
        },
        "zip": {"type": "string"},
        "state": {"type": "string"},
        "condition": {"type": "array", "items": {"type": "string"}, "description": "ids or everyday words"},
        "treatment": {"type": "string", "description": "iv_ketamine, spravato or tms"},
        "message": {"type": "string"},
        "preferred_contact": {"type": "string"},
        "consent_email": {"type": "boolean", "description": "true, on, yes, 1: agrees to educational email"},
        "form": {"type": "string", "description": "key of a registered form; the clinic's own without it"},
        "page_url": {"type": "string"},
    },
    "example": _EXAMPLE,
}

SUBMISSION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            media: {"schema": _FIELDS}
            for media in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
        },
    },
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "maxLength": 200},
            "description": "same key and body: the same answer; another body: 422; still running: 409",
        }
    ],
}

_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Stored durably",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["submission_id", "reference", "status", "crisis"],
                    "properties": {
                        "submission_id": {"type": "string", "format": "uuid"},
                        "reference": {"type": "string"},
                        "status": {"const": "accepted"},
                        "crisis": {"type": "boolean", "description": "show the 988 panel now"},
                    },
                },
                "example": {
                    "submission_id": "9f0a6a4c-2a3c-5f0e-8f57-0c8c2f6f6a10",
                    "reference": "TAC-7Q4F-K2MD",
                    "status": "accepted",
                    "crisis": False,
                },
            }
        },
    },
    303: {"description": "An HTML form: to the form's thank-you page, or ours"},
}

SUBMISSION_RESPONSES = _ANSWERS | problems(
    _400=("Can't be read, or the key is over 200 characters", "unreadable", "idempotency-key"),
    _409=("The first request with this key is still running", "still-running"),
    _413=("Over 64 KB", "unreadable"),
    _415=("Another content type, or a file", "unreadable"),
    _422=("One entry per bad field; or the key belongs to another body", "validation", "idempotency-conflict"),
    _429=("Too many posts from this client", "too-many"),
    _503=("Could not be stored; nothing was", "not-saved"),
)
"""What `POST /v1/submissions` may answer."""


_EVENT_FIELDS: dict[str, Any] = {
    "type": "object",
    "required": ["event"],
    "additionalProperties": True,
    "properties": {
        "event": {"type": "string", "enum": [event.value for event in LeadEvent]},
        "lead_id": {"type": "string", "description": "one of lead_id, reference, email and phone is needed"},
        "reference": {"type": "string", "description": "as TAC-7Q4F-K2MD"},
        "email": {"type": "string"},
        "phone": {"type": "string"},
        "event_id": {"type": "string", "maxLength": 200, "description": "your own id: told twice, it happened once"},
    },
    "example": {"event": "consultation_booked", "email": "maya@example.com", "event_id": "booking-4711"},
}

EVENT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _EVENT_FIELDS}}},
    "security": [{"token": []}],
}

EVENT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Recorded, now or when it was told before",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["status", "event"],
                    "properties": {"status": {"const": "recorded"}, "event": {"type": "string"}},
                },
                "example": {"status": "recorded", "event": "consultation_booked"},
            }
        },
    },
}
EVENT_RESPONSES[202] = {
    "description": "Nobody is known by this, or not yet: kept for three days, and recorded when they write to us",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["status", "event"],
                "properties": {"status": {"const": "waiting"}, "event": {"type": "string"}},
            },
            "example": {"status": "waiting", "event": "consultation_booked"},
        }
    },
}
EVENT_RESPONSES |= problems(
    _400=("Can't be read", "unreadable"),
    _401=("No token, or one that is not in force", "token"),
    _403=("A token of another scope", "token-scope"),
    _404=("No lead has this lead_id; nothing else is said", "no-lead"),
    _409=("Several leads are known by this", "several-leads"),
    _413=("Over 64 KB", "unreadable"),
    _415=("Another content type, or a file", "unreadable"),
    _422=("One entry per bad field; or the event_id told something else", "validation", "idempotency-conflict"),
    _503=("Nothing was recorded; please repeat", "not-now"),
)
"""What `POST /v1/events` may answer."""

EMBED_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Under 5 KB; sets no cookie", "content": {"text/javascript": {"schema": {"type": "string"}}}}
}
EMBED_RESPONSES |= problems(_404=("No form of this key is registered", "form-unknown"))
"""What `GET /embed.js` may answer."""

HOOK: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "whatever the vendor sends; a JSON list is as many posts as it holds",
        "content": {
            "application/json": {
                "schema": {},
                "example": {"email": "maya@example.com", "first_name": "Maya", "submission_id": "4711"},
            },
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
            "multipart/form-data": {"schema": {"type": "object"}},
        },
    },
    "parameters": [
        {
            "name": "source",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": list(READERS)},
            "description": "the vendor; generic tells by what comes",
        },
        {
            "name": "token",
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": "nurture tokens add NAME --scope hooks --form KEY",
        },
    ],
}

HOOK_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Stored durably, also what can't be mapped yet; an event that is no form is let go",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["status", "forms"],
                    "properties": {
                        "status": {"const": "received"},
                        "forms": {"type": "integer", "description": "how many posts were in it"},
                    },
                },
                "example": {"status": "received", "forms": 1},
            }
        },
    }
}
HOOK_RESPONSES |= problems(
    _404=("No token of this kind is in force, or no such vendor", "hook-unknown"),
    _413=("Over 256 KB", "unreadable"),
    _429=("Too many tries with tokens that are not in force", "too-many"),
    _503=("Could not be stored; nothing was", "not-saved"),
)
"""What `POST /v1/hooks/{source}/{token}` may answer."""

FEEDBACK: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
}

FEEDBACK_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Received, whatever it was: how many of each kind, repeats and what was parked included",
        "content": {"application/json": {"schema": {"type": "object", "required": ["status"]}}},
    }
}
FEEDBACK_RESPONSES |= problems(
    _401=("Not signed by the provider, or too long ago", "feedback-signature"),
    _404=("This provider is not heard here", "feedback-unknown"),
    _413=("Over 2 MB", "unreadable"),
    _503=("Nothing was recorded; please repeat", "not-now"),
)
"""What `POST /v1/feedback/{provider}` may answer."""

_A_PAGE = {"200": {"description": "A page for people", "content": {"text/html": {"schema": {"type": "string"}}}}}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lead intake: API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/palette.css"><link rel="stylesheet" href="/static/clinic.css"></head>
<body><main><h1>Lead intake: API</h1><p>{description}</p>
<p>The machine-readable description is at <a href="/openapi.json">/openapi.json</a>.</p>{routes}</main></body></html>"""


def add_routes(app: FastAPI) -> None:
    """`/docs`: a plain page from the OpenAPI description; the usual viewers load scripts from elsewhere."""

    make = app.openapi

    def openapi() -> dict[str, Any]:
        description = make()
        schemes = description.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["token"] = {"type": "http", "scheme": "bearer", "description": "nurture tokens add NAME"}
        description["webhooks"] = webhooks()
        _leave_out_what_never_comes(description)
        return description

    app.__dict__["openapi"] = openapi  # as FastAPI has one add to it, in words that the type checker accepts

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        description = app.openapi()
        rows = "".join(
            f"<h2><code>{verb.upper()} {path}</code></h2><p>{operation.get('description', '')}</p>"
            + _answers(operation)
            for path, verbs in description["paths"].items()
            for verb, operation in verbs.items()
        )
        return HTMLResponse(_PAGE.format(description=DESCRIPTION, routes=rows))


def _leave_out_what_never_comes(description: dict[str, Any]) -> None:
    """FastAPI supposes that it refuses whatever has a parameter with 422; here every text is a good one."""
    schemas = description["components"].get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for verbs in description["paths"].values():
        for operation in verbs.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
            operation["responses"] = operation["responses"] or _A_PAGE


def _answers(operation: dict[str, Any]) -> str:
    items = "".join(
        f"<li><code>{status}</code> {answer['description']}</li>"
        for status, answer in operation.get("responses", {}).items()
    )
    return f"<ul>{items}</ul>"
