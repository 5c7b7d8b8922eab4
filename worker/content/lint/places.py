"""From words that a reader sees back to the file and line in which someone wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from worker.content.catalog import Catalog, Email


class Written(Protocol):
    """What is needed of a sample to look for its words."""

    @property
    def email(self) -> Email:
        """The email."""

    @property
    def catalog(self) -> Catalog:
        """The content."""

    @property
    def sequence(self) -> str | None:
        """The sequence that fills its slots."""


def find_words(sample: Written, words: str, sentence: str, block: str) -> tuple[str, int | None]:
    """Where the sentence stands, else where the words do; the body's first line where neither is found.

    The email's own file comes first, then its claims, its sequence's slots and the clinic's facts.
    """
    if block:
        path = f"blocks/{block}.md"
        text = sample.catalog.blocks.get(block, "")
        return path, line_of(text, sentence) or line_of(text, words) or 1
    for wanted in (sentence, words):
        for path, text, first_line in _texts(sample):
            if wanted and (line := line_of(text, wanted)):
                return path, line + first_line - 1
    return sample.email.path, sample.email.body_line


def line_of(text: str, words: str) -> int | None:
    """The line of a text on which these words begin, whatever stands between them of space and emphasis."""
    parts = [re.escape(part) for part in words.split()]
    if not parts:
        return None
    found = re.search(r"[\s*_>]+".join(parts), text, re.IGNORECASE)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _texts(sample: Written) -> Iterator[tuple[str, str, int]]:
    email, files = sample.email, sample.catalog.files
    yield email.path, email.body, email.body_line
    for claim in email.claims:
        yield from _claim(sample.catalog, claim)
    if sample.sequence:
        path = f"sequences/{sample.sequence}.toml"
        yield path, files.get(path, ""), 1
    yield "clinic.toml", files.get("clinic.toml", ""), 1


def _claim(catalog: Catalog, claim: str) -> Iterator[tuple[str, str, int]]:
    if line := claim_line(catalog, claim):
        says = catalog.claims[claim].says if claim in catalog.claims else ""
        yield "claims.toml", says, line + 1


def claim_line(catalog: Catalog, claim: str) -> int | None:
    """The line of `claims.toml` on which a claim begins."""
    return heading_line(catalog.files.get("claims.toml", ""), f"claims.{claim}")


def heading_line(text: str, name: str) -> int | None:
    """The line of a TOML table's heading."""
    found = re.search(rf"^\[{re.escape(name)}\]", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None
