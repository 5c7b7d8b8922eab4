"""An email's words as paragraphs and sentences, each knowing what it is and which links it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from markdown_it.token import Token

from worker.content.markdown import parse
from worker.content.render import BLOCK_MARK

BUTTON = "button"
"""The title of a Markdown link that is shown as a button."""

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“‘(]?[A-Z0-9])")


class Kind(StrEnum):
    """What a paragraph is."""

    HEADING = "heading"
    TEXT = "text"
    ITEM = "item"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Link:
    """One link: what it says, where it goes, and whether it is shown as a button."""

    label: str
    target: str
    is_button: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One paragraph, heading or list item. Of a block that stands apart, `text` is the block's name."""

    kind: Kind
    text: str
    level: int = 0
    links: tuple[Link, ...] = ()

    @property
    def is_button(self) -> bool:
        """True for a call to action that stands alone."""
        return any(link.is_button for link in self.links)

    @property
    def is_prose(self) -> bool:
        """True for what is read as running text."""
        return self.kind in {Kind.TEXT, Kind.ITEM} and not self.is_button


@lru_cache(maxsize=4096)
def paragraphs_of(markdown: str) -> tuple[Paragraph, ...]:
    """The paragraphs of a piece of Markdown, in order."""
    return tuple(_paragraphs(parse(markdown)))


@lru_cache(maxsize=8192)
def sentences_of(text: str) -> tuple[str, ...]:
    """The sentences of a paragraph."""
    return tuple(part.strip() for part in _SENTENCE_END.split(text) if part.strip())


def _paragraphs(tokens: Sequence[Token]) -> Iterator[Paragraph]:
    depth = 0
    for position, token in enumerate(tokens):
        depth += (token.type == "list_item_open") - (token.type == "list_item_close")
        if token.type == "inline":
            yield _paragraph(token, tokens[position - 1], in_list=depth > 0)


def _paragraph(inline: Token, opening: Token, *, in_list: bool) -> Paragraph:
    text, links = _read(inline.children or [])
    if mark := BLOCK_MARK.fullmatch(text.strip()):
        return Paragraph(kind=Kind.BLOCK, text=mark.group(1))
    if opening.type == "heading_open":
        return Paragraph(kind=Kind.HEADING, text=text, level=int(opening.tag[1:]), links=links)
    return Paragraph(kind=Kind.ITEM if in_list else Kind.TEXT, text=text, links=links)


def _read(children: Sequence[Token]) -> tuple[str, tuple[Link, ...]]:
    text, links, open_links = "", [], list[tuple[int, Token]]()
    for child in children:
        if child.type in {"text", "code_inline"}:
            text += child.content
        elif child.type in {"softbreak", "hardbreak"}:
            text += " "
        elif child.type == "image":
            text += child.content
        elif child.type == "link_open":
            open_links.append((len(text), child))
        elif child.type == "link_close":
            start, opened = open_links.pop()
            target, is_button = str(opened.attrGet("href") or ""), opened.attrGet("title") == BUTTON
            links.append(Link(text[start:].strip(), target, is_button))
    return text, tuple(links)
