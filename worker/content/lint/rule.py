"""A rule is data: what it looks for, why, and what to write instead. A check finds, and says what it found.

The page `docs/staff/lint.md` is made from these, so a rule is written for the person who breaks it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from worker.content.lint.finding import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `source` is the law, study or guideline behind it; a rule that is not `waivable` has no exceptions."""

    id: str
    severity: Severity
    what: str
    why: str
    fix: str
    source: str = ""
    waivable: bool = True

    def at(
        self,
        path: str,
        line: int | None,
        message: str,
        *,
        severity: Severity | None = None,
        fix: str | None = None,
        persona: str = "",
    ) -> Hit:
        """A hit of this rule."""
        return Hit(
            rule=self.id,
            severity=severity or self.severity,
            path=path,
            line=line,
            message=message,
            fix=self.fix if fix is None else fix,
            persona=persona,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One place where a rule is broken, before it is known in how many locations it shows."""

    rule: str
    severity: Severity
    path: str
    line: int | None
    message: str
    fix: str
    persona: str = ""

    def weighed(self, severity: Severity, message: str) -> Hit:
        """The same hit with another weight and other words."""
        return replace(self, severity=severity, message=message)


class Scope(StrEnum):
    """Which words a copy rule reads."""

    INBOX = "subject and preheader"
    OWN = "the email's own words"
    BLOCKS = "the words of its blocks"
    SOURCE = "what is typed into the file"
    OUTPUT = "the finished text"


class Unit(StrEnum):
    """How far apart the parts of a pattern may stand."""

    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRule(Rule):
    """A rule about words. It is broken where `pattern` is found in a unit that has `also`, and lacks `unless`.

    `says` is the message; `{words}` in it are the words found.
    """

    pattern: re.Pattern[str]
    says: str
    also: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    unit: Unit = Unit.SENTENCE
    scopes: frozenset[Scope] = frozenset({Scope.OWN, Scope.BLOCKS})


def any_of(*patterns: str) -> re.Pattern[str]:
    """Any of these, in any case."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)
