"""Contrast as WCAG 2.2 measures it (1.4.3), for words on the background that they really have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from worker.content.lint.page import Element, Page

LEAST = 4.5
"""The least contrast of words with what is behind them."""

SMALLEST_PX = 14.0
"""The smallest letters that everyone can read."""

_NAMES = {"black": "#000000", "white": "#ffffff"}


@lru_cache(maxsize=256)
def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21. Raises ValueError for what is no colour."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def colours(page: Page, *, dark: bool) -> dict[Element, tuple[str, str]]:
    """Of each element: the colour of its words, and of what is behind them."""
    found: dict[Element, tuple[str, str]] = {}
    for element in page.elements:  # what it stands in comes first
        front, back = found[element.parent] if element.parent else ("#000000", "#ffffff")
        own = _own(page, element, dark=dark)
        found[element] = (
            _said(own.get("color")) or front,
            _said(own.get("background-color")) or _said(own.get("background")) or back,
        )
    return found


def size_px(element: Element) -> float:
    """The size of an element's letters."""
    for one in element.ancestry():
        if found := re.fullmatch(r"([\d.]+)px", one.style.get("font-size", "")):
            return float(found.group(1))
    return 16.0


def _own(page: Page, element: Element, *, dark: bool) -> Mapping[str, str]:
    if not dark:
        return element.style
    style = dict(element.style)
    for rule in page.dark_rules:
        if rule.matches(element):
            style.update(rule.style)
    return style


def _said(colour: str | None) -> str | None:
    return None if colour in {None, "", "transparent", "inherit", "none"} else colour


@lru_cache(maxsize=256)
def _luminance(colour: str) -> float:
    text = _NAMES.get(colour.lower(), colour).removeprefix("#")
    if len(text) == 3:
        text = "".join(letter * 2 for letter in text)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", text):
        raise ValueError(f"{colour!r} is no colour that is understood here; write it as #rrggbb")
    parts = [int(text[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
