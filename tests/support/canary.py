"""Searches bytes for words that must not be there, however they may be written down."""

from __future__ import annotations

import base64
import binascii
import html
import json
import quopri
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_DEEP = 2


def spellings(word: str) -> dict[str, set[bytes]]:
    """Every way in which a word may stand somewhere, by its name; all in lower case but base64."""
    plain = {word, word.lower(), word.upper(), word.capitalize()}
    raw = {text.encode() for text in plain}
    lower = word.lower()
    found = {
        "plain": {text.lower() for text in raw},
        "reversed": {text[::-1].encode().lower() for text in plain},
        "utf-16": {lower.encode("utf-16-le"), lower.encode("utf-16-be")},
        "latin-1": {lower.encode("latin-1", "ignore")},
        "hex": {binascii.hexlify(text).lower() for text in raw},
        "url": {coded(text).lower().encode() for text in plain for coded in (quote, quote_plus)},
        "json": {json.dumps(text)[1:-1].lower().encode() for text in plain},
        "python": {repr(text.encode())[2:-1].lower().encode() for text in plain},
        "html": {html.escape(text).encode("ascii", "xmlcharrefreplace").lower() for text in plain},
        "quoted-printable": {quopri.encodestring(text).lower() for text in raw},
        "base64": {piece for text in raw for piece in _offsets(text)},
    }
    return {name: {piece for piece in pieces if len(piece) >= 5} for name, pieces in found.items()}


def _offsets(text: bytes) -> Iterator[bytes]:
    """What every base64 of a longer text around this one holds, whichever way the threes fall."""
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + text)
        first, last = (0, 2, 3)[before], len(text) + before
        kept = coded.rstrip(b"=")[first : (last * 8) // 6]
        yield kept
        yield kept.replace(b"+", b"-").replace(b"/", b"_")


@dataclass(frozen=True)
class Canaries:
    """Unmistakable words. `found_in` names each that shows, and how it was written."""

    words: tuple[str, ...]

    def found_in(self, data: bytes) -> list[str]:
        pieces = [(word, how, spelled) for word in self.words for how, spelled in spellings(word).items()]
        hits = set()
        for layer in layers(data):
            folded = layer.lower()
            for word, how, spelled in pieces:
                where = layer if how == "base64" else folded
                if any(piece in where for piece in spelled):
                    hits.add(f"{word} ({how})")
        return sorted(hits)

    def found(self, places: Iterable[tuple[str, bytes]]) -> dict[str, list[str]]:
        """The places that hold a word."""
        return {name: hits for name, data in places if (hits := self.found_in(data))}


def layers(data: bytes, depth: int = _DEEP) -> Iterator[bytes]:
    """The bytes, and what is wrapped in them: base64 within JSON within base64, folded lines, zlib."""
    yield data
    yield data.replace(b"=\r\n", b"").replace(b"=\n", b"").replace(b"\r\n ", b"")
    if depth == 0:
        return
    inner = b"\n".join(_opened(match) for match in set(_BASE64.findall(data)))
    if inner.strip():
        yield from layers(inner, depth - 1)


def _opened(text: bytes) -> bytes:
    body = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        plain = base64.b64decode(body[:-1] if len(body) % 4 == 1 else body + b"=" * (-len(body) % 4))
    except binascii.Error:
        return b""
    for wrapped in (zlib.MAX_WBITS, -zlib.MAX_WBITS, zlib.MAX_WBITS | 16):
        try:
            return plain + b"\n" + zlib.decompressobj(wrapped).decompress(plain)
        except zlib.error:
            continue
    return plain
