"""Read a DKIM key record (RFC 6376 section 3.6.1). Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from worker.doctor.catalogue import DKIM, DKIM_OURS, DKIM_STRENGTH
from worker.doctor.finding import Finding

STRONG_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What a record says. `public` is None where the key was revoked."""

    tags: dict[str, str]
    public: RSAPublicKey | bytes | None

    @property
    def is_test(self) -> bool:
        """True when receivers shall treat it as a trial."""
        return "y" in self.tags.get("t", "").split(":")


def parse_key(record: str) -> KeyRecord:
    """Raises ValueError, which says what is wrong with it."""
    parts = [part.strip() for part in record.split(";") if part.strip()]
    tags = {name.strip().lower(): "".join(value.split()) for name, _, value in (part.partition("=") for part in parts)}
    if tags.get("v", "DKIM1") != "DKIM1":
        raise ValueError("its version is not DKIM1")
    if "p" not in tags:
        raise ValueError("it has no p= with a key")
    if not tags["p"]:
        return KeyRecord(tags=tags, public=None)
    try:
        raw = base64.b64decode(tags["p"], validate=True)
        if tags.get("k", "rsa") == "ed25519":
            if len(raw) != 32:
                raise ValueError("an Ed25519 key has 32 bytes")
            return KeyRecord(tags=tags, public=raw)
        public = load_der_public_key(raw)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise ValueError("its key can't be read: is it cut off, or split in the wrong place?") from None
    if not isinstance(public, RSAPublicKey):
        raise ValueError("its key is not RSA")  # noqa: TRY004 - a bad record, not a bad call
    return KeyRecord(tags=tags, public=public)


def judge_key(name: str, records: list[str], ours: RSAPublicKey | None) -> Iterator[Finding]:
    """Findings about the records that stand at a selector."""
    keys = [record for record in records if "p=" in record.replace(" ", "")]
    if len(keys) != 1:
        yield DKIM.failed(f"{name} has {'no key' if not keys else f'{len(keys)} keys'}")
        return
    try:
        key = parse_key(keys[0])
    except ValueError as error:
        yield DKIM.failed(f"the key at {name} is broken: {error}")
        return
    yield DKIM.ok(f"{name} holds a key")
    yield _strength(name, key)
    if ours is not None:
        same = isinstance(key.public, RSAPublicKey) and _bytes(key.public) == _bytes(ours)
        yield DKIM_OURS.ok() if same else DKIM_OURS.failed(f"the key at {name} is not the one that we sign with")


def _strength(name: str, key: KeyRecord) -> Finding:
    if key.public is None:
        return DKIM_STRENGTH.failed(f"the key at {name} is revoked (its p= is empty)")
    if isinstance(key.public, RSAPublicKey) and key.public.key_size < STRONG_BITS:
        return DKIM_STRENGTH.failed(f"the key at {name} has {key.public.key_size} bits, not {STRONG_BITS}")
    if key.is_test:
        return DKIM_STRENGTH.warning(f"the key at {name} is marked as a trial (t=y)")
    if not isinstance(key.public, RSAPublicKey):
        return DKIM_STRENGTH.warning(f"the key at {name} is Ed25519, which large mailbox providers do not check yet")
    return DKIM_STRENGTH.ok(f"the key at {name} has {key.public.key_size} bits")


def _bytes(key: RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
