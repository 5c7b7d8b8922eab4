"""Resend. It signs as Svix does, which is Standard Webhooks under other header names; each attempt anew.

https://resend.com/docs/dashboard/webhooks/event-types and /verify-webhooks-requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from worker.domain.feedback import DeliveryEvent, EventKind
from worker.errors import FeedbackRefused
from worker.feedback.base import Reading, failure, load_json, part, send_id_in, status_in, text, word

_EVENTS = {
    "email.delivered": EventKind.DELIVERED,
    "email.delivery_delayed": EventKind.DEFERRED,
    "email.bounced": EventKind.SOFT_BOUNCE,  # by its type, below
    "email.complained": EventKind.COMPLAINED,
    "email.failed": EventKind.OUR_FAULT,
    "email.suppressed": EventKind.HARD_BOUNCE,
    "email.sent": None,
    "email.scheduled": None,
    "email.opened": None,
    "email.clicked": None,
    "email.received": None,
}

_BOUNCES = {
    "permanent": EventKind.HARD_BOUNCE,
    "transient": EventKind.SOFT_BOUNCE,
    "temporary": EventKind.SOFT_BOUNCE,
    "undetermined": EventKind.SOFT_BOUNCE,
}


class ResendFeedback:
    """`secret` is the webhook's signing secret, `whsec_…`."""

    name = "resend"

    def __init__(self, secret: str) -> None:
        self._webhook = Webhook(secret)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """The library has the window, five minutes, and reads the clock itself."""
        del now
        renamed = {f"webhook-{name}": headers.get(f"svix-{name}", "") for name in ("id", "timestamp", "signature")}
        try:
            self._webhook.verify(body, renamed, json_parse=False)
        except (WebhookVerificationError, ValueError):  # a signature that is no base64 is a ValueError
            raise FeedbackRefused("bad_signature") from None

    def read(self, body: bytes) -> Reading:
        """By the tables above."""
        return read(body)

    def confirm(self, url: str) -> None:
        """Resend does not ask."""


def read(body: bytes) -> Reading:
    """One event a post."""
    return Reading.of([_event(load_json(body))])


def _event(data: Any) -> DeliveryEvent | str | None:
    name, message_id = text(data, "type"), text(data, "data", "email_id")
    if name not in _EVENTS:
        return "resend_unknown_event"
    kind = _EVENTS[name]
    if kind is None:
        return None
    bounce = part(data, "data", "bounce")
    status, sort = status_in(text(bounce, "message")), text(bounce, "type").lower()
    if name == "email.bounced":
        if sort not in _BOUNCES:
            return "resend_unknown_bounce"
        kind = failure(status, is_final=True, unless=_BOUNCES[sort])
    return DeliveryEvent(
        event_id="/".join((name, message_id, text(data, "created_at"))),
        kind=kind,
        code=status or word(text(bounce, "subType")),
        send_id=send_id_in(_tag(part(data, "data", "tags"))),
        provider_message_id=message_id or None,
    )


def _tag(tags: Any) -> str | None:
    """Our id among the tags, which came as a list of pairs and come as an object."""
    if isinstance(tags, list):
        return next((text(tag, "value") for tag in tags if text(tag, "name") == "send_id"), None)
    return text(tags, "send_id")
