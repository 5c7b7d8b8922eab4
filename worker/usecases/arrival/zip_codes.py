"""Where each US ZIP code lies, from `zip_codes.txt`: a line each, in order, all of one length, like
`62901IL+37.7200-089.2158` with its state and the degrees of its middle.

A table of its own because the package that it is made from takes 38 MB in every process, and a millisecond for
each question. A test compares the two, and says how to make it anew.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

_LENGTH = 25
_TABLE = Path(__file__).with_suffix(".txt").read_bytes()


class ZipCode(NamedTuple):
    """The state of a ZIP code, and its middle in degrees."""

    state: str
    latitude: float
    longitude: float


def place_of_zip(five_digits: str) -> ZipCode | None:
    """Where it lies; None for one that does not exist."""
    wanted = five_digits.encode()
    at = bisect_left(range(len(_TABLE) // _LENGTH), wanted, key=_zip_on_line)
    if _zip_on_line(at) != wanted:
        return None
    line = _TABLE[at * _LENGTH : (at + 1) * _LENGTH].decode("ascii")
    return ZipCode(state=line[5:7], latitude=float(line[7:15]), longitude=float(line[15:]))


def _zip_on_line(number: int) -> bytes:
    return _TABLE[number * _LENGTH : number * _LENGTH + 5]
