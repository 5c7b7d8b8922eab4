"""What lies in a spool, the segment that is being written included."""

from __future__ import annotations

from pathlib import Path

from worker.storage.segments import OPEN
from worker.storage.spool import read_lines


def envelopes_in(spool: Path) -> list[str]:
    """Every envelope that is durable and not yet confirmed, oldest first."""
    while True:
        try:
            return [envelope for path in sorted((spool / "ready").iterdir()) for envelope in read_lines(path)]
        except FileNotFoundError:
            continue  # closed, or confirmed, between being listed and being read


def is_being_written(spool: Path) -> bool:
    """True while some process has an open segment."""
    return any((spool / "ready").glob(f"*{OPEN}"))
