"""A log outside the system, on which the verdict rests: a line counts once it is on the disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path


class Log:
    """Lines of words, each fsynced before `note` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")
        self._turn = threading.Lock()

    def note(self, *words: str) -> None:
        """Write a line; when this returns, it is there."""
        line = "\t".join(word.replace("\t", " ").replace("\n", " ") for word in words)
        with self._turn:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fdatasync(self._file.fileno())

    def lines(self) -> Iterator[list[str]]:
        """What is on the disk."""
        for line in self.path.read_text(encoding="utf-8").splitlines():
            yield line.split("\t")

    def close(self) -> None:
        self._file.close()
