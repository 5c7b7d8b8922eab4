"""Sealing: AES-256-GCM with a key ring, so that what leaves a process can't be read or moved (I6).

Each sealed value carries its key's id and is bound to its place (table, column, row, or the spool) by
associated data: a value copied elsewhere does not open. The first key of the ring seals, all of them open.
Look-ups use a keyed hash instead; its key is drawn once per installation and kept sealed in the database.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from worker.errors import BrokenSeal, ConfigurationError, UnknownSealKey

_VERSION = "s1"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_KEY_ID_MAX = 40


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id; the first one seals. Printing a ring shows ids only."""

    keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.keys)})"

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read `id:base64,id:base64`. Raises ConfigurationError, which never quotes a key."""
        keys: dict[str, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            key_id, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError:  # binascii.Error is one; so is a character that is not ASCII
                key = b""
            if not is_key_id(key_id) or len(key) != _KEY_BYTES:
                raise ConfigurationError(
                    "NRT-E010",
                    f"entry {len(keys) + 1} of NURTURE_SECRET_KEYS is not id:base64 of {_KEY_BYTES} bytes",
                    "make one with: nurture keys new",
                )
            keys[key_id] = key
        if not keys:
            raise ConfigurationError("NRT-E011", "NURTURE_SECRET_KEYS holds no key", "make one with: nurture keys new")
        return cls(keys)

    def seal(self, plain: bytes, place: str) -> str:
        """The sealed form of `plain`, which opens at `place` only."""
        key_id = self.first
        nonce = os.urandom(_NONCE_BYTES)
        boxed = AESGCM(self.keys[key_id]).encrypt(nonce, plain, _bound(key_id, place))
        return f"{_VERSION}.{key_id}.{base64.urlsafe_b64encode(nonce + boxed).decode()}"

    def open(self, sealed: str, place: str) -> bytes:
        """What was sealed for `place`. Raises UnknownSealKey or BrokenSeal."""
        version, _, rest = sealed.partition(".")
        key_id, _, encoded = rest.partition(".")
        if version != _VERSION or not encoded or not is_key_id(key_id):
            raise BrokenSeal("not a sealed value")
        if key_id not in self.keys:
            raise UnknownSealKey(key_id)
        try:
            boxed = base64.urlsafe_b64decode(encoded)
            return AESGCM(self.keys[key_id]).decrypt(boxed[:_NONCE_BYTES], boxed[_NONCE_BYTES:], _bound(key_id, place))
        except (InvalidTag, ValueError) as error:
            raise BrokenSeal("the seal is broken, or the value was moved") from error

    @property
    def first(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def sign(self, message: str, purpose: str) -> str:
        """A short signature (128 bits, URL-safe) by the sealing key, for what lives for hours, not years."""
        return _signature(next(iter(self.keys.values())), message, purpose)

    def has_signed(self, message: str, signature: str, purpose: str) -> bool:
        """True when any key of the ring made this signature."""
        return any(_is_same(_signature(key, message, purpose), signature) for key in self.keys.values())


def prefix_of(key_id: str) -> str:
    """How every value begins that this key has sealed."""
    return f"{_VERSION}.{key_id}."


_SEALED_TEXT = re.compile(rf"{_VERSION}\.(\w+)\.")


def key_ids_in(text: str) -> list[str]:
    """The key ids of the sealed values in a text, in order."""
    return [key_id for key_id in _SEALED_TEXT.findall(text) if is_key_id(key_id)]


def is_key_id(text: str) -> bool:
    """True for what may name a key; anything else in its place is damage, and is never shown."""
    return text.isalnum() and len(text) <= _KEY_ID_MAX


def new_key(key_id: str) -> str:
    """A fresh ring entry, `id:base64`."""
    return f"{key_id}:{base64.b64encode(os.urandom(_KEY_BYTES)).decode()}"


@dataclass(frozen=True, slots=True)
class LookupKey:
    """The installation's key for keyed hashes and permanent tokens; it outlives every ring key."""

    key: bytes

    def __repr__(self) -> str:
        return "LookupKey(…)"

    @classmethod
    def new(cls) -> LookupKey:
        """A fresh one, for a new installation."""
        return cls(os.urandom(_KEY_BYTES))

    def hash(self, value: str, purpose: str) -> str:
        """The keyed hash of a normalised value, 64 hexadecimal digits."""
        return hmac.digest(self.key, f"{purpose}\0{value}".encode(), "sha256").hex()  # in one go: half the time

    def sign(self, message: str, purpose: str) -> str:
        """A signature (128 bits, URL-safe) that stays good for the installation's life."""
        return _signature(self.key, message, purpose)

    def has_signed(self, message: str, signature: str, purpose: str) -> bool:
        """True when this installation made the signature."""
        return _is_same(self.sign(message, purpose), signature)


def _signature(key: bytes, message: str, purpose: str) -> str:
    digest = hmac.digest(key, f"sign\0{purpose}\0{message}".encode(), "sha256")[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _is_same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode(errors="replace"))


def _bound(key_id: str, place: str) -> bytes:
    return f"{_VERSION}|{key_id}|{place}".encode()
