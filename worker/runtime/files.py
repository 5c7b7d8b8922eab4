"""Small files that a kill at any moment leaves either as they were or as they were to be."""

from __future__ import annotations

import os
from pathlib import Path

LOG_LIMIT_BYTES = 5_000_000


def write_atomically(path: Path, text: str) -> None:
    """Replaces the file in one step; readable by its owner only."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def rotate(log: Path) -> None:
    """Sets a long log aside as `<name>.1`. Only between two lives of its writer, who keeps it open."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for a message to a person."""
    if not log.exists():
        return "(no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
