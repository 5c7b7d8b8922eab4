"""Witnesses of the epoch outside the database: a file in the state folder, and a key in Redis.

Either alone is enough to know the database again, so that a flushed Redis or a new disk holds nothing up.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from pathlib import Path

from worker.domain.epoch import Remembered
from worker.storage.broker import Broker


class Witnesses:
    """Reads and writes both; trouble with one is as if it remembered nothing."""

    def __init__(self, path: Path, broker: Broker) -> None:
        self._path, self._broker = path, broker

    def memories(self) -> list[Remembered]:
        """What each remembers."""
        texts: list[str | bytes | None] = [self._broker.recall_epoch()]
        with contextlib.suppress(OSError):
            texts.append(self._path.read_text())
        return [found for text in texts if text and (found := _read(text)) is not None]

    def tell(self, memory: Remembered) -> None:
        """Let each remember this."""
        text = json.dumps({"instance": memory.instance, "ticks": memory.ticks})
        self._broker.remember_epoch(text)
        aside = self._path.with_suffix(f".{secrets.token_hex(8)}.tmp")  # nobody else's: not of a thread, not of a host
        try:
            aside.write_text(text)
            aside.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()


def _read(text: str | bytes) -> Remembered | None:
    try:
        data = json.loads(text)
        return Remembered(str(data["instance"]), int(data["ticks"]))
    except (ValueError, KeyError, TypeError):
        return None
