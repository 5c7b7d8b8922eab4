"""What the doctor finds: a check of the catalogue, how it went, and about what in particular."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it went. Only `FAILED` is bad; a warning asks for a look; what was skipped could not be looked at."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `hint` is what to do; it is empty where there is nothing to do."""

    id: str
    level: Level
    text: str
    hint: str = ""

    @property
    def is_ok(self) -> bool:
        """True unless something is broken."""
        return self.level is not Level.FAILED


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at. The words are for operators: what it means when it fails, and the fix."""

    id: str
    asks: str
    means: str
    fix: str

    def ok(self, text: str = "") -> Finding:
        """All is well."""
        return Finding(self.id, Level.OK, text or self.asks)

    def warning(self, text: str) -> Finding:
        """It works, and someone should look."""
        return Finding(self.id, Level.WARNING, text, self.fix)

    def failed(self, text: str) -> Finding:
        """It does not work, or will not."""
        return Finding(self.id, Level.FAILED, text, self.fix)

    def skipped(self, text: str) -> Finding:
        """It could not be looked at, or need not be."""
        return Finding(self.id, Level.SKIPPED, text)
