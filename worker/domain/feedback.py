"""What comes back after a send, in our own words, and what each of it means: one screen of rules.

A provider's words become these in `worker.feedback`; nothing downstream knows whose they were. People are
never punished for what is our fault (authentication, reputation, rate): that stops the sending instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from worker.domain.consent import SuppressionReason
from worker.domain.sends import CancelReason


class EventKind(StrEnum):
    """What happened to an email after a provider took it. Each of these proves that it did take it, but for those of a
    send that failed: that address was refused, or we were, while it was handed over."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    """The provider is still trying."""
    SOFT_BOUNCE = "soft_bounce"
    HARD_BOUNCE = "hard_bounce"
    OUR_FAULT = "our_fault"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    REPLIED = "replied"
    AUTO_REPLY = "auto_reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """One foreign event, in our words. `code` is an enhanced status code or a provider's closed word.

    It names its send by our own id, or else by the provider's id of the message; never by an address.
    """

    event_id: str
    kind: EventKind
    code: str = ""
    send_id: str | None = None
    provider_message_id: str | None = None


_STATUS: tuple[tuple[str, EventKind], ...] = (
    ("5.1.7", EventKind.OUR_FAULT),  # they refuse the sender's address
    ("5.1.8", EventKind.OUR_FAULT),
    ("5.1.", EventKind.HARD_BOUNCE),  # no such mailbox or domain
    ("5.2.1", EventKind.HARD_BOUNCE),  # the mailbox is closed
    ("5.7.13", EventKind.HARD_BOUNCE),  # account disabled; a mailbox or domain that changed its owner (RFC 7293)
    ("5.7.17", EventKind.HARD_BOUNCE),
    ("5.7.18", EventKind.HARD_BOUNCE),
    ("5.5.", EventKind.OUR_FAULT),  # we speak the protocol wrongly
    ("5.6.", EventKind.OUR_FAULT),  # our message is malformed
    ("5.7.", EventKind.OUR_FAULT),  # policy, authentication, reputation
    ("4.7.", EventKind.OUR_FAULT),  # the same, or too many at once, until the provider gave up
)
"""Enhanced status codes (RFC 3463) by prefix, the first match wins; every other failure is a soft bounce."""


def kind_of_status(status: str) -> EventKind:
    """What a final failure with this enhanced status code means."""
    matches = (
        kind for prefix, kind in _STATUS if status == prefix or (prefix[-1] == "." and status.startswith(prefix))
    )
    return next(matches, EventKind.SOFT_BOUNCE)


MAILBOX_FULL = "5.2.2"
"""The one refusal at the door that blames the mailbox and may pass."""

SOFT_BOUNCES, SOFT_WITHIN = 3, timedelta(days=30)
"""So many emails in a row that could not be delivered, within this time: nobody reads that mailbox."""

FAULTS, FAULTS_WITHIN = 3, timedelta(days=1)
"""One server may dislike one email; so many people's servers dislike us."""

AUTHENTICATION = frozenset({"5.7.8", "5.7.9", "5.7.509", "5.7.515", *(f"5.7.{number}" for number in range(20, 31))})
"""SPF, DKIM, DMARC or login failed: it is so for every email, so the first one stops all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`soft_bounces`: this person's emails in a row that bounced softly. `faults`: people refused for our fault
    within `FAULTS_WITHIN`. The event in hand is counted in both."""

    soft_bounces: int = 0
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Suppress:
    """Stop writing to this address, and end the sequence."""

    reason: SuppressionReason
    exit: CancelReason


@dataclass(frozen=True, slots=True)
class StopSending:
    """Pause all sending until a person has mended what is wrong with us."""

    code: str


Act = Suppress | StopSending | None


def decide_act(kind: EventKind, code: str, history: History) -> Act:
    """What to do about an event. A reply is a person's words and has its own use case."""
    match kind:
        case EventKind.HARD_BOUNCE:
            return Suppress(SuppressionReason.HARD_BOUNCE, CancelReason.BOUNCED)
        case EventKind.SOFT_BOUNCE if history.soft_bounces >= SOFT_BOUNCES:
            return Suppress(SuppressionReason.HARD_BOUNCE, CancelReason.BOUNCED)
        case EventKind.COMPLAINED:
            return Suppress(SuppressionReason.COMPLAINED, CancelReason.COMPLAINED)
        case EventKind.UNSUBSCRIBED:
            return Suppress(SuppressionReason.UNSUBSCRIBED, CancelReason.UNSUBSCRIBED)
        case EventKind.OUR_FAULT if code in AUTHENTICATION or history.faults >= FAULTS:
            return StopSending(code)
    return None
