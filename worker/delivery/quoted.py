"""Text in quoted-printable with gaps for a person's few values (RFC 2045 section 6.7).

What is the same for everyone is encoded once. A soft line break stands on both sides of each gap, so that what is
filled in neither joins a line to more than 76 characters nor shows: decoded, the text is as if written whole.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LONGEST = 76
_SOFT_BREAK = "=\r\n"
_PLAIN = re.compile(r"[!-\-/-<>-~](?:[ -<>-~]{0,70}[!-<>-~])?")
"""No equals sign, no dot first, no blank at either end, and short enough for a line of its own."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """`constants[0] gaps[0] constants[1] gaps[1] … constants[-1]`, the constants encoded."""

    constants: tuple[str, ...]
    gaps: tuple[str, ...]

    @classmethod
    def of(cls, pieces: Sequence[str]) -> Quoted:
        """From plain text, gap, plain text, gap, … plain text: what `re.split` gives for a pattern in brackets."""
        constants = [_encoded(piece) for piece in pieces[::2]]
        return cls((*map(_closed, constants[:-1]), constants[-1]), tuple(pieces[1::2]))

    def filled(self, values: Mapping[str, str]) -> str:
        """The whole text, encoded."""
        return "".join(self.pieces(values, {}))

    def pieces(self, values: Mapping[str, str], encoded: dict[str, str]) -> list[str]:
        """The whole text, encoded, in pieces. `encoded` keeps what values become, for other parts too."""
        pieces = [self.constants[0]]
        for gap, constant in zip(self.gaps, self.constants[1:], strict=True):
            value = values[gap]
            if value not in encoded:
                encoded[value] = _value(value)
            pieces += (encoded[value], constant)
        return pieces


def _value(text: str) -> str:
    """What stands in a gap. Most values are plain words on one line, and read the same encoded."""
    if _PLAIN.fullmatch(text):
        return text + _SOFT_BREAK
    return _closed(_encoded(text))


def _encoded(text: str) -> str:
    plain = text.replace("\r\n", "\n").encode()
    return binascii.b2a_qp(plain, istext=True).decode("ascii").replace("\n", "\r\n")


def _closed(encoded: str) -> str:
    """Followed by a soft break, unless it ends a line anyway."""
    if not encoded or encoded.endswith("\n"):
        return encoded
    start = encoded.rfind("\n") + 1
    if len(encoded) - start < _LONGEST:
        return encoded + _SOFT_BREAK
    cut = start + _LONGEST - 4
    while "=" in encoded[cut - 2 : cut]:  # never through the middle of an encoded octet
        cut -= 1
    return encoded[:cut] + _SOFT_BREAK + encoded[cut:] + _SOFT_BREAK
