"""One-time codes of an authenticator app (TOTP, RFC 6238): a key, its address for the app, and the step of a code.

SHA-1, six digits and 30 seconds, because that is what every app understands.
"""

from __future__ import annotations

import base64
import os
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

_PERIOD_S = 30
_KEY_BYTES = 20
_DRIFT = (0, -1, 1)
"""Steps beside the present one, for clocks that differ a little."""

_ISSUER = "The Albany Clinic"


def new_code_key() -> bytes:
    """A fresh key."""
    return os.urandom(_KEY_BYTES)


def step_of(key: bytes, code: str, now: datetime) -> int | None:
    """Which step this code belongs to; None where it is not right now. Each step is to be taken once only."""
    digits = "".join(code.split())
    present = int(now.timestamp()) // _PERIOD_S
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    for step in (present + drift for drift in _DRIFT):
        try:
            _totp(key).verify(digits.encode(), step * _PERIOD_S)
        except InvalidToken:
            continue
        return step
    return None


def code_at(key: bytes, now: datetime) -> str:
    """The code of this moment, as the app shows it."""
    return _totp(key).generate(int(now.timestamp())).decode()


def address_of(key: bytes, name: str) -> str:
    """What the QR code holds."""
    return _totp(key).get_provisioning_uri(name, _ISSUER)


def spelled(key: bytes) -> str:
    """The key for those who type it, in groups of four."""
    text = base64.b32encode(key).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _totp(key: bytes) -> TOTP:
    return TOTP(key, 6, SHA1(), _PERIOD_S, enforce_key_length=False)
