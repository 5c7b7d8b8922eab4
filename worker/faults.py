"""Named points at which a test may kill this very process; inert unless armed, and never armed in production.

Armed by `NURTURE_FAULT=name:n` (or several, joined by commas): the n-th time the point is passed, the process
sends itself SIGKILL, which nothing can catch. So a test can stop the product between any two steps.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

POINTS = frozenset(
    {
        "spool_written", "spool_renamed", "before_push", "after_push", "capture_in_transaction", "capture_committed",
        "claim_committed", "handed_over", "bytes_sent", "accepted", "outcome_committed",
    }
)  # fmt: skip
"""Every point, in the order in which a lead passes them."""

UPKEEP_POINTS = frozenset({"reseal_in_transaction", "reseal_committed"})
"""Points that no lead passes: what an operator's command does to all of them."""


def _armed(environment: Mapping[str, str]) -> dict[str, int]:
    if environment.get("NURTURE_ENV") == "production":
        return {}
    entries = (entry.partition(":") for entry in environment.get("NURTURE_FAULT", "").split(",") if entry)
    return {name: int(count or 1) for name, _, count in entries if name in POINTS | UPKEEP_POINTS}


_left = _armed(os.environ)


def fault(name: str) -> None:
    """Die here, if a test has asked for it."""
    if not _left or name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
