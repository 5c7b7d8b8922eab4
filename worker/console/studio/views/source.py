"""A draft file as it is typed: lines with numbers, what is wrong beside its line, and what is Markdown or a slot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.errors import TemplateError

_PARTS = re.compile(r"(?P<slot>\{\{.*?\}\})|(?P<logic>\{%.*?%\})|(?P<note>\{#.*?#\})")
_HEADING = re.compile(r"#{1,6} ")
_FENCE = "+++"


class Found(Protocol):
    """One finding of lint."""

    @property
    def rule(self) -> str:
        """Its id."""

    @property
    def severity(self) -> str:
        """E, W or I."""

    @property
    def path(self) -> str:
        """The file."""

    @property
    def line(self) -> int | None:
        """The line, where it is known."""

    @property
    def location(self) -> str:
        """Where it shows; empty where it shows everywhere."""

    @property
    def message(self) -> str:
        """What is wrong."""

    @property
    def fix(self) -> str:
        """What to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A file that can't be used as it stands: in the form of a finding."""

    path: str
    line: int | None
    message: str
    rule: str = ""
    severity: str = "E"
    location: str = ""
    fix: str = ""

    @classmethod
    def of(cls, problem: TemplateError) -> Fault:
        """The fault that an error tells of."""
        return cls(path=problem.source, line=problem.line, message=problem.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a line; `kind` is a word for its looks."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file with what was found there."""

    number: int
    parts: tuple[Part, ...]
    found: tuple[Found, ...]

    @property
    def is_wrong(self) -> bool:
        """True where something on it must be mended."""
        return any(one.severity == "E" for one in self.found)


def lines_of(path: str, text: str, found: Iterable[Found]) -> list[Line]:
    """The lines of a file."""
    here = [one for one in found if one.path == path]
    kinds = _kinds(path, text.splitlines())
    return [
        Line(
            number=number,
            parts=tuple(_parts(line, kind)),
            found=tuple(one for one in here if one.line == number),
        )
        for number, (line, kind) in enumerate(zip(text.splitlines(), kinds, strict=True), 1)
    ]


def around(text: str, line: int | None, reach: int = 1) -> list[tuple[int, str, bool]]:
    """The lines about a fault: number, text, and whether it is the line itself."""
    lines = text.splitlines()
    if line is None or not 1 <= line <= len(lines):
        return []
    first, last = max(1, line - reach), min(len(lines), line + reach)
    return [(number, lines[number - 1], number == line) for number in range(first, last + 1)]


def _kinds(path: str, lines: Sequence[str]) -> Iterator[str]:
    """For each line: front matter or settings, a comment, a heading, or text."""
    in_front = False
    for number, line in enumerate(lines):
        if line == _FENCE and path.endswith(".md"):
            in_front = number == 0
            yield "fence"
        elif in_front or path.endswith(".toml"):
            yield "note" if line.lstrip().startswith("#") else "front"
        elif path.endswith(".md") and _HEADING.match(line):
            yield "heading"
        else:
            yield "text"


def _parts(line: str, kind: str) -> Iterator[Part]:
    if kind == "front":
        key, equals, value = line.partition("=")
        if equals:
            yield Part(kind="key", text=key)
            yield Part(kind="front", text=equals + value)
            return
    if kind in {"front", "note", "fence"}:
        yield Part(kind=kind, text=line)
        return
    end = 0
    for match in _PARTS.finditer(line):
        if match.start() > end:
            yield Part(kind=kind, text=line[end : match.start()])
        yield Part(kind=match.lastgroup or kind, text=match.group())
        end = match.end()
    if end < len(line):
        yield Part(kind=kind, text=line[end:])
