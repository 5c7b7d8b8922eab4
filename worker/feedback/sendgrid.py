"""SendGrid. ECDSA over timestamp and body, by a key of the webhook's own; up to thousands of events a post.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and the page on its security features.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from worker.domain.feedback import DeliveryEvent, EventKind
from worker.errors import FeedbackRefused
from worker.feedback.base import A_DAY, Reading, failure, load_json, require_fresh, send_id_in, status_in, text, word

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

_EVENTS = {
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "bounce": EventKind.HARD_BOUNCE,  # unless its type or status says otherwise, below
    "blocked": EventKind.SOFT_BOUNCE,
    "dropped": EventKind.OUR_FAULT,  # by its reason, below
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "group_resubscribe": None,  # only a consent given to us counts
    "processed": None,
    "open": None,
    "click": None,
}

_DROPS = {
    "bounced address": EventKind.HARD_BOUNCE,
    "invalid": EventKind.HARD_BOUNCE,
    "spam reporting address": EventKind.COMPLAINED,
    "unsubscribed address": EventKind.UNSUBSCRIBED,
}


class SendgridFeedback:
    """`secret` is the webhook's verification key: a public key, base64."""

    name = "sendgrid"

    def __init__(self, secret: str) -> None:
        key = load_der_public_key(base64.b64decode(secret))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise TypeError("not an elliptic curve key")
        self._key = key

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """The timestamp is signed with the body."""
        timestamp = headers.get(_TIMESTAMP, "")
        try:
            signature = base64.b64decode(headers.get(_SIGNATURE, ""), validate=True)
            self._key.verify(signature, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
            at = datetime.fromtimestamp(int(timestamp), UTC)
        except (InvalidSignature, ValueError, OverflowError, OSError):
            raise FeedbackRefused("bad_signature") from None
        require_fresh(at, now, A_DAY)

    def read(self, body: bytes) -> Reading:
        """By the tables above."""
        return read(body)

    def confirm(self, url: str) -> None:
        """SendGrid does not ask."""


def read(body: bytes) -> Reading:
    """A list of events."""
    data = load_json(body)
    return Reading.of([_event(item) for item in data] if isinstance(data, list) else ["sendgrid_not_a_list"])


def _event(data: Any) -> DeliveryEvent | str | None:
    name, event_id = text(data, "event"), text(data, "sg_event_id")
    if name not in _EVENTS or not event_id:
        return "sendgrid_unknown_event"
    kind = _EVENTS[name]
    if kind is None:
        return None
    status, reason = status_in(text(data, "status"), text(data, "reason")), text(data, "reason")
    if name == "bounce":
        judged = EventKind.SOFT_BOUNCE if text(data, "type") == "blocked" else kind
        kind = failure(status, is_final=True, unless=judged)
    if name == "dropped":
        kind = _DROPS.get(reason.lower(), kind)
    return DeliveryEvent(
        event_id=event_id,
        kind=kind,
        code=status or (word(reason) if reason.lower() in _DROPS else name),
        send_id=send_id_in(text(data, "send_id"), text(data, "smtp-id")),
        provider_message_id=text(data, "sg_message_id").partition(".")[0] or None,
    )
