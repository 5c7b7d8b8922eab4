"""What lint tells people: one finding is one thing to mend, wherever it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """E stops publishing; W should be looked at; I is only shown."""

    E = "E"
    W = "W"
    I = "I"  # noqa: E741 - the three letters that people know from other checkers


_ORDER = {Severity.E: 0, Severity.W: 1, Severity.I: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found. `location`, `sequence` and `persona` name where it shows; empty where that says nothing."""

    rule: str
    severity: Severity
    path: str
    line: int | None
    location: str
    sequence: str
    persona: str
    message: str
    fix: str

    @property
    def where(self) -> str:
        """File and line."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def to_json(self) -> dict[str, Any]:
        """The form that programs read."""
        return asdict(self)

    @property
    def in_words(self) -> str:
        """What is wrong, where it shows, and what to write instead."""
        at = f" (At {self.location}.)" if self.location else ""
        return f"{self.message}{at} {self.fix}".rstrip() + f" ({self.rule})"

    def __str__(self) -> str:
        return f"{self.where}: {self.in_words}"


def by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """What stops a publish first; then in reading order, by file and line."""
    return sorted(
        findings,
        key=lambda found: (_ORDER[found.severity], found.path, found.line or 0, found.rule, found.message),
    )


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    """Those that stop publishing."""
    return [found for found in findings if found.severity is Severity.E]


def summary(findings: Iterable[Finding], emails: int, sequences: int) -> str:
    """`28 emails, 9 sequences: 0 errors, 3 warnings`."""
    counts = count(findings)
    text = (
        f"{_plural(emails, 'email')}, {_plural(sequences, 'sequence')}: "
        f"{_plural(counts['errors'], 'error')}, {_plural(counts['warnings'], 'warning')}"
    )
    return text + (f", {_plural(counts['notes'], 'note')}" if counts["notes"] else "")


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each severity."""
    severities = [found.severity for found in findings]
    return {
        "errors": severities.count(Severity.E),
        "warnings": severities.count(Severity.W),
        "notes": severities.count(Severity.I),
    }


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
