"""The plain-text part of an email, from the Markdown's own structure, never from the HTML.

Converters from HTML leak the preheader, pad tables and repeat titles; this reads the source's tokens.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from markdown_it.token import Token

from worker.content.markdown import parse

WIDTH = 72

_HEADINGS = {"h1": "=", "h2": "-"}


def to_text(markdown: str) -> str:
    """Plain text wrapped at 72 columns; links show their target once, headings are underlined."""
    writer = _Writer()
    tokens = parse(markdown)
    for position, token in enumerate(tokens):
        writer.take(token, opening=tokens[position - 1])
    return "\n".join(writer.lines).strip("\n") + "\n"


class _Writer:
    """Holds the lines so far, and the list items and quotations that the next block stands in."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._prefixes: list[str] = []
        self._numbers: list[int] = []

    def take(self, token: Token, opening: Token) -> None:
        """Write one token; `opening` is the one before it, which says what an inline token belongs to."""
        if token.type == "inline":
            self._write_block(token, opening)
        elif token.type in {"bullet_list_open", "ordered_list_open"}:
            self._numbers.append(int(token.attrGet("start") or 1) if token.type.startswith("ordered") else 0)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._numbers.pop()
        elif token.type == "list_item_open":
            self._begin_item()
        elif token.type == "blockquote_open":
            self._prefixes.append("> ")
        elif token.type in {"list_item_close", "blockquote_close"}:
            self._prefixes.pop()
        elif token.type == "hr":
            self.lines += ["", "-" * 24]

    def _begin_item(self) -> None:
        number = self._numbers[-1]
        self._prefixes.append(f"{number}. " if number else "- ")
        self._numbers[-1] += bool(number)

    def _write_block(self, token: Token, opening: Token) -> None:
        is_tight_item = opening.hidden and bool(self.lines) and self._last_was_item()
        if self.lines and not is_tight_item:
            self.lines.append("")
        first = "".join([" " * len(prefix) for prefix in self._prefixes[:-1]] + self._prefixes[-1:])
        wrapped = [line for text in _text_of(token).split("\n") for line in _wrap(text, first)]
        self.lines += wrapped
        if opening.tag in _HEADINGS:
            self.lines.append(_HEADINGS[opening.tag] * min(max(map(len, wrapped)), WIDTH))

    def _last_was_item(self) -> bool:
        return self.lines[-1].lstrip().startswith(("- ", *"0123456789")) or self.lines[-1].startswith("  ")


def _wrap(text: str, first: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _text_of(inline: Token) -> str:
    return _text_of_children(inline.children or [])


def _text_of_children(children: Sequence[Token]) -> str:
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
