"""The verdict: what people were promised and what the provider took, against what the database says.

Nothing here asks the product how it went: promises and deliveries come from logs outside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that the provider took."""

    recipient: str
    send_id: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the database holds when all is quiet."""

    submissions: frozenset[str]
    parked: int
    lead_of: Mapping[str, str]
    """The lead of each submission."""
    sends: Iterable[Mapping[str, Any]]
    now: datetime
    stranded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The counts, and what else is wrong. `drained_s` is None where it never became quiet."""

    accepted: int
    lost: int
    sends: int
    twice: int
    unknown: int
    unknown_accepted: int
    never_sent: int
    drained_s: float | None
    contradictions: list[str] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.twice or self.never_sent or self.contradictions) and self.drained_s is not None

    def line(self) -> str:
        """The one line that is printed last."""
        drained = f"drained in {self.drained_s:.0f} s" if self.drained_s is not None else "not drained"
        return (
            f"chaos: accepted {self.accepted}, lost {self.lost}, sends {self.sends}, twice {self.twice}, "
            f"unknown {self.unknown} (accepted {self.unknown_accepted}), never sent {self.never_sent}, {drained}"
        )


def judge(
    promises: Iterable[str], deliveries: Iterable[Delivery], ledger: Ledger, drained_s: float | None = 0.0
) -> Verdict:
    """Compare the logs with the ledger."""
    promised = set(promises)
    sends = list(ledger.sends)
    by_send = Counter(delivery.send_id for delivery in deliveries)
    by_text = Counter((delivery.recipient, delivery.subject) for delivery in deliveries)
    lost = promised - ledger.submissions
    unknown = [send for send in sends if send["state"] == "unknown"]
    return Verdict(
        accepted=len(promised),
        lost=len(lost),
        sends=sum(send["state"] in {"sent", "unknown"} for send in sends),
        twice=max(_repeats(by_send), _repeats(by_text)),
        unknown=len(unknown),
        unknown_accepted=sum(send["id"] in by_send for send in unknown),
        never_sent=len(_never_sent(promised - lost, ledger, sends, by_send)),
        drained_s=drained_s,
        contradictions=[*_contradictions(sends, by_send), *_without_answer(ledger, sends), *_left_over(ledger)],
    )


def _repeats(counted: Counter[Any]) -> int:
    return sum(count - 1 for count in counted.values())


def _never_sent(
    kept: Iterable[str], ledger: Ledger, sends: Iterable[Mapping[str, Any]], by_send: Mapping[str, int]
) -> set[str]:
    """Sends that are due and did not leave, or are called sent and never arrived, and people without an answer."""
    answered, missing = set(), set()
    for send in sends:
        is_shown = send["state"] == "unknown" or (send["state"] == "sent" and send["id"] in by_send)
        if send["kind"] == "acknowledgement" and is_shown:
            answered.add(send["lead_id"])
        is_owed = send["state"] in {"planned", "failed"} and send["due_at"] <= ledger.now
        if is_owed or (send["state"] == "sent" and send["id"] not in by_send):
            missing.add(send["id"])
    people = {ledger.lead_of.get(submission, submission) for submission in kept}
    owed = {send["lead_id"] for send in sends if send["id"] in missing and send["kind"] == "acknowledgement"}
    return missing | (people - answered - owed)


def _contradictions(sends: Iterable[Mapping[str, Any]], by_send: Mapping[str, int]) -> list[str]:
    known = {send["id"]: send for send in sends}
    strangers = sum(send_id not in known for send_id in by_send)
    wrong = Counter(
        send["state"] for send in known.values() if send["id"] in by_send and send["state"] not in {"sent", "unknown"}
    )
    stuck = Counter(send["state"] for send in known.values() if send["state"] in {"claimed", "handed_over"})
    return [
        *([f"{strangers} messages arrived that the ledger does not know"] if strangers else []),
        *(f"{count} messages arrived whose send is called {state}" for state, count in wrong.items()),
        *(f"{count} sends are still {state}" for state, count in stuck.items()),
    ]


def _without_answer(ledger: Ledger, sends: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where the answers stand that have not left, for whoever looks for the cause."""
    waiting = Counter(
        f"{send['state']}, {'due' if send['due_at'] <= ledger.now else 'not due yet'}"
        for send in sends
        if send["kind"] == "acknowledgement" and send["state"] not in {"sent", "unknown"}
    )
    return [f"{count} answers are {state}" for state, count in waiting.items()]


def _left_over(ledger: Ledger) -> list[str]:
    return [
        *([f"{ledger.parked} items are parked"] if ledger.parked else []),
        *([f"{ledger.stranded} active enrollments have nothing planned"] if ledger.stranded else []),
    ]
