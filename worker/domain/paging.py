"""When staff are told again of a message that nobody has acknowledged. It never gives up: a person may be in danger."""

from __future__ import annotations

from datetime import timedelta

from worker.domain.safety import CrisisTier

_STEP = {CrisisTier.ACUTE: timedelta(minutes=5), CrisisTier.REVIEW: timedelta(hours=1)}
_MOST_STEPS = 12
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=5), timedelta(minutes=5)

UNANSWERED_AFTER = 3
"""So many times told without an answer is a broken promise, and makes the status say so."""


def until_next_page(tier: CrisisTier, pages: int) -> timedelta:
    """How long to wait after telling staff for the `pages`th time: 5, 10, 15 … 60 minutes; hours where it may wait."""
    return _STEP[tier] * min(pages, _MOST_STEPS)


def until_retry(attempts: int) -> timedelta:
    """How long to wait after staff could not be reached, however often: doubled from 5 seconds up to 5 minutes."""
    return min(_FIRST_RETRY * (1 << min(attempts - 1, 10)), _LONGEST_RETRY)
