"""What reports count, and how a day of the ledger becomes tallies. Pure.

Everything is counted for the day on which it began: what became of a lead on the day they first wrote, what came
back for an email on the day it went out. So no share is ever over one, and late news changes an old day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from worker.domain.feedback import EventKind

NONE = ""
"""In place of a sequence or an email, where there is none."""


class Figure(StrEnum):
    """What is counted. The first ones count leads, the others emails."""

    LEADS = "leads"
    EMAILED = "emailed"
    """Leads to whom at least one email went out."""
    ANSWERED = "answered"
    ANSWERED_15 = "answered_15"
    """Leads who were answered within so many minutes of the front desk's working time."""
    ANSWERED_30 = "answered_30"
    ANSWERED_60 = "answered_60"
    ANSWERED_120 = "answered_120"
    ANSWERED_480 = "answered_480"
    BOOKED = "booked"
    SENT = "sent"
    """Emails that went out, and those that were refused for their address while they were handed over."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """Emails that came back, for good or for the time being."""
    HARD_BOUNCED = "hard_bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


ANSWERED_WITHIN: Mapping[int, Figure] = {
    15: Figure.ANSWERED_15,
    30: Figure.ANSWERED_30,
    60: Figure.ANSWERED_60,
    120: Figure.ANSWERED_120,
    480: Figure.ANSWERED_480,
}
"""Minutes of working time, each with its figure; someone answered within 15 counts in all of them."""

OF_EMAILS = (
    Figure.SENT,
    Figure.DELIVERED,
    Figure.BOUNCED,
    Figure.HARD_BOUNCED,
    Figure.COMPLAINED,
    Figure.UNSUBSCRIBED,
)

_BOUNCES = {EventKind.HARD_BOUNCE, EventKind.SOFT_BOUNCE}


@dataclass(frozen=True, slots=True)
class Key:
    """What a tally is about. Of leads, `email` is empty."""

    location: str
    condition: str
    sequence: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFacts:
    """A lead of the day, and what became of them until now. `answer_minutes`: how long the first answer took."""

    location: str
    condition: str
    sequence: str
    was_emailed: bool
    answer_minutes: int | None
    has_booked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFacts:
    """An email that went out on the day, or was refused for its address, and what came back for it until now."""

    location: str
    condition: str
    sequence: str
    email: str
    provider: str
    mailbox: str
    came_back: frozenset[str]


@dataclass(frozen=True, slots=True)
class MailKey:
    """What a tally of deliverability is about: the sender (by location), who took it, and whose mailbox it went to."""

    location: str
    provider: str
    mailbox: str


Tally = Counter[Figure]


def tally_day(leads: Iterable[LeadFacts], sends: Iterable[SendFacts]) -> dict[Key, Tally]:
    """The tallies of a day."""
    tallies: dict[Key, Tally] = {}
    for lead in leads:
        key = Key(lead.location, lead.condition, lead.sequence, NONE)
        tallies.setdefault(key, Counter()).update(figures_of_lead(lead))
    for send in sends:
        key = Key(send.location, send.condition, send.sequence, send.email)
        tallies.setdefault(key, Counter()).update(figures_of_send(send.came_back))
    return tallies


def tally_mail(sends: Iterable[SendFacts]) -> dict[MailKey, Tally]:
    """The same emails by who carried them."""
    tallies: dict[MailKey, Tally] = {}
    for send in sends:
        key = MailKey(send.location, send.provider, send.mailbox)
        tallies.setdefault(key, Counter()).update(figures_of_send(send.came_back))
    return tallies


def figures_of_lead(lead: LeadFacts) -> Iterator[Figure]:
    """What one lead counts in."""
    yield Figure.LEADS
    if lead.was_emailed:
        yield Figure.EMAILED
    if lead.answer_minutes is not None:
        yield Figure.ANSWERED
        yield from (figure for bound, figure in ANSWERED_WITHIN.items() if lead.answer_minutes <= bound)
    if lead.has_booked:
        yield Figure.BOOKED


def figures_of_send(came_back: frozenset[str]) -> Iterator[Figure]:
    """What one email counts in."""
    yield Figure.SENT
    if EventKind.DELIVERED in came_back:
        yield Figure.DELIVERED
    if came_back & _BOUNCES:
        yield Figure.BOUNCED
    if EventKind.HARD_BOUNCE in came_back:
        yield Figure.HARD_BOUNCED
    if EventKind.COMPLAINED in came_back:
        yield Figure.COMPLAINED
    if EventKind.UNSUBSCRIBED in came_back:
        yield Figure.UNSUBSCRIBED


def recount_after(day: date, today: date) -> timedelta:
    """How soon (real time) a day is counted anew: late news is common at first, and rare in the end."""
    age = (today - day).days
    for days, wait in ((2, timedelta(minutes=1)), (14, timedelta(minutes=15)), (90, timedelta(hours=3))):
        if age < days:
            return wait
    return timedelta(days=1)
