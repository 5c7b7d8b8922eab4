"""Providers' webhooks as their documentation shows them, signed as they sign. Everybody in them is fictional."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from worker.feedback.base import FeedbackSource
from worker.feedback.ses import SesFeedback
from worker.feedback.sources import open_sources

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
SEND = "6a1c9c1e-3f5b-5b7e-9a41-0d2f4c8e7b10"
ADDRESS = "maya@example.com"

TOPIC = "arn:aws:sns:us-east-1:123456789012:nurture-events"
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
RESEND_SECRET = "whsec_" + base64.b64encode(b"a secret of at least 24 bytes").decode()
MAILGUN_KEY = "a-webhook-signing-key"
POSTMARK_SECRET = "albany:a long password"

_SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())
SENDGRID_PUBLIC = base64.b64encode(
    _SENDGRID_KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
_AMAZON_KEY = rsa.generate_private_key(65537, 2048)
_AMAZON = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
_CERTIFICATE = (
    x509.CertificateBuilder()
    .subject_name(_AMAZON)
    .issuer_name(_AMAZON)
    .public_key(_AMAZON_KEY.public_key())
    .serial_number(7)
    .not_valid_before(NOW - timedelta(days=1))
    .not_valid_after(NOW + timedelta(days=3650))
    .sign(_AMAZON_KEY, hashes.SHA256())
    .public_bytes(serialization.Encoding.PEM)
)

SECRETS = {
    "postmark": POSTMARK_SECRET,
    "mailgun": MAILGUN_KEY,
    "resend": RESEND_SECRET,
    "sendgrid": SENDGRID_PUBLIC,
}


@dataclass
class Amazon:
    """Stands in for Amazon's web servers: it has one certificate, and notes what is asked of it."""

    asked: list[str] = field(default_factory=list)

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return _CERTIFICATE


def sources(amazon: Amazon | None = None) -> dict[str, FeedbackSource]:
    """Every provider, with the secrets that the posts below are signed with."""
    return {**open_sources(SECRETS), "ses": SesFeedback(TOPIC, (amazon or Amazon()).fetch)}


@dataclass(frozen=True)
class Post:
    """One post of a provider."""

    source: str
    body: bytes
    headers: dict[str, str]


def postmark(record: str = "Delivery", *, send: str = SEND, **more: Any) -> Post:
    data = {
        "RecordType": record,
        "ID": 4323372036854775807,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"send_id": send},
        "Recipient": ADDRESS,
        "Email": ADDRESS,
        "Details": "",
        "DeliveredAt": "2026-03-02T15:59:00Z",
        "Tag": "",
        **more,
    }
    password = base64.b64encode(POSTMARK_SECRET.encode()).decode()
    return Post("postmark", json.dumps(data).encode(), {"authorization": f"Basic {password}"})


def mailgun(event: str = "delivered", *, send: str = SEND, at: datetime = NOW, **more: Any) -> Post:
    timestamp, token = str(int(at.timestamp())), "1c8b7f9e0a4d4b2f9d8e7c6b5a4938271605f4e3d2c1b0a998"
    signature = hmac.new(MAILGUN_KEY.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
    data = {
        "event": event,
        "id": f"{event}-W3X4JOhFT-OZidZGKKr9iA",
        "timestamp": at.timestamp(),
        "recipient": ADDRESS,
        "user-variables": {"send_id": send},
        "message": {"headers": {"message-id": f"{send}@mail.albanyclinic.example.com"}},
        **more,
    }
    signed = {"signature": {"timestamp": timestamp, "token": token, "signature": signature}, "event-data": data}
    return Post("mailgun", json.dumps(signed).encode(), {"content-type": "application/json"})


def resend(event: str = "email.delivered", *, send: str = SEND, at: datetime | None = None, **more: Any) -> Post:
    """Signed at this very moment, as its library checks it against the real clock."""
    data = {
        "type": event,
        "created_at": "2026-03-02T15:59:00.000Z",
        "data": {
            "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "from": "The Albany Clinic <carbondale@mail.albanyclinic.example.com>",
            "to": [ADDRESS],
            "subject": "We have your request",
            "tags": {"send_id": send},
            **more,
        },
    }
    body, at = json.dumps(data), at or datetime.now(UTC)
    headers = {
        "svix-id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": Webhook(RESEND_SECRET).sign("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", at, body),
    }
    return Post("resend", body.encode(), headers)


def sendgrid(event: str = "delivered", *, send: str = SEND, at: datetime = NOW, **more: Any) -> Post:
    return sendgrid_posts([sendgrid_event(event, send=send, **more)], at=at)


def sendgrid_event(event: str, *, send: str = SEND, **more: Any) -> dict[str, Any]:
    return {
        "event": event,
        "email": ADDRESS,
        "timestamp": int(NOW.timestamp()),
        "sg_event_id": f"{event}-ZGVsaXZlcmVkLTA",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "smtp-id": f"<{send}@mail.albanyclinic.example.com>",
        "send_id": send,
        **more,
    }


def sendgrid_posts(events: list[Any], *, at: datetime = NOW) -> Post:
    body, timestamp = json.dumps(events).encode(), str(int(at.timestamp()))
    signature = _SENDGRID_KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": timestamp,
    }
    return Post("sendgrid", body, headers)


def ses(event: str = "Delivery", *, send: str = SEND, at: datetime = NOW, **more: Any) -> Post:
    message = {
        "eventType": event,
        "mail": {
            "messageId": "0100018f2c3d4e5f-6a7b8c9d-0000-4000-8000-123456789abc-000000",
            "source": f"bounce+{send.replace('-', '')}@mail.albanyclinic.example.com",
            "destination": [ADDRESS],
            "tags": {"ses:configuration-set": ["nurture"], "send_id": [send]},
        },
        **more,
    }
    return sns("Notification", at=at, Message=json.dumps(message))


def sns(kind: str, *, at: datetime = NOW, version: str = "2", topic: str = TOPIC, **more: str) -> Post:
    data = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": topic,
        "Timestamp": at.isoformat().replace("+00:00", "Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        "Message": "",
        **more,
    }
    signed = sorted(
        {"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} & set(data)
    )
    text = "".join(f"{name}\n{data[name]}\n" for name in signed)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    data["Signature"] = base64.b64encode(_AMAZON_KEY.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()
    return Post("ses", json.dumps(data).encode(), {"x-amz-sns-message-type": kind})


DELIVERED: dict[str, Callable[..., Post]] = {
    "mailgun": mailgun,
    "postmark": postmark,
    "resend": resend,
    "sendgrid": sendgrid,
    "ses": ses,
}
"""Each provider's word that an email arrived."""
