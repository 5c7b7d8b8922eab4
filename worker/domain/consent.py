"""What may be mailed under which state of a person (I3), and what they may choose for themselves."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from worker.domain.sends import SendKind


class SuppressionScope(StrEnum):
    """`NURTURE` still lets an acknowledgement answer a person who asks again; `ALL` lets nothing out."""

    NURTURE = "nurture"
    ALL = "all"


class SuppressionReason(StrEnum):
    """Why an address must not be mailed."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    HARD_BOUNCE = "hard_bounce"
    ERASED = "erased"
    STAFF = "staff"


class Preference(StrEnum):
    """What a person may choose on the page behind the unsubscribe link. A click without a choice means `ALL`."""

    ALL = "all"
    MONTH = "month"
    """Nothing for a month, then on from there."""
    SERIES = "series"
    """Not this sequence any more; another one may begin if they ask about something else."""


QUIET_FOR = timedelta(days=30)


SCOPE_OF: dict[SuppressionReason, SuppressionScope] = {
    SuppressionReason.UNSUBSCRIBED: SuppressionScope.NURTURE,
    SuppressionReason.STAFF: SuppressionScope.NURTURE,
    SuppressionReason.COMPLAINED: SuppressionScope.ALL,
    SuppressionReason.HARD_BOUNCE: SuppressionScope.ALL,
    SuppressionReason.ERASED: SuppressionScope.ALL,
}


def is_suppressed(kind: SendKind, scopes: frozenset[SuppressionScope]) -> bool:
    """True when an address with these suppressions must not get a send of this kind."""
    if SuppressionScope.ALL in scopes:
        return True
    return kind is SendKind.NURTURE and SuppressionScope.NURTURE in scopes
