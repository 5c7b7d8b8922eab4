"""A test to a colleague: only to addresses that were allowed when the program started, and to no other.

It goes through the provider of the settings and writes nothing to the ledger; its links do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from worker.delivery.base import Message, Outcome, Receipt


class Result(StrEnum):
    """What became of a test."""

    SENT = "sent"
    NOT_ALLOWED = "not_allowed"
    NOT_TAKEN = "not_taken"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialMail:
    """`deliver` hands over one message; `where` says in words where such mail goes."""

    allowed: Sequence[str] = ()
    deliver: Callable[[Message], Outcome]
    where: str

    def send(self, to: str, compose: Callable[[], Message]) -> Result:
        """Compose and hand over, if this address is allowed."""
        if to not in self.allowed:
            return Result.NOT_ALLOWED
        try:
            message = compose()
        except ValueError:
            return Result.BROKEN
        return Result.SENT if isinstance(self.deliver(message), Receipt) else Result.NOT_TAKEN
