"""Sign messages (DKIM, RFC 6376), for SMTP relays that do not sign for us.

Every header that a reader acts on is signed once more than it stands there, so that none can be changed and none can
be added: a second List-Unsubscribe breaks the signature as a changed one does. No time goes into it: the same
message has the same signature.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from worker.errors import ConfigurationError

BITS = 2048
SIGNED = (
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "mime-version", "content-type",
    "auto-submitted", "list-id", "feedback-id", "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
"""Present or not: what is listed and absent can't be added on the way."""

_BLANKS = re.compile(rb"[ \t]+")
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSigner:
    """Signs as `domain`, or as the domain of each message's From where it is empty."""

    key: rsa.RSAPrivateKey = field(repr=False)
    selector: str
    domain: str = ""

    @classmethod
    def read(cls, key: str, selector: str, domain: str) -> DkimSigner:
        """From a private key in PEM. Raises ConfigurationError, which quotes nothing."""
        try:
            private = serialization.load_pem_private_key(key.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < BITS:
            problem = f"NURTURE_DKIM_KEY is not an RSA private key of {BITS} bits in PEM"
            raise ConfigurationError("NRT-E025", problem, "make one with: nurture keys dkim")
        if not _SELECTOR.fullmatch(selector):
            problem = "NURTURE_DKIM_SELECTOR is not a name for DNS"
            raise ConfigurationError("NRT-E025", problem, "use lower-case letters, digits and hyphens")
        return cls(key=private, selector=selector, domain=domain.lower())

    def sign(self, content: bytes) -> bytes:
        """The message with its signature on top."""
        head, _, body = content.partition(b"\r\n\r\n")
        headers = _headers(head)
        digest = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode()
        names = [name for name in SIGNED for _ in range(len(headers.get(name, [])) + 1)]
        unsigned = (
            f"v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d={self.domain or _domain(headers)}; s={self.selector};\r\n"
            f" h={_folded(':'.join(names), ':')};\r\n bh={digest};\r\n b="
        )
        lines = [_next(headers, name, seen) for name, seen in _counted(names)]
        lines.append(_relaxed("dkim-signature", unsigned.encode()))
        to_sign = b"\r\n".join(line for line in lines if line)
        signature = self.key.sign(to_sign, padding.PKCS1v15(), hashes.SHA256())
        encoded = _folded(base64.b64encode(signature).decode(), "")
        return f"DKIM-Signature: {unsigned}{encoded}\r\n".encode() + content


def new_key() -> str:
    """A fresh private key in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def dns_record(signer: DkimSigner) -> str:
    """What stands in DNS at `<selector>._domainkey.<domain>`, as one text."""
    public = signer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def _headers(head: bytes) -> dict[str, list[bytes]]:
    """Each header's values, as they stand, by its name in lower case."""
    found: dict[str, list[bytes]] = {}
    for line in re.split(rb"\r\n(?![ \t])", head):
        name, _, value = line.partition(b":")
        found.setdefault(name.decode("ascii").lower(), []).append(value)
    return found


def _domain(headers: dict[str, list[bytes]]) -> str:
    return headers["from"][0].decode("ascii").rpartition("@")[2].rstrip("> ").lower()


def _counted(names: list[str]) -> list[tuple[str, int]]:
    """Each name with how often it came before."""
    return [(name, names[:place].count(name)) for place, name in enumerate(names)]


def _next(headers: dict[str, list[bytes]], name: str, seen: int) -> bytes:
    """The header to sign for the n-th mention of its name: from the last upwards, then nothing."""
    values = headers.get(name, [])
    return _relaxed(name, values[-1 - seen]) if seen < len(values) else b""


def _relaxed(name: str, value: bytes) -> bytes:
    return name.encode() + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip()


def _relaxed_body(body: bytes) -> bytes:
    plain = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").rstrip(b"\r\n ")
    return plain + b"\r\n" if plain else b""


def _folded(text: str, after: str) -> str:
    """In lines of at most 72 characters, broken after `after`, or anywhere."""
    pieces = re.findall(r".{1,70}" if not after else rf"(?:[^{after}]+{after}?)", text)
    lines = [""]
    for piece in pieces:
        if len(lines[-1]) + len(piece) > 72:
            lines.append("")
        lines[-1] += piece
    return "\r\n ".join(lines)
