"""Look into a mail without trusting it: headers and bodies as text, whatever it claims about itself."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import Message
from html.parser import HTMLParser

MAX_TEXT = 20_000
"""Characters of a text that are looked at: enough for any person, and for no attack on a pattern."""

_SPACES = re.compile(r"[ \t\xa0]+")


def parse(raw: bytes) -> Message:
    """The mail. The old policy: the new one raises for some malformed headers that real systems send."""
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def header(message: Message, name: str) -> str:
    """A header as text, unfolded; empty where it is missing."""
    return " ".join(str(message.get(name, "")).split())


def headers(message: Message, *names: str) -> list[str]:
    """Every occurrence of these headers."""
    return [" ".join(str(value).split()) for name in names for value in message.get_all(name, [])]


def parts_of(message: Message, kind: str) -> list[Message]:
    """The parts of a type, wherever they stand."""
    return [part for part in message.walk() if part.get_content_type() == kind]


def text_of(part: Message) -> str:
    """The text of a part, whatever it claims about its encoding."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


def body_of(message: Message) -> str:
    """What a person wrote: the plain text, else the HTML without its marks; attachments are left out."""
    inline = [part for part in message.walk() if part.get_content_disposition() != "attachment"]
    for kind, read in (("text/plain", text_of), ("text/html", lambda part: plain(text_of(part)))):
        texts = [read(part) for part in inline if part.get_content_type() == kind]
        if any(text.strip() for text in texts):
            return "\n".join(texts)[:MAX_TEXT]
    return ""


def plain(html: str) -> str:
    """HTML as text, without what it quotes from us."""
    reader = _Text()
    reader.feed(html[: MAX_TEXT * 10])
    reader.close()
    lines = (_SPACES.sub(" ", line).strip() for line in "".join(reader.pieces).splitlines())
    return "\n".join(line for line in lines if line)


class _Text(HTMLParser):
    """Collects text. Mail programs that mark what they quote put it into a `blockquote`."""

    _LEFT_OUT = frozenset({"blockquote", "head", "script", "style", "title"})
    _BREAKS = frozenset({"br", "div", "li", "p", "tr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._left_out = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._left_out += tag in self._LEFT_OUT
        if tag in self._BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._left_out = max(0, self._left_out - (tag in self._LEFT_OUT))

    def handle_data(self, data: str) -> None:
        if not self._left_out:
            self.pieces.append(data)
