"""Markdown to the HTML fragment of an email. Raw HTML is refused: a layout that nobody can break needs none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from worker.errors import TemplateError

KEPT = 256
"""How many texts are kept converted: a body is the same in several sequences, a footer in all emails of a place."""

_BUTTON = "button"
_PARSER = MarkdownIt("commonmark", {"html": False, "typographer": False})
_RAW_HTML = MarkdownIt("commonmark", {"html": True})


def parse(markdown: str) -> list[Token]:
    """The Markdown's tokens (CommonMark, raw HTML as text)."""
    return _PARSER.parse(markdown)


@lru_cache(maxsize=KEPT)
def to_html(markdown: str) -> str:
    """The HTML fragment; a link titled `button` that stands alone becomes `<p class="button">`."""
    tokens = parse(markdown)
    for opening, inline in pairwise(tokens):
        if opening.type == "paragraph_open" and _is_button(inline):
            opening.attrSet("class", _BUTTON)
    for token in _inline_tokens(tokens):
        if token.type == "link_open":
            token.attrs.pop("title", None)
    return str(_PARSER.renderer.render(tokens, _PARSER.options, {}))


def refuse_raw_html(markdown: str, source: str, first_line: int = 1) -> None:
    """Raise TemplateError with the line where raw HTML stands; a layout that marketing can't break needs none."""
    for token in _RAW_HTML.parse(markdown):
        inner = [child.type for child in token.children or ()]
        if token.type == "html_block" or "html_inline" in inner:
            breaks = inner[: inner.index("html_inline")] if "html_inline" in inner else []
            within = breaks.count("softbreak") + breaks.count("hardbreak")
            line = first_line + token.map[0] + within if token.map else None
            raise TemplateError(source, "has raw HTML; write Markdown only", line)


def _is_button(inline: Token) -> bool:
    children = inline.children or []
    return (
        len(children) > 2
        and children[0].type == "link_open"
        and children[0].attrGet("title") == _BUTTON
        and children[-1].type == "link_close"
        and sum(child.type == "link_open" for child in children) == 1
    )


def _inline_tokens(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from token.children or ()
