"""What is said of template code that can't be read, or names what is not there: in words for a writer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from jinja2 import TemplateSyntaxError

_ENDS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_MARKS = re.compile("|".join(map(re.escape, (*_ENDS, *_ENDS.values()))))
_TAG = re.compile(r"\{%-?\s*(if|for|endif|endfor)\b")
_UNKNOWN = re.compile(r"'(?:dict object' has no attribute ')?(\w+)'")


def of_syntax(source: str, error: TemplateSyntaxError) -> tuple[str, int]:
    """What is wrong and its line: where something was opened, not where reading on became hopeless."""
    open_mark = _unclosed_mark(source)
    if open_mark is not None:
        mark, at = open_mark
        return f"here '{mark}' is not closed; write '{_ENDS[mark]}' after it", _line(source, at)
    open_tag = _unclosed_tag(source)
    if open_tag is not None:
        tag, at = open_tag
        return f"this {{% {tag} %}} is not closed; write {{% end{tag} %}} where it ends", _line(source, at)
    return error.message or "syntax error", error.lineno


def of_unknown(error: BaseException, source: str, values: Mapping[str, Any]) -> str:
    """What a template names that is not there, with what is near it; else the error's own words."""
    unknown = _UNKNOWN.match(str(error))
    if unknown is None:
        return str(error)
    name = unknown.group(1)
    owner = re.search(rf"\b(\w+)\.{name}\b", source)
    inside = values.get(owner.group(1)) if owner else values
    if not isinstance(inside, Mapping):
        return f"there is no variable {name!r} here"
    prefix = f"{owner.group(1)}." if owner else ""
    return f"there is no variable {name!r} here; {_instead(name, sorted(inside), prefix)}"


def _instead(name: str, known: list[str], prefix: str) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {prefix}{near[0]}?"
    return f"there are: {', '.join(prefix + one for one in known)}" if known else "take it out"


def _unclosed_mark(source: str) -> tuple[str, int] | None:
    """The first mark that another one follows, or the end, before its own end; and where it stands."""
    opened: re.Match[str] | None = None
    for mark in _MARKS.finditer(source):
        if opened is not None and _ENDS[opened.group()] == mark.group():
            opened = None
        elif opened is None and mark.group() in _ENDS:
            opened = mark
        elif opened is not None and mark.group() in _ENDS and opened.group() != "{#":
            break
    return (opened.group(), opened.start()) if opened else None


def _unclosed_tag(source: str) -> tuple[str, int] | None:
    """The innermost tag that nothing ends, and where it stands."""
    opened: list[re.Match[str]] = []
    for tag in _TAG.finditer(source):
        if not tag.group(1).startswith("end"):
            opened.append(tag)
        elif opened:
            opened.pop()
    return (opened[-1].group(1), opened[-1].start()) if opened else None


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1
