"""Mailgun. HMAC-SHA256 of timestamp and token by the account's webhook signing key.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from worker.domain.feedback import DeliveryEvent, EventKind
from worker.errors import FeedbackRefused
from worker.feedback.base import (
    A_DAY,
    Reading,
    failure,
    load_json,
    part,
    require_fresh,
    send_id_in,
    status_in,
    text,
    word,
)

_EVENTS = {
    "delivered": EventKind.DELIVERED,
    "failed": EventKind.SOFT_BOUNCE,  # by severity, reason and status, below
    "rejected": EventKind.OUR_FAULT,
    "complained": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "accepted": None,
    "opened": None,
    "clicked": None,
    "stored": None,
}

_REASONS = {
    "bounce": EventKind.HARD_BOUNCE,
    "suppress-bounce": EventKind.HARD_BOUNCE,
    "suppress-complaint": EventKind.COMPLAINED,
    "suppress-unsubscribe": EventKind.UNSUBSCRIBED,
    "espblock": EventKind.OUR_FAULT,
    "old": EventKind.SOFT_BOUNCE,
    "generic": EventKind.SOFT_BOUNCE,
}
"""Why a permanent failure is permanent, where no status code says it."""


class MailgunFeedback:
    """`secret` is the webhook signing key."""

    name = "mailgun"

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """The signature stands in the body. It covers no content: only TLS keeps that whole on the way."""
        del headers
        signed = part(load_json(body), "signature")
        timestamp, token = text(signed, "timestamp"), text(signed, "token")
        expected = hmac.new(self._key, (timestamp + token).encode(), hashlib.sha256).hexdigest()
        if not timestamp.isdigit() or not hmac.compare_digest(
            expected.encode(), text(signed, "signature").encode(errors="replace")
        ):
            raise FeedbackRefused("bad_signature")
        require_fresh(datetime.fromtimestamp(int(timestamp), UTC), now, A_DAY)

    def read(self, body: bytes) -> Reading:
        """By the tables above."""
        return read(body)

    def confirm(self, url: str) -> None:
        """Mailgun does not ask."""


def read(body: bytes) -> Reading:
    """One event a post."""
    return Reading.of([_event(part(load_json(body), "event-data"))])


def _event(data: Any) -> DeliveryEvent | str | None:
    name = text(data, "event")
    if name not in _EVENTS or not text(data, "id"):
        return "mailgun_unknown_event"
    kind = _EVENTS[name]
    if kind is None:
        return None
    delivery = part(data, "delivery-status")
    status = status_in(text(delivery, "enhanced-code"), text(delivery, "message"))
    reason = text(data, "reason")
    if name == "failed":
        kind = _failed(status, text(data, "severity"), reason)
    message_id = text(data, "message", "headers", "message-id")
    return DeliveryEvent(
        event_id=text(data, "id"),
        kind=kind,
        code=status or word(reason),
        send_id=send_id_in(text(data, "user-variables", "send_id"), message_id),
        provider_message_id=message_id or None,
    )


def _failed(status: str, severity: str, reason: str) -> EventKind:
    if reason.startswith("suppress-"):
        return _REASONS.get(reason, EventKind.HARD_BOUNCE)
    return failure(status, is_final=severity == "permanent", unless=_REASONS.get(reason, EventKind.SOFT_BOUNCE))
