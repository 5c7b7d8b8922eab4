"""When the share of bounces or complaints says that a sequence must stop, before mailbox providers stop us.

Gmail and Yahoo want complaints under 0.1 % and block from 0.3 %; 5 % of hard bounces is where providers
suspend an account. A small clinic has small numbers, so a share counts only with enough behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Stop at this share, but only with so many events, out of at least so many emails."""

    share: float
    events: int
    emails: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reputation:
    """The rule, as `clinic.toml` may set it; these are its defaults."""

    window: timedelta = timedelta(days=7)
    complaints: Limit = Limit(share=0.003, events=2, emails=100)
    bounces: Limit = Limit(share=0.05, events=5, emails=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A sequence's emails that were sent within the window, and what came back for them."""

    emails: int
    bounces: int
    complaints: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why to stop: which limit, and the figures behind it."""

    reason: str
    events: int
    emails: int

    @property
    def words(self) -> str:
        """As people read it."""
        return f"{self.reason}: {self.events} of {self.emails} emails ({self.events / self.emails:.1%})"


def judge(tally: Tally, rule: Reputation) -> Verdict | None:
    """Why this sequence must stop; None where it may go on."""
    for reason, events, limit in (
        ("complaints", tally.complaints, rule.complaints),
        ("bounces", tally.bounces, rule.bounces),
    ):
        if events >= limit.events and tally.emails >= limit.emails and events >= limit.share * tally.emails:
            return Verdict(reason, events, tally.emails)
    return None
