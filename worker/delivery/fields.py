"""A message in parts, for providers that want its fields instead of its bytes.

What such a provider sends says exactly what the finished message says: `fields_of` takes that apart again, and whoever
composes one and gives its fields along gives the same (tests compare them).
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.utils import parseaddr

_NOT_HEADERS = {"from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type"}
"""What has a field of its own at every provider, or is its own business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A message in parts. `headers` are those that no provider has a field for."""

    from_name: str
    from_address: str
    to: str
    reply_to: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: Mapping[str, str]

    @property
    def sender(self) -> str:
        """The sender as one string, its name quoted."""
        escaped = self.from_name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{self.from_address}>'


def fields_of(content: bytes) -> Fields:
    """The parts of a message that `mime.build` made, and of no other: it relies on how that one separates them."""
    head, _, body = content.partition(b"\r\n\r\n")
    message = BytesHeaderParser().parsebytes(head)
    raw_name, address = parseaddr(message["From"])
    _, text, html, _ = body.split(f"--{message.get_boundary()}".encode("ascii"))
    return Fields(
        from_name=_decoded(raw_name),
        from_address=address,
        to=message["To"],
        reply_to=message["Reply-To"],
        subject=_decoded(message["Subject"]),
        text=_body(text),
        html=_body(html),
        message_id=message["Message-ID"],
        headers={name: value for name, value in message.items() if name.lower() not in _NOT_HEADERS},
    )


def _decoded(value: str) -> str:
    unfolded = value.replace("\r\n", "").replace("\n", "")
    return str(make_header(decode_header(unfolded)))


def _body(part: bytes) -> str:
    """Quoted-printable text never holds the boundary, which begins with an equals sign and an underscore."""
    encoded = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    return binascii.a2b_qp(encoded).decode("utf-8").replace("\r\n", "\n")
