"""Build the bytes of a message ourselves, because the standard library's folding corrupts some of them.

`email.policy` turns a long `List-Unsubscribe` into an encoded-word, which stops one-click unsubscribe
(RFC 8058), and loses spaces in some non-ASCII subjects (python/cpython#92081, #144156). Here structured
headers stay verbatim ASCII, and only Subject and display names are encoded, by the older encoder.
Sources: RFC 5322, 2047, 2045 (quoted-printable), 8058, 3834 (Auto-Submitted).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache

from worker.delivery.quoted import Quoted

_PART_OF = {
    kind: f"\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    for kind in ("plain", "html")
}

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """All of a message that is the same for everyone who gets it, encoded once."""

    sender: str
    subject: str
    fixed: str
    text: Quoted
    html: Quoted
    gaps: frozenset[str]
    """The values that a person's message needs."""

    @classmethod
    def of(
        cls, *, from_name: str, from_address: str, reply_to: str, subject: str, list_id: str, feedback_id: str,
        text: Quoted, html: Quoted,
    ) -> Frame:  # fmt: skip
        """Raises ValueError for a header value with a line break or a non-ASCII address: neither may leave."""
        return cls(
            sender=_from(from_name, from_address),
            subject=f"{_structured('Reply-To', reply_to)}\r\n{_unstructured('Subject', subject)}",
            fixed="\r\n".join(
                (
                    _structured("Auto-Submitted", "auto-generated"),
                    _structured("X-Auto-Response-Suppress", "OOF, AutoReply"),
                    _structured("List-Id", f"<{list_id}>"),
                    _structured("Feedback-ID", feedback_id),
                )
            ),
            text=text,
            html=html,
            gaps=frozenset((*text.gaps, *html.gaps)),
        )

    def headers(self, unsubscribe_url: str | None) -> dict[str, str]:
        """Those that no provider has a field for, as `filled` writes them: never encoded, never folded."""
        lines = (*self.fixed.split("\r\n"), *_unsubscribe_headers(unsubscribe_url))
        return {name: value for name, _, value in (line.partition(": ") for line in lines)}

    def filled(
        self, *, to: str, date: datetime, message_id: str, unsubscribe_url: str | None,
        text_values: Mapping[str, str], html_values: Mapping[str, str],
    ) -> bytes:  # fmt: skip
        """One person's message as it goes over the wire: CRLF, 7-bit, lines within 78 octets where they can be.

        Raises ValueError as `of` does.
        """
        boundary = f"=_{message_id.partition('@')[0].replace('.', '-')}"
        headers = (
            self.sender,
            _structured("To", to),
            self.subject,
            _dated(date),
            _structured("Message-ID", f"<{message_id}>"),
            self.fixed,
            *_unsubscribe_headers(unsubscribe_url),
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
        )
        between, encoded = f"\r\n--{boundary}", dict[str, str]()
        return "".join(
            (
                "\r\n".join(headers), "\r\n", between, _PART_OF["plain"], *self.text.pieces(text_values, encoded),
                between, _PART_OF["html"], *self.html.pieces(html_values, encoded), between, "--\r\n",
            )
        ).encode("ascii")  # fmt: skip


def build(letter: Letter) -> bytes:
    """A message of one's own. Raises ValueError as `Frame` does."""
    frame = Frame.of(
        from_name=letter.from_name,
        from_address=letter.from_address,
        reply_to=letter.reply_to,
        subject=letter.subject,
        list_id=letter.list_id,
        feedback_id=letter.feedback_id,
        text=Quoted.of([letter.text]),
        html=Quoted.of([letter.html]),
    )
    return frame.filled(
        to=letter.to,
        date=letter.date,
        message_id=letter.message_id,
        unsubscribe_url=letter.unsubscribe_url,
        text_values={},
        html_values={},
    )


@lru_cache(maxsize=16)
def _dated(date: datetime) -> str:
    """A group's messages have one date."""
    return f"Date: {format_datetime(date)}"


def _unsubscribe_headers(url: str | None) -> list[str]:
    if url is None:
        return []
    return [_structured("List-Unsubscribe", f"<{url}>"), "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]


def _from(name: str, address: str) -> str:
    """The From header; an encoded name may be folded, the address is checked like any structured value."""
    return f"From: {_display_name(name)} {_structured('', f'<{address}>').removeprefix(': ')}"


def _structured(name: str, value: str) -> str:
    if value.isascii() and value.isprintable():
        return f"{name}: {value}"
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
