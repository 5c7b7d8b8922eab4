"""What rules look at: an email as it is at one location and in one sequence, and all of these together.

Blocks are kept apart from the email's own words: the medical lead writes them, so they are exempt from
rules on length, grade and mentions, while their presence and order are checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from worker.content.catalog import Catalog, Email
from worker.content.lint.page import Page, read_page
from worker.content.lint.paragraphs import BUTTON, Kind, Paragraph, paragraphs_of
from worker.content.lint.places import find_words
from worker.content.render import CompiledEmail, Outline, Person, Rendered, Renderer
from worker.domain.clinic import Place
from worker.domain.leads import Location

LINKS_HOST = "links.albanyclinic.example.com"
"""The host of made-up links that are one person's own; stands for the product's public address."""

TOKEN = "AAAAAAAAAAAAAAAAAAAAAA.made-up"
"""The token in these links."""

Wire = Callable[[str, Location, str | None], bytes]
"""Builds the bytes of an email for a location and sequence, as they would leave."""


def person(first_name: str | None) -> Person:
    """A made-up person of this name."""
    return Person(
        first_name=first_name,
        unsubscribe_url=f"https://{LINKS_HOST}/u/{TOKEN}",
        choose_url=f"https://{LINKS_HOST}/choose/{TOKEN}",
        confirm_url=f"https://{LINKS_HOST}/confirm/{TOKEN}",
    )


READER = person("Sam")
"""Whom the words are read as."""

SHAPES = {
    "no name": "",
    "a name of 60 letters": "Maximiliana" * 5 + "Maxim",
    "an accented name": "Zoë Nuñez",
    "HTML for a name": "<b>Sam</b>",
    "template code for a name": "{{7*7}}",
    "a name with a line break": "Sam\r\nBcc: someone@example.com",
}
"""Names as forms bring them."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One email at one location, in one sequence (None: outside of any)."""

    renderer: Renderer
    email: Email
    location: Location
    sequence: str | None
    compiled: CompiledEmail
    rendered: Rendered
    outline: Outline
    wire: Wire | None

    @property
    def catalog(self) -> Catalog:
        """The content it is part of."""
        return self.renderer.catalog

    @property
    def places(self) -> tuple[Place, ...]:
        """The clinics that concern its reader."""
        return self.catalog.clinic.places_of(self.location)

    @property
    def footer(self) -> str:
        """The block that it ends with."""
        return self.catalog.footer_of(self.email.language)

    @cached_property
    def paragraphs(self) -> tuple[Paragraph, ...]:
        """Its own paragraphs, with a mark where each block stands."""
        return paragraphs_of(self.outline.markdown)

    @cached_property
    def own_text(self) -> str:
        """Its own words, a paragraph a line."""
        return "\n".join(paragraph.text for paragraph in self.paragraphs if paragraph.kind is not Kind.BLOCK)

    @cached_property
    def all_words(self) -> str:
        """Its own words and those of its blocks, without the footer."""
        return "\n".join([self.own_text, *self.outline.blocks.values()])

    @cached_property
    def page(self) -> Page:
        """The HTML as a reader sees it."""
        return read_page(self.rendered.html)

    @cached_property
    def first_button(self) -> int:
        """The place of the first call to action among its paragraphs; past the end where there is none."""
        for position, paragraph in enumerate(self.paragraphs):
            if paragraph.is_button or (paragraph.kind is Kind.BLOCK and f'"{BUTTON}"' in self._block(paragraph.text)):
                return position
        return len(self.paragraphs)

    def has_block_before_button(self, name: str) -> bool:
        """True where this block stands before the first call to action."""
        return any(
            paragraph.kind is Kind.BLOCK and paragraph.text == name
            for paragraph in self.paragraphs[: self.first_button]
        )

    def where(self, words: str, sentence: str = "", block: str = "") -> tuple[str, int | None]:
        """The file and line in which these words are written."""
        return find_words(self, words, sentence, block)

    def _block(self, name: str) -> str:
        return self.outline.blocks.get(name, "")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One email with its samples; `is_whole` unless some locations were left out."""

    email: Email
    samples: Sequence[Sample]
    catalog: Catalog
    today: date
    is_whole: bool

    @cached_property
    def typed(self) -> str:
        """The body as it is typed, its slots and conditions blanked; offsets and lines stay."""
        return without_slots(self.email.body)

    def line_at(self, offset: int) -> int:
        """The line of the file for a place in its body."""
        return self.email.body_line + self.email.body.count("\n", 0, offset)

    def front_line(self, key: str) -> int | None:
        """The line of the file on which a setting of its front matter stands."""
        return front_line(self.catalog, self.email, key)

    @cached_property
    def stated(self) -> frozenset[str]:
        """The claims that its body states."""
        return frozenset(re.findall(r"claim\(\s*[\"']([^\"']+)[\"']\s*\)", self.email.body))


def front_line(catalog: Catalog, email: Email, key: str) -> int | None:
    """The line of an email's file on which a setting of its front matter stands."""
    text = catalog.files.get(email.path, "")
    found = re.search(rf"^{re.escape(key)}\s*=", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def without_slots(body: str) -> str:
    """The body with its Jinja parts blanked, so that every other character keeps its place."""
    return re.sub(r"\{[{%#].*?[}%#]\}", lambda match: re.sub(r"[^\n]", " ", match.group()), body, flags=re.DOTALL)
