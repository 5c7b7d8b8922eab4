"""When the share of bounces or complaints says that a sequence must stop, before mailbox providers stop us; and when
complaints are so many that somebody should read it again before it comes to that.

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


WORTH_A_LOOK = Limit(share=0.001, events=1, emails=100)
"""Complaints, of which Gmail wants fewer (https://support.google.com/a/answer/81126)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A sequence's emails within the window, sent or refused for their address, and what came back for them."""

    emails: int
    bounces: int
    complaints: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why to stop, or else to look: which limit, and the figures behind it."""

    reason: str
    events: int
    emails: int
    must_stop: bool = True

    @property
    def words(self) -> str:
        """As people read it."""
        return f"{self.reason}: {self.events} of {self.emails} emails ({self.events / self.emails:.1%})"


def judge(tally: Tally, rule: Reputation) -> Verdict | None:
    """Why this sequence must stop, or should be looked at; None where all is well."""
    for reason, events, limit in (
        ("complaints", tally.complaints, rule.complaints),
        ("bounces", tally.bounces, rule.bounces),
    ):
        if _reaches(events, tally.emails, limit):
            return Verdict(reason, events, tally.emails)
    if _reaches(tally.complaints, tally.emails, WORTH_A_LOOK):
        return Verdict("complaints", tally.complaints, tally.emails, must_stop=False)
    return None


def _reaches(events: int, emails: int, limit: Limit) -> bool:
    return events >= limit.events and emails >= limit.emails and events >= limit.share * emails
