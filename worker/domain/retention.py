"""How long what is kept: one rule for each kind of thing, with its age and its reason, as staff wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kept(StrEnum):
    """What a rule is about."""

    QUARANTINE = "quarantine"
    PRACTICE = "practice"
    UNREACHABLE = "unreachable"
    FINISHED = "finished"
    PARKED = "parked"
    ALERTS = "alerts"
    EVENTS = "events"
    EXPORTS = "exports"
    MARKS = "marks"


SHORTEST: Mapping[Kept, timedelta] = {
    Kept.QUARANTINE: timedelta(days=7),
    Kept.PRACTICE: timedelta(days=1),
    Kept.UNREACHABLE: timedelta(days=30),
    Kept.FINISHED: timedelta(days=90),
    Kept.PARKED: timedelta(days=7),
    Kept.ALERTS: timedelta(days=7),
    Kept.EVENTS: timedelta(days=7),
    Kept.EXPORTS: timedelta(days=1),
    Kept.MARKS: timedelta(days=90),
}
"""Less than this is a slip of the pen: the thing is still needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """From this age on it goes, because of this."""

    after: timedelta
    because: str

    def before(self, now: datetime) -> datetime:
        """What is older than this goes."""
        return now - self.after


Retention = Mapping[Kept, RetentionRule]

USUAL: Retention = {
    Kept.QUARANTINE: RetentionRule(
        after=timedelta(days=30), because="nobody released it, so it was most likely no person"
    ),
    Kept.PRACTICE: RetentionRule(after=timedelta(days=30), because="made up for trying out"),
    Kept.UNREACHABLE: RetentionRule(after=timedelta(days=180), because="neither mail nor a call can reach them"),
    Kept.FINISHED: RetentionRule(after=timedelta(days=730), because="nothing has happened for two years"),
    Kept.PARKED: RetentionRule(after=timedelta(days=30), because="someone has decided about it"),
    Kept.ALERTS: RetentionRule(after=timedelta(days=90), because="staff have long been told"),
    Kept.EVENTS: RetentionRule(after=timedelta(days=30), because="other systems have long been told"),
    Kept.EXPORTS: RetentionRule(after=timedelta(days=7), because="it was handed over"),
    Kept.MARKS: RetentionRule(after=timedelta(days=400), because="no copy of an erased submission is that old"),
}
"""Where the published content says nothing about it."""
