"""What the product keeps as files on this host: outbox, alerts, exports, logs, the spool, the embedded parts.

Erasure removes what is a person's from the folders of whole files, and blanks ids in logs where they stand, at their
own length, since a running process goes on writing behind them.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from worker.storage.spool import Spool

_WHOLE_FILES = ("outbox", "alerts", "exports")
"""Folders in which one file is about one person."""

_UNSEARCHED = {"keys"}


class LocalFiles:
    """The state folder and the spool of this host."""

    def __init__(self, state: Path, spool: Path) -> None:
        self.state, self._spool = state, spool

    @property
    def spool(self) -> Spool:
        """This host's spool."""
        return Spool(self._spool)

    @property
    def exports(self) -> Path:
        """Where an operator may put exports about people until they are handed over: what is forgotten there goes."""
        folder = self.state / "exports"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def old_exports(self, before: datetime) -> list[Path]:
        """Exports that were written before an instant."""
        return [path for path in sorted(self.exports.iterdir()) if path.stat().st_mtime < before.timestamp()]

    def remove_exports(self, before: datetime) -> int:
        """Remove these; how many."""
        old = self.old_exports(before)
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def remove(self, needles: Sequence[bytes]) -> int:
        """Remove every file about one person that is named by, or holds, one of these; how many."""
        meant = [
            path
            for folder in _WHOLE_FILES
            for path in sorted((self.state / folder).glob("*"))
            if path.is_file() and (find(path.name.encode(), needles) or find_in(path, needles))
        ]
        for path in meant:
            path.unlink(missing_ok=True)
        return len(meant)

    def blank_logs(self, needles: Sequence[bytes]) -> int:
        """Overwrite these in logs; how many places."""
        return sum(_blank(path, needles) for path in sorted(self.state.rglob("*.log")) if path.is_file())

    def everything(self) -> Iterator[Path]:
        """Every file that could hold anything about a person."""
        for root in {self.state, self._spool}:
            yield from (path for path in sorted(root.rglob("*")) if path.is_file() and path.name not in _UNSEARCHED)


def write_privately(path: Path, text: str) -> None:
    """Write a new file that only this user can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def find(text: bytes, needles: Sequence[bytes]) -> list[int]:
    """Which of these (by number) stand in a text, in whatever case."""
    lowered = text.lower()
    return [number for number, needle in enumerate(needles) if needle in lowered]


def find_in(path: Path, needles: Sequence[bytes]) -> list[int]:
    """Which of these stand in a file; in one that has gone meanwhile, none."""
    overlap = max(map(len, needles), default=0)
    found: set[int] = set()
    try:
        with path.open("rb") as file:
            rest = b""
            while chunk := file.read(1 << 20):
                found.update(find(rest + chunk, needles))
                rest = chunk[-overlap:]
    except OSError:
        return sorted(found)
    return sorted(found)


def _blank(path: Path, needles: Sequence[bytes]) -> int:
    if not path.stat().st_size:
        return 0
    count = 0
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as text:
        for needle in needles:
            at = text.find(needle)
            while at >= 0:
                text[at : at + len(needle)] = b"x" * len(needle)
                count += 1
                at = text.find(needle, at + len(needle))
    return count
