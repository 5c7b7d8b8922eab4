"""Build the bytes of a message ourselves, because the standard library's folding corrupts some of them.

`email.policy` turns a long `List-Unsubscribe` into an encoded-word, which stops one-click unsubscribe
(RFC 8058), and loses spaces in some non-ASCII subjects (python/cpython#92081, #144156). Here structured
headers stay verbatim ASCII, and only Subject and display names are encoded, by the older encoder.
Sources: RFC 5322, 2047, 2045 (quoted-printable), 8058, 3834 (Auto-Submitted).
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

# Everything that some reader, or email.header.Header, takes for a line break, and other controls.
_CRLF_IN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a message says, before it is bytes. Addresses are ASCII; `message_id` has no angle brackets."""

    from_name: str
    from_address: str
    to: str
    reply_to: str
    subject: str
    text: str
    html: str
    date: datetime
    message_id: str
    unsubscribe_url: str | None
    list_id: str
    feedback_id: str


def build(letter: Letter) -> bytes:
    """The message as it goes over the wire: CRLF, 7-bit, lines within 78 octets where they can be.

    Raises ValueError for a header value with a line break or a non-ASCII address: neither may leave.
    """
    boundary = f"=_{letter.message_id.partition('@')[0].replace('.', '-')}"
    headers = [
        _from(letter.from_name, letter.from_address),
        _structured("To", letter.to),
        _structured("Reply-To", letter.reply_to),
        _unstructured("Subject", letter.subject),
        _structured("Date", format_datetime(letter.date)),
        _structured("Message-ID", f"<{letter.message_id}>"),
        _structured("Auto-Submitted", "auto-generated"),
        _structured("X-Auto-Response-Suppress", "OOF, AutoReply"),
        _structured("List-Id", f"<{letter.list_id}>"),
        _structured("Feedback-ID", letter.feedback_id),
        *_unsubscribe_headers(letter.unsubscribe_url),
        _structured("MIME-Version", "1.0"),
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
    ]
    parts = "".join(
        f"--{boundary}\r\n{_part(kind, body)}\r\n" for kind, body in (("plain", letter.text), ("html", letter.html))
    )
    return ("\r\n".join(headers) + "\r\n\r\n" + parts + f"--{boundary}--\r\n").encode("ascii")


def _unsubscribe_headers(url: str | None) -> list[str]:
    if url is None:
        return []
    return [
        _structured("List-Unsubscribe", f"<{url}>"),
        _structured("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]


def _from(name: str, address: str) -> str:
    """The From header; an encoded name may be folded, the address is checked like any structured value."""
    return f"From: {_display_name(name)} {_structured('', f'<{address}>').removeprefix(': ')}"


def _structured(name: str, value: str) -> str:
    if _CRLF_IN.search(value):
        raise ValueError(f"header {name} holds a line break")
    value.encode("ascii")
    return f"{name}: {value}"


def _unstructured(name: str, value: str) -> str:
    if _CRLF_IN.search(value):
        raise ValueError(f"header {name} holds a line break")
    charset = "utf-8" if not value.isascii() or "=?" in value else "us-ascii"
    return f"{name}: " + Header(value, charset, maxlinelen=76, header_name=name).encode(linesep="\r\n")


def _display_name(name: str) -> str:
    if _CRLF_IN.search(name):
        raise ValueError("a display name holds a line break")
    if not name.isascii() or "=?" in name:
        return Header(name, "utf-8", maxlinelen=75, header_name="From").encode(linesep="\r\n")
    if _ATOM.fullmatch(name) and "  " not in name and name == name.strip():
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _part(kind: str, body: str) -> str:
    encoded = binascii.b2a_qp(body.replace("\r\n", "\n").encode(), istext=True).decode("ascii")
    return (
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded.replace("\n", "\r\n")
    )
