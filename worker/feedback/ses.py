"""Amazon SES, whose events come through an SNS topic. Signed by a certificate of Amazon's.

Anybody may make a topic of their own, and Amazon signs for it just as well: the topic's name is checked first.
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

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
from worker.outgoing import OutgoingError, OutgoingSession

Fetch = Callable[[str], bytes]

_HOST = re.compile(r"sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?")
_TIMEOUT_S = (3, 5)
_CERTIFICATES_KEPT = 4
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}

_EVENTS = {
    "Delivery": EventKind.DELIVERED,
    "DeliveryDelay": EventKind.DEFERRED,
    "Bounce": EventKind.SOFT_BOUNCE,  # by its type, below
    "Complaint": EventKind.COMPLAINED,
    "Reject": EventKind.OUR_FAULT,
    "Rendering Failure": EventKind.OUR_FAULT,
    "Subscription": None,
    "Send": None,
    "Open": None,
    "Click": None,
}
_BOUNCES = {
    "Permanent": EventKind.HARD_BOUNCE,
    "Transient": EventKind.SOFT_BOUNCE,
    "Undetermined": EventKind.SOFT_BOUNCE,
}


def fetch(url: str) -> bytes:
    """What stands at one of Amazon's addresses. No redirects, a certificate that is checked, and little patience."""
    with OutgoingSession() as session:
        answer = session.get(url, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        return answer.content


class SesFeedback:
    """`secret` is the ARN of the topic that SES publishes to."""

    name = "ses"

    def __init__(self, secret: str, fetch: Fetch = fetch) -> None:
        self._topic, self._fetch = secret, fetch
        self._certificates: dict[str, x509.Certificate] = {}

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Topic, address of the certificate, signature, age: in this order, so that strangers cost no fetch."""
        del headers
        data = load_json(body)
        if text(data, "TopicArn") != self._topic:
            raise FeedbackRefused("other_topic")
        certificate = self._certificate(text(data, "SigningCertURL"))
        try:
            key = certificate.public_key()
            if not isinstance(key, rsa.RSAPublicKey):
                raise FeedbackRefused("bad_signature")
            signature = base64.b64decode(text(data, "Signature"), validate=True)
            key.verify(signature, _signed_text(data), padding.PKCS1v15(), _HASHES[text(data, "SignatureVersion")])
            at = datetime.fromisoformat(text(data, "Timestamp"))
            require_fresh(at, now, A_DAY)
        except (InvalidSignature, ValueError, KeyError, TypeError):
            raise FeedbackRefused("bad_signature") from None

    def read(self, body: bytes) -> Reading:
        """By the tables above."""
        return read(body)

    def confirm(self, url: str) -> None:
        """Say yes to the subscription of our own topic."""
        try:
            self._fetch(_amazon(url))
        except OutgoingError:
            raise FeedbackRefused("not_confirmed") from None

    def _certificate(self, url: str) -> x509.Certificate:
        if url not in self._certificates:
            if not urlsplit(_amazon(url)).path.endswith(".pem"):
                raise FeedbackRefused("other_certificate")
            try:
                found = x509.load_pem_x509_certificate(self._fetch(url))
            except (OutgoingError, ValueError):
                raise FeedbackRefused("no_certificate") from None
            while len(self._certificates) >= _CERTIFICATES_KEPT:
                self._certificates.pop(next(iter(self._certificates)))
            self._certificates[url] = found
        return self._certificates[url]


def _amazon(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not _HOST.fullmatch(parts.netloc):
        raise FeedbackRefused("other_certificate")
    return url


def _signed_text(data: Any) -> bytes:
    names = _SIGNED[text(data, "Type")]
    return "".join(f"{name}\n{data[name]}\n" for name in names if data.get(name) is not None).encode()


def read(body: bytes) -> Reading:
    """A notification holds one event, as JSON within JSON."""
    data = load_json(body)
    match text(data, "Type"):
        case "SubscriptionConfirmation":
            return Reading(confirm_url=text(data, "SubscribeURL"))
        case "UnsubscribeConfirmation":
            return Reading(unmapped=("ses_unsubscribed",))
    return Reading.of([_event(text(data, "MessageId"), load_json(text(data, "Message").encode()))])


def _event(notification: str, data: Any) -> DeliveryEvent | str | None:
    name = text(data, "eventType") or text(data, "notificationType")
    if name not in _EVENTS:
        return "ses_unknown_event"
    kind = _EVENTS[name]
    if kind is None:
        return None
    status, code = "", name
    if name == "Bounce":
        sort = text(data, "bounce", "bounceType")
        if sort not in _BOUNCES:
            return "ses_unknown_bounce"
        recipients = part(data, "bounce", "bouncedRecipients")
        first = recipients[0] if isinstance(recipients, list) and recipients else {}
        status = status_in(text(first, "status"), text(first, "diagnosticCode"))
        kind = failure(status, is_final=True, unless=_BOUNCES[sort])
        code = text(data, "bounce", "bounceSubType")
    return DeliveryEvent(
        event_id=text(data, name[:1].lower() + name[1:], "feedbackId") or notification,
        kind=kind,
        code=status or word(code),
        send_id=_send_id(part(data, "mail")),
        provider_message_id=text(data, "mail", "messageId") or None,
    )


def _send_id(mail: Any) -> str | None:
    """From our tag, the return path, or the Message-ID as we wrote it: SES sends its own."""
    tags, headers = part(mail, "tags", "send_id"), part(mail, "headers")
    ours = [text(header, "value") for header in headers or () if text(header, "name").lower() == "message-id"]
    return send_id_in(*(tags if isinstance(tags, list) else ()), text(mail, "source"), *ours)
