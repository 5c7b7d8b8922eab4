"""Named points at which a test may stop this very process; inert unless armed, and never armed in production.

Armed by `NURTURE_FAULT=name:n` (or several, joined by commas): the n-th time the point is passed, the process
sends itself SIGKILL, which nothing can catch. Or, while it runs, by files: with `NURTURE_FAULT_DIR=folder`,
whoever first passes a point for which `name.kill` or `name.freeze` lies there takes the file away and stops,
for ever or until it is woken. So a test can stop the product between any two steps.

`NURTURE_FAULT_LEASES=0.1` makes the ledger's leases a tenth as long, so that a test outlives one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

POINTS = frozenset(
    {
        "spool_written", "spool_renamed", "before_push", "after_push", "capture_in_transaction", "capture_committed",
        "claim_committed", "handed_over", "bytes_sent", "accepted", "outcome_committed",
    }
)  # fmt: skip
"""Every point, in the order in which a lead passes them."""

UPKEEP_POINTS = frozenset({"reseal_in_transaction", "reseal_committed"})
"""Points that no lead passes: what an operator's command does to all of them."""

_SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


def _armed(environment: Mapping[str, str]) -> dict[str, int]:
    if environment.get("NURTURE_ENV") == "production":
        return {}
    entries = (entry.partition(":") for entry in environment.get("NURTURE_FAULT", "").split(",") if entry)
    return {name: int(count or 1) for name, _, count in entries if name in POINTS | UPKEEP_POINTS}


def _folder(environment: Mapping[str, str]) -> Path | None:
    named = environment.get("NURTURE_FAULT_DIR")
    return Path(named) if named and environment.get("NURTURE_ENV") != "production" else None


def _lease_scale(environment: Mapping[str, str]) -> float:
    if environment.get("NURTURE_ENV") == "production":
        return 1.0
    return float(environment.get("NURTURE_FAULT_LEASES") or 1)


_left = _armed(os.environ)
_orders = _folder(os.environ)
_scale = _lease_scale(os.environ)


def fault(name: str) -> None:
    """Stop here, if a test has asked for it."""
    if _orders is not None:
        _obey(_orders, name)
    if not _left or name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def lease(length: timedelta) -> timedelta:
    """How long a lease lasts: this long, unless a test has asked for shorter ones."""
    return length * _scale


def _obey(orders: Path, name: str) -> None:
    for word, number in _SIGNALS.items():
        order = orders / f"{name}.{word}"
        try:
            order.rename(order.with_name(f"{order.name}.{os.getpid()}"))  # of several processes, one takes it
        except OSError:
            continue
        os.kill(os.getpid(), number)
