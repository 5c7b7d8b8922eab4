"""A clock that is set forth or back under running processes, as a bad time server does it, by libfaketime."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SteppedClock:
    """Whoever is started with `environment` shows the time of day that `step` has last said."""

    file: Path

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, seconds: int) -> None:
        """From now on it is ahead of the real time by so much, or behind it."""
        aside = self.file.with_suffix(".new")
        aside.write_text(f"{seconds:+d}s\n", encoding="ascii")
        aside.rename(self.file)


def _library() -> Path:
    package = importlib.util.find_spec("libfaketime")
    assert package is not None
    assert package.origin is not None
    (found,) = Path(package.origin).parent.rglob("libfaketime.so.1")
    return found
