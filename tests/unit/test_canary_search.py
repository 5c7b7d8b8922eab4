"""The search that proves the absence of words must find them, however they are written down."""

from __future__ import annotations

import base64
import json
import quopri
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.canary import Canaries

WORD = "Fledermäuschen"
CANARIES = Canaries((WORD,))
NOISE = b"{'id': '0192f7a4', 'at': '2026-03-02T16:00:00Z', 'state': 'planned'} "

WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "upper case": lambda text: text.decode().upper().encode(),
    "reversed": lambda text: text.decode()[::-1].encode(),
    "utf-16": lambda text: text.decode().encode("utf-16"),
    "latin-1": lambda text: text.decode().encode("latin-1"),
    "hex": lambda text: text.hex().encode(),
    "upper-case hex": lambda text: text.hex().upper().encode(),
    "url": lambda text: quote(text).encode(),
    "json": lambda text: json.dumps(text.decode()).encode(),
    "python bytes": lambda text: repr(text).encode(),
    "quoted-printable": quopri.encodestring,
    "quoted-printable, folded": lambda text: quopri.encodestring(b"x" * 65 + text),
    "base64": base64.b64encode,
    "url-safe base64": base64.urlsafe_b64encode,
    "base64 in json in base64": lambda text: base64.b64encode(b'{"a": "%b"}' % base64.b64encode(text)),
    "zlib in base64": lambda text: base64.b64encode(zlib.compress(text * 3)),
}


@pytest.mark.parametrize("how", sorted(WRITTEN))
@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "for Mr "])
def test_a_planted_word_is_found(how: str, before: str) -> None:
    planted = WRITTEN[how](f"{before}{WORD} of 12 Lane".encode())

    assert CANARIES.found_in(NOISE + planted + NOISE) != []


def test_nothing_is_found_where_nothing_is() -> None:
    assert CANARIES.found_in(NOISE * 100 + base64.b64encode(NOISE * 10)) == []


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_base64_is_found_at_every_offset(before: bytes, after: bytes) -> None:
    assert CANARIES.found_in(base64.b64encode(before + WORD.encode() + after)) != []
