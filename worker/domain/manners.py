"""How much may be sent now: rates for the provider and for each kind of mailbox, and the warm-up's daily cap.

Decided for a group at the gate, in order, so that whoever is first in the group is first to go.
Acknowledgements count against the rates and never against the warm-up: a person waits for an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from worker.domain.mailboxes import Mailbox
from worker.domain.rates import Level, Rate, poured, room
from worker.domain.sends import SendKind


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How many educational emails may go out on each day from `start` on. After the last cap there is none."""

    start: date
    caps: tuple[int, ...]

    def cap_on(self, day: date) -> int | None:
        """The cap of a day; None where there is none. Before the start, the first cap holds."""
        number = max(0, (day - self.start).days)
        return self.caps[number] if number < len(self.caps) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What the operator set. The default limits nothing."""

    provider: Rate | None = None
    mailboxes: Mapping[Mailbox, Rate] = field(default_factory=dict)
    warm_up: WarmUp | None = None

    def rates_of(self, mailbox: Mailbox) -> dict[str, Rate]:
        """The rates that a send to such a mailbox is counted by, each under its name."""
        both = {PROVIDER: self.provider, f"to {mailbox}": self.mailboxes.get(mailbox)}
        return {name: rate for name, rate in both.items() if rate is not None}

    @property
    def is_unlimited(self) -> bool:
        """True when nothing needs to be counted."""
        return self.warm_up is None and not self.rates

    @property
    def rates(self) -> dict[str, Rate]:
        """Every rate, by its name."""
        return {name: rate for mailbox in Mailbox for name, rate in self.rates_of(mailbox).items()}


PROVIDER = "provider"


class Turn(StrEnum):
    """What a send at the gate is told."""

    GO = "go"
    PROVIDER_AWAY = "provider_away"
    PROVIDER_BUSY = "provider_busy"
    MAILBOX_BUSY = "mailbox_busy"
    NEXT_DAY = "next_day"
    ASK_AGAIN = "ask_again"


@dataclass(frozen=True, slots=True)
class AtGate:
    """One send that asks to go."""

    id: str
    kind: SendKind
    mailbox: Mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was sent already: each rate's bucket, and how many educational emails went out today."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    nurture_today: int = 0


def turns(manners: Manners, usage: Usage, waiting: Sequence[AtGate], today: date, now: datetime) -> dict[str, Turn]:
    """Who of a group may go, in its order. `today` is the product's, `now` is real."""
    space = {name: room(usage.levels.get(name), rate, now) for name, rate in manners.rates.items()}
    cap = manners.warm_up.cap_on(today) if manners.warm_up else None
    left = None if cap is None else cap - usage.nurture_today
    told: dict[str, Turn] = {}
    for send in waiting:
        told[send.id] = _turn(manners, send, space, left)
        if told[send.id] is Turn.GO:
            space.update({name: space[name] - 1 for name in manners.rates_of(send.mailbox)})
            left = left - 1 if left is not None and send.kind is SendKind.NURTURE else left
    return told


def _turn(manners: Manners, send: AtGate, space: Mapping[str, int], left: int | None) -> Turn:
    if send.kind is SendKind.NURTURE and left is not None and left <= 0:
        return Turn.NEXT_DAY
    full = [name for name in manners.rates_of(send.mailbox) if space[name] < 1]
    if not full:
        return Turn.GO
    return Turn.PROVIDER_BUSY if PROVIDER in full else Turn.MAILBOX_BUSY


def used(manners: Manners, usage: Usage, went: Iterable[AtGate], now: datetime) -> Usage:
    """The usage after these went."""
    went = list(went)
    counts = Counter(name for send in went for name in manners.rates_of(send.mailbox))
    rates = manners.rates
    levels = {name: poured(usage.levels.get(name), rates[name], now, count) for name, count in counts.items()}
    educational = sum(send.kind is SendKind.NURTURE for send in went)
    return Usage(levels={**usage.levels, **levels}, nurture_today=usage.nurture_today + educational)
