"""Rules about the finished page: accessible to everyone, small enough, readable in the light and in the dark."""

from __future__ import annotations

import re
from collections.abc import Iterator

from worker.content.lint.contrast import LEAST, SMALLEST_PX, colours, contrast, size_px
from worker.content.lint.finding import Severity
from worker.content.lint.page import Element, Page
from worker.content.lint.places import line_of
from worker.content.lint.rule import Hit, Rule
from worker.content.lint.sample import Sample

_E, _W = Severity.E, Severity.W
_KB = 1024
_LAYOUT = "layout/email.html"

A11Y001 = Rule(
    id="A11Y001",
    severity=_E,
    what="no lang, dir, title or h1; a heading level left out; a layout table without role; an image without alt; "
    "words under 14 px; contrast under 4.5 in the light or in the dark",
    why="Many readers are tired, older or listen to their mail. All of them can read this one.",
    fix="Mend layout/email.html, or the heading in the email.",
    source="WCAG 2.2 AA",
)
SIZ001 = Rule(
    id="SIZ001",
    severity=_E,
    what="HTML over 60 KB (warning) or 90 KB (error), a message over 150 KB; a text part under a fifth or over five "
    "times of the visible words",
    why="Gmail cuts off at about 102 KB, the footer first. Filters distrust two parts that differ.",
    fix="Shorten it.",
)

RULES = (A11Y001, SIZ001)


def check_structure(sample: Sample) -> Iterator[Hit]:
    """What a screen reader needs."""
    page = sample.page
    root = next(iter(page.all("html")), None)
    for name in ("lang", "dir"):
        if root is None or not root.attributes.get(name):
            yield A11Y001.at(_LAYOUT, 1, f"The page has no {name}.")
    if not any(element.words for element in page.all("title")):
        yield A11Y001.at(_LAYOUT, 1, "The page has no title.")
    for table in page.all("table"):
        if table.attributes.get("role") not in {"presentation", "none"}:
            yield A11Y001.at(_LAYOUT, 1, "A layout table has no role=presentation, so it is read out as a table.")
    for image in page.all("img"):
        if not image.attributes.get("alt", "").strip():
            path, line = sample.where(image.attributes.get("src", ""))
            yield A11Y001.at(path, line, f"The image '{image.attributes.get('src', '')}' has no words (alt).")
    yield from _check_headings(sample, page)


def _check_headings(sample: Sample, page: Page) -> Iterator[Hit]:
    path, last = sample.email.path, 0
    headings = [element for element in page.all("h1", "h2", "h3", "h4", "h5", "h6") if not element.is_hidden]
    levels = [int(heading.tag[1]) for heading in headings]
    if levels.count(1) != 1:
        message = f"There are {levels.count(1)} first-level headings (#); there should be one."
        yield A11Y001.at(path, sample.email.body_line, message)
    for heading, level in zip(headings, levels, strict=True):
        if level > last + 1:
            words = " ".join(heading.words)
            yield A11Y001.at(*sample.where(words), f"'{words}' leaves out a heading level.")
        last = level


def check_letters(sample: Sample) -> Iterator[Hit]:
    """Sizes and contrasts of all visible words, each pair of colours once."""
    page, seen = sample.page, set[tuple[str, str, str]]()
    for element in page.visible:
        if size_px(element) < SMALLEST_PX:
            yield A11Y001.at(_LAYOUT, 1, f"Words of {size_px(element):g} px are too small ({_name(element)}).")
    for palette in ("light", "dark"):
        found = colours(page, dark=palette == "dark")
        for element in page.visible:
            if (palette, *found[element]) not in seen:
                seen.add((palette, *found[element]))
                yield from _check_contrast(sample, element, palette, *found[element])


def _check_contrast(sample: Sample, element: Element, palette: str, front: str, back: str) -> Iterator[Hit]:
    line = line_of(sample.catalog.layout["email.html"], front) or 1
    try:
        ratio = contrast(front, back)
    except ValueError as error:
        yield A11Y001.at(_LAYOUT, line, f"{error}.")
        return
    if ratio < LEAST:
        message = f"{front} on {back} has a contrast of {ratio:.1f} in the {palette} palette ({_name(element)})."
        yield A11Y001.at(_LAYOUT, line, message)


def _name(element: Element) -> str:
    named = next((one for one in element.ancestry() if one.classes), element)
    return ".".join([named.tag, *sorted(named.classes)])


def check_sizes(sample: Sample) -> Iterator[Hit]:
    """Sizes of the parts."""
    size = len(sample.rendered.html.encode())
    if size > 60 * _KB:
        severity = _E if size > 90 * _KB else _W
        message = f"The HTML is {size // _KB} KB."
        yield SIZ001.at(sample.email.path, sample.email.body_line, message, severity=severity)
    visible = len(sample.page.text)
    text = len(re.sub(r"\s+", " ", sample.rendered.text))
    if visible and not 0.2 <= text / visible <= 5:
        message = f"The text part has {text} characters, the HTML shows {visible}."
        yield SIZ001.at("layout/email.txt", 1, message, fix="Let both parts say the same.")
