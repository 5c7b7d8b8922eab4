"""The plain-text part of an email, from the Markdown's own structure, never from the HTML.

Converters from HTML leak the preheader, pad tables and repeat titles; this reads the source's tokens.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markdown_it.token import Token

from worker.content.markdown import KEPT, parse

WIDTH = 72

_HEADINGS = {"h1": "=", "h2": "-"}


@lru_cache(maxsize=KEPT)
def to_text(markdown: str) -> str:
    """Plain text wrapped at 72 columns; links show their target once, headings are underlined."""
    writer = _Writer()
    tokens = parse(markdown)
    for position, token in enumerate(tokens):
        writer.take(token, opening=tokens[position - 1])
    return "\n".join(writer.lines).strip("\n") + "\n"


@dataclass(slots=True)
class _Container:
    """A list item or quotation: what stands before its first line, and before the others."""

    first: str
    rest: str
    is_used: bool = False


@dataclass(slots=True)
class _List:
    """A list: the number of its next item, or 0 for bullets; and which list of the text it is."""

    next_number: int
    identity: int


@dataclass(slots=True)
class _Writer:
    """Holds the lines so far, and the lists, items and quotations that the next block stands in."""

    lines: list[str] = field(default_factory=list)
    _containers: list[_Container] = field(default_factory=list)
    _lists: list[_List] = field(default_factory=list)
    _lists_seen: int = 0
    _lists_of_last: frozenset[int] = frozenset()

    def take(self, token: Token, opening: Token) -> None:
        """Write one token; `opening` is the one before it, which says what an inline token belongs to."""
        if token.type == "inline":
            self._write_inline(token, opening)
        elif token.type in {"fence", "code_block"}:
            self._write(token.content.rstrip("\n").split("\n"), is_tight=False)
        elif token.type == "hr":
            self._write(["-" * 24], is_tight=False)
        else:
            self._enter_or_leave(token)

    def _enter_or_leave(self, token: Token) -> None:
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            self._lists_seen += 1
            start = int(token.attrGet("start") or 1) if token.type.startswith("ordered") else 0
            self._lists.append(_List(start, self._lists_seen))
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._lists.pop()
        elif token.type == "list_item_open":
            self._containers.append(self._new_item())
        elif token.type == "blockquote_open":
            self._containers.append(_Container("> ", "> "))
        elif token.type in {"list_item_close", "blockquote_close"}:
            self._containers.pop()

    def _new_item(self) -> _Container:
        inner = self._lists[-1]
        marker = f"{inner.next_number}. " if inner.next_number else "- "
        inner.next_number += bool(inner.next_number)
        return _Container(marker, " " * len(marker))

    def _write_inline(self, token: Token, opening: Token) -> None:
        width = WIDTH - sum(len(container.rest) for container in self._containers)
        wrapped = [line for text in _text_of(token.children or []).split("\n") for line in _wrap(text, width)]
        if opening.tag in _HEADINGS and wrapped:
            wrapped.append(_HEADINGS[opening.tag] * max(map(len, wrapped)))
        self._write(wrapped, is_tight=opening.hidden)

    def _write(self, block: Sequence[str], *, is_tight: bool) -> None:
        """Append a block, a blank line before it unless it continues a tight list."""
        mine = frozenset(inner.identity for inner in self._lists)
        if self.lines and not (is_tight and mine & self._lists_of_last):
            self.lines.append("")
        self._lists_of_last = mine
        for line in block:
            self.lines.append((self._prefix() + line).rstrip())

    def _prefix(self) -> str:
        prefix = "".join(item.rest if item.is_used else item.first for item in self._containers)
        for container in self._containers:
            container.is_used = True
        return prefix


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _text_of(children: Sequence[Token]) -> str:
    parts: list[str] = []
    links: list[tuple[int, str]] = []
    for child in children:
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" " if child.type == "softbreak" else "\n")
        elif child.type == "link_open":
            links.append((len(parts), str(child.attrGet("href") or "")))
        elif child.type == "link_close":
            start, target = links.pop()
            parts[start:] = [_link_as_text("".join(parts[start:]), target)]
    return "".join(parts)


def _link_as_text(label: str, target: str) -> str:
    """The label and its target, once: a phone number or address that the label shows is not repeated."""
    shown = target.removeprefix("tel:").removeprefix("mailto:")
    if shown == label or target.removeprefix("https://").rstrip("/") == label.rstrip("/"):
        return label
    if target.startswith("tel:") and shown[-4:] in label:
        return label
    return f"{label}: {shown}"
