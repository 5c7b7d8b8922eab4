"""Who signed a webhook, and when: each vendor's own scheme, known by its headers, for tokens that have a secret.

A post that is not signed as its token wants is set aside for a person, not refused: it came by an address that
nobody can guess, so a changed secret is likelier than a forger, and the lead behind it is real.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook, WebhookVerificationError

BAD_SIGNATURE, TOO_OLD = "hook.signature", "hook.too_old"
FRESH = timedelta(minutes=5)

Headers = Mapping[str, str]


def suspicion(headers: Headers, body: bytes, secret: str, now: datetime) -> str | None:
    """Why this post can't be believed; None where it can. Header names are in lower case."""
    for header, check in _SCHEMES.items():
        if header in headers:
            try:
                return check(headers, body, secret, now)
            except (ValueError, binascii.Error, OverflowError):
                return BAD_SIGNATURE
    return BAD_SIGNATURE


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _mac(secret: bytes, *parts: bytes) -> bytes:
    return hmac.new(secret, b"".join(parts), hashlib.sha256).digest()


def _age(milliseconds: str, now: datetime) -> str | None:
    """TOO_OLD unless this time is about now."""
    at = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    return None if abs(now - at) <= FRESH else TOO_OLD


def _typeform(headers: Headers, body: bytes, secret: str, now: datetime) -> str | None:
    """No time is signed, so none can be too old: a repeat is known by its id."""
    del now
    expected = "sha256=" + base64.b64encode(_mac(secret.encode(), body)).decode()
    return None if _same(headers["typeform-signature"], expected) else BAD_SIGNATURE


def _webflow(headers: Headers, body: bytes, secret: str, now: datetime) -> str | None:
    at = headers.get("x-webflow-timestamp", "")
    expected = _mac(secret.encode(), at.encode(), b":", body).hex()
    return _age(at, now) if _same(headers["x-webflow-signature"], expected) else BAD_SIGNATURE


def _duda(headers: Headers, body: bytes, secret: str, now: datetime) -> str | None:
    """Its time has been seen in seconds and in milliseconds."""
    at = headers.get("x-duda-signature-timestamp", "")
    expected = base64.b64encode(_mac(base64.b64decode(secret), at.encode(), b".", body)).decode()
    if not _same(headers["x-duda-signature"], expected):
        return BAD_SIGNATURE
    return _age(at if len(at) > 11 else f"{at}000", now)


def _standard(headers: Headers, body: bytes, secret: str, now: datetime) -> str | None:
    """Standard Webhooks, which any program of your own can use; the library looks at the time itself."""
    del now
    try:
        Webhook(secret).verify(body, dict(headers))
    except WebhookVerificationError:
        return BAD_SIGNATURE
    return None


def _calendly(headers: Headers, body: bytes, secret: str, now: datetime) -> str | None:
    parts = dict(part.partition("=")[::2] for part in headers["calendly-webhook-signature"].split(","))
    at = parts.get("t", "")
    expected = _mac(secret.encode(), at.encode(), b".", body).hex()
    return _age(f"{at}000", now) if _same(parts.get("v1", ""), expected) else BAD_SIGNATURE


_SCHEMES: Mapping[str, Callable[[Headers, bytes, str, datetime], str | None]] = {
    "typeform-signature": _typeform,
    "x-webflow-signature": _webflow,
    "x-duda-signature": _duda,
    "calendly-webhook-signature": _calendly,
    "webhook-signature": _standard,
}
