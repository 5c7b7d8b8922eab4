"""Postmark. It does not sign; the webhook's address carries a user and a password (HTTP basic authentication).

https://postmarkapp.com/developer/webhooks/bounce-webhook and the pages beside it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from worker.domain.feedback import DeliveryEvent, EventKind
from worker.errors import FeedbackRefused
from worker.feedback.base import Reading, failure, load_json, send_id_in, status_in, text, word

_RECORDS = {
    "Delivery": EventKind.DELIVERED,
    "SpamComplaint": EventKind.COMPLAINED,
    "Bounce": EventKind.SOFT_BOUNCE,  # by its type, below
    "SubscriptionChange": EventKind.UNSUBSCRIBED,
    "Open": None,
    "Click": None,
}

_BOUNCES = {
    "HardBounce": EventKind.HARD_BOUNCE,
    "BadEmailAddress": EventKind.HARD_BOUNCE,
    "AddressChange": EventKind.HARD_BOUNCE,
    "ManuallyDeactivated": EventKind.HARD_BOUNCE,
    "Unsubscribe": EventKind.UNSUBSCRIBED,
    "SpamComplaint": EventKind.COMPLAINED,
    "Transient": EventKind.SOFT_BOUNCE,
    "SoftBounce": EventKind.SOFT_BOUNCE,
    "DnsError": EventKind.SOFT_BOUNCE,
    "UndeliverableByPostmark": EventKind.SOFT_BOUNCE,
    "Unknown": EventKind.SOFT_BOUNCE,
    "SpamNotification": EventKind.OUR_FAULT,
    "Blocked": EventKind.OUR_FAULT,
    "SMTPApiError": EventKind.OUR_FAULT,
    "TemplateRenderingFailed": EventKind.OUR_FAULT,
    "DMARCPolicy": EventKind.OUR_FAULT,
    "VirusNotification": EventKind.OUR_FAULT,
    "AutoResponder": EventKind.AUTO_REPLY,
    "ChallengeVerification": EventKind.AUTO_REPLY,
    "OpenRelayTest": None,
    "Subscribe": None,
    "InboundError": None,
}


class PostmarkFeedback:
    """`secret` is `user:password`, as it stands in the address that Postmark is given."""

    name = "postmark"

    def __init__(self, secret: str) -> None:
        self._expected = b"Basic " + base64.b64encode(secret.encode())

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Nothing is signed, so nothing can be too old: a repeat is known by its event's id."""
        del body, now
        if not hmac.compare_digest(headers.get("authorization", "").encode(errors="replace"), self._expected):
            raise FeedbackRefused("bad_signature")

    def read(self, body: bytes) -> Reading:
        """By the tables above."""
        return read(body)

    def confirm(self, url: str) -> None:
        """Postmark does not ask."""


def read(body: bytes) -> Reading:
    """One record a post."""
    return Reading.of([_event(load_json(body))])


def _event(data: Any) -> DeliveryEvent | str | None:
    record, kind_of_bounce = text(data, "RecordType"), text(data, "Type")
    if record not in _RECORDS or (record == "Bounce" and kind_of_bounce not in _BOUNCES):
        return "postmark_unknown_event"
    kind = _BOUNCES[kind_of_bounce] if record == "Bounce" else _RECORDS[record]
    if kind is None or (record == "SubscriptionChange" and data.get("SuppressSending") is not True):
        return None
    status = status_in(text(data, "Details"), text(data, "Description"))
    if kind in {EventKind.HARD_BOUNCE, EventKind.SOFT_BOUNCE}:
        kind = failure(status, is_final=True, unless=kind)
    if record == "SubscriptionChange":
        kind = _SUPPRESSED.get(text(data, "SuppressionReason"), kind)
    at = text(data, "DeliveredAt") or text(data, "BouncedAt") or text(data, "ChangedAt")
    return DeliveryEvent(
        event_id="/".join((record, text(data, "ID"), text(data, "MessageID"), at)),
        kind=kind,
        code=status or word(kind_of_bounce),
        send_id=send_id_in(text(data, "Metadata", "send_id")),
        provider_message_id=text(data, "MessageID") or None,
    )


_SUPPRESSED = {"HardBounce": EventKind.HARD_BOUNCE, "SpamComplaint": EventKind.COMPLAINED}
