"""An email's HTML as a reader meets it: words with their colours and sizes, links, images, headings, tables.

The colours are worked out as a mail program does: what css-inline wrote on each element, and on top of it,
in the dark, the rules under `prefers-color-scheme: dark`. Only what the layout uses is understood: class and
tag selectors, one inside the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from html.parser import HTMLParser

_VOID = frozenset({"meta", "br", "hr", "img", "link", "input", "col", "base", "wbr"})
_DARK = re.compile(r"@media[^{]*prefers-color-scheme:\s*dark[^{]*\{")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")


@dataclass(eq=False)
class Element:
    """One element, with the words directly inside it."""

    tag: str
    attributes: Mapping[str, str]
    parent: Element | None
    words: list[str] = field(default_factory=list)

    @cached_property
    def style(self) -> Mapping[str, str]:
        """Its inline style."""
        return declarations(self.attributes.get("style", ""))

    @cached_property
    def classes(self) -> frozenset[str]:
        """Its classes."""
        return frozenset(self.attributes.get("class", "").split())

    @cached_property
    def is_hidden(self) -> bool:
        """True where no reader sees it."""
        own = self.style.get("display") == "none" or self.tag in {"head", "title", "style", "script"}
        return own or (self.parent is not None and self.parent.is_hidden)

    def ancestry(self) -> Iterator[Element]:
        """Itself and everything that it stands in, from the inside out."""
        element: Element | None = self
        while element is not None:
            yield element
            element = element.parent


@dataclass(frozen=True)
class Page:
    """A parsed email."""

    elements: Sequence[Element]
    css: str

    def all(self, *tags: str) -> list[Element]:
        """The elements with these tags."""
        return [element for element in self.elements if element.tag in tags]

    @cached_property
    def visible(self) -> list[Element]:
        """The elements whose words a reader sees."""
        return [element for element in self.elements if element.words and not element.is_hidden]

    @cached_property
    def text(self) -> str:
        """The words that a reader sees."""
        return " ".join(" ".join(" ".join(element.words) for element in self.visible).split())

    @cached_property
    def dark_rules(self) -> tuple[DarkRule, ...]:
        """What the dark palette says."""
        return read_dark_rules(self.css)


def read_page(html: str) -> Page:
    """Parse an email's HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(elements=reader.elements, css="\n".join(reader.css))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.css: list[str] = []
        self._open: Element | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self.elements.append(element)
        if tag not in _VOID:
            self._open = element

    def handle_endtag(self, tag: str) -> None:
        for element in self._open.ancestry() if self._open else ():
            if element.tag == tag:
                self._open = element.parent
                return

    def handle_data(self, data: str) -> None:
        if self._open is None or not data.strip():
            return
        if self._open.tag == "style":
            self.css.append(data)
        else:
            self._open.words.append(data.strip())


@lru_cache(maxsize=1024)
def declarations(text: str) -> Mapping[str, str]:
    """`color: red; …` as a mapping, without `!important`."""
    pairs = (part.partition(":") for part in text.split(";") if ":" in part)
    return {name.strip().lower(): value.replace("!important", "").strip() for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class DarkRule:
    """One selector of the dark palette: the parts from outer to inner, each a class or a tag."""

    parts: tuple[str, ...]
    style: Mapping[str, str]

    def matches(self, element: Element) -> bool:
        """True where the selector means this element."""
        *outer, inner = self.parts
        if not _is(element, inner):
            return False
        above = element.parent
        for part in reversed(outer):
            while above is not None and not _is(above, part):
                above = above.parent
            if above is None:
                return False
            above = above.parent
        return True


@lru_cache(maxsize=16)
def read_dark_rules(css: str) -> tuple[DarkRule, ...]:
    """The rules under `prefers-color-scheme: dark`, the strongest last."""
    found = [
        DarkRule(tuple(selector.split()), declarations(body))
        for block in _dark_blocks(css)
        for selectors, body in _RULE.findall(block)
        for selector in selectors.split(",")
        if selector.strip()
    ]
    return tuple(sorted(found, key=lambda rule: sum(10 if "." in part else 1 for part in rule.parts)))


def _dark_blocks(css: str) -> Iterator[str]:
    for start in _DARK.finditer(css):
        depth, position = 1, start.end()
        while depth and position < len(css):
            depth += {"{": 1, "}": -1}.get(css[position], 0)
            position += 1
        yield css[start.end() : position - 1]


def _is(element: Element, part: str) -> bool:
    tag, *classes = part.split(".")
    return (not tag or tag == element.tag) and element.classes.issuperset(classes)
