"""What differs between two versions of the content, file by file, as people read it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file. `lines` are pairs of a sign (`+`, `-`, a space, or `@` for a gap) and a text."""

    path: str
    is_new: bool
    is_gone: bool
    lines: tuple[tuple[str, str], ...]


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Every file that differs, in order."""
    return [
        Change(path=path, is_new=path not in before, is_gone=path not in after,
               lines=lines_between(before.get(path, ""), after.get(path, "")))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]  # fmt: skip


def lines_between(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """The lines that differ, with two around them."""
    unified = difflib.unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm="")
    return tuple((line[:1], "" if line.startswith("@") else line[1:]) for line in list(unified)[2:])
