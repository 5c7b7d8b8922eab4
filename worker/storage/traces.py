"""By what a person could be found again: ids, hashes, seals, and (in memory only) what they are called.

Each trace is searched for in the spellings in which it may stand: an id with and without dashes and as links pack it,
and, where messages are kept, any of them inside base64.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.domain.ids import is_id
from worker.storage.leads import Identity
from worker.storage.persons import Rows

_SHORTEST = 6
"""Shorter words stand everywhere, and prove nothing."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Spellings to search for, in lower case, with what each is (never shown with its value)."""

    spellings: tuple[bytes, ...]
    kinds: tuple[str, ...]

    def kinds_of(self, numbers: list[int]) -> set[str]:
        """What the spellings of these numbers are."""
        return {self.kinds[number] for number in numbers}

    def without(self, kind: str) -> Traces:
        """All but those of one kind."""
        return self.only(set(self.kinds) - {kind})

    def only(self, kinds: Collection[str]) -> Traces:
        """Those of these kinds."""
        kept = [pair for pair in zip(self.spellings, self.kinds, strict=True) if pair[1] in kinds]
        return Traces(tuple(spelling for spelling, _ in kept), tuple(name for _, name in kept))

    def within_base64(self) -> Traces:
        """All, and how each looks inside longer base64."""
        texts = dict(zip(self.spellings, self.kinds, strict=True))
        for spelling, kind in tuple(texts.items()):
            texts.update(dict.fromkeys(_within_base64(spelling), kind))
        return Traces(tuple(texts), tuple(texts.values()))


ADDRESS_HASH = "hash of the address"
NAMES_OF_ROWS = frozenset({"id", "id in a link", "reference"})
"""The kinds that belong to one person only; a name, or a number of a household, may be someone else's too."""


def traces_of(found: Rows, identity: Identity) -> Traces:
    """Every trace of a person whose rows and identity these are."""
    texts = dict(_spelled(value, kind) for value, kind in _values(found, identity) if len(value) >= _SHORTEST)
    return Traces(tuple(texts), tuple(texts.values()))


def ids_of(found: Rows) -> list[bytes]:
    """The ids alone, as logs and file names spell them."""
    return [value.encode() for value, kind in _ids(found) if kind == "id"]


def _values(found: Rows, identity: Identity) -> Iterator[tuple[str, str]]:
    yield from _ids(found)
    for row in (row for rows in found.values() for row in rows):
        for name, value in row.items():
            if not isinstance(value, str):
                continue
            if name == "email_hash":
                yield value, ADDRESS_HASH
            elif name.endswith("_hash"):
                yield value, "hash"
            elif name == "reference":
                yield value, "reference"
            elif name == "sealed" or name.endswith("_sealed"):
                yield value[16:56], "sealed value"
    yield from _identity(identity)


def _ids(found: Rows) -> Iterator[tuple[str, str]]:
    for row in (row for rows in found.values() for row in rows):
        if isinstance(row.get("id"), str) and is_id(row["id"]):
            yield row["id"], "id"
            yield UUID(row["id"]).hex, "id"
            yield base64.urlsafe_b64encode(UUID(row["id"]).bytes).decode().rstrip("="), "id in a link"


def _identity(identity: Identity) -> Iterator[tuple[str, str]]:
    if identity.email:
        yield identity.email, "email address"
    if identity.phone:
        digits = "".join(filter(str.isdigit, identity.phone))[-10:]
        yield from (
            (text, "phone number") for text in (identity.phone, digits, f"{digits[:3]}-{digits[3:6]}-{digits[6:]}")
        )
    if identity.first_name and identity.last_name:
        yield f"{identity.first_name} {identity.last_name}", "name"


def _spelled(value: str, kind: str) -> tuple[bytes, str]:
    return value.lower().encode(), kind


def _within_base64(spelling: bytes) -> Iterator[bytes]:
    """How a text looks inside longer base64, at each of its three offsets; the ends depend on what stands beside it."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + spelling)
        start = -(-offset * 8 // 6)
        whole = (offset + len(spelling)) * 8 // 6
        if whole - start >= 2 * _SHORTEST:
            yield encoded[start:whole].lower()


def quotes(text: str, identity: Identity) -> bool:
    """True when a text names the person it is about: their address, number or name."""
    said = text.casefold()
    values: list[Any] = [identity.email, identity.phone, identity.first_name, identity.last_name]
    digits = "".join(filter(str.isdigit, identity.phone or ""))[-10:]
    named = any(value and len(value) > 1 and _word_in(value.casefold(), said) for value in values)
    return named or (len(digits) >= 7 and digits in "".join(filter(str.isdigit, said)))


def _word_in(word: str, text: str) -> bool:
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = text.find(word, at + 1)
    return False
