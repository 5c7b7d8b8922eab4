"""The life of a send: one closed list of states, and which state may follow which (I2).

planned ─▶ claimed ─▶ handed_over ─▶ sent
   ▲          │            ├──▶ planned   certain, temporary refusal
   └──────────┘ lapsed     ├──▶ unknown   the hand-over lapsed or ended ambiguously ─▶ sent | failed | planned
                           │       └──▶ handed_over   again, with the same key, where the provider honours it
                           └──▶ failed    certain, permanent refusal
planned | claimed ─▶ skipped(reason) | held(reason, until) | cancelled(reason);  held ─▶ planned | cancelled
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class SendState(StrEnum):
    """Where a send stands. Delivered, bounced and complained are events on a sent send, not states."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    HANDED_OVER = "handed_over"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    HELD = "held"


class SendKind(StrEnum):
    """An acknowledgement belongs to the lead; a nurture send to an enrollment, and it needs consent."""

    ACKNOWLEDGEMENT = "acknowledgement"
    NURTURE = "nurture"


NEXT_STATES: dict[SendState, frozenset[SendState]] = {
    SendState.PLANNED: frozenset({SendState.CLAIMED, SendState.CANCELLED, SendState.HELD}),
    SendState.CLAIMED: frozenset(
        {SendState.HANDED_OVER, SendState.PLANNED, SendState.SKIPPED, SendState.HELD, SendState.CANCELLED}
    ),
    SendState.HANDED_OVER: frozenset({SendState.SENT, SendState.PLANNED, SendState.UNKNOWN, SendState.FAILED}),
    SendState.UNKNOWN: frozenset({SendState.SENT, SendState.HANDED_OVER, SendState.PLANNED, SendState.FAILED}),
    SendState.HELD: frozenset({SendState.PLANNED, SendState.CANCELLED}),
    SendState.SENT: frozenset(),
    SendState.FAILED: frozenset(),
    SendState.SKIPPED: frozenset(),
    SendState.CANCELLED: frozenset(),
}

UNKNOWN_BLOCKS_FOR = timedelta(hours=24)
"""How long (product clock) an unresolved send keeps the next step waiting; then the sequence goes on."""

PENDING = (SendState.PLANNED, SendState.CLAIMED, SendState.HELD)
"""States in which nothing has left yet, so that the send can still be withdrawn."""


class SkipReason(StrEnum):
    """Why a send was left out for good."""

    NO_EMAIL_ADDRESS = "no_email_address"
    SUPPRESSED = "suppressed"
    NO_CONSENT = "no_consent"
    NOT_FOR_LOCATION = "not_for_location"
    NOT_FOR_CONDITION = "not_for_condition"
    SERVICE_NOT_OFFERED = "service_not_offered"
    TOO_LATE = "too_late"
    ALREADY_SENT = "already_sent"
    ENROLLMENT_ENDED = "enrollment_ended"


class HoldReason(StrEnum):
    """Why a send waits for a person or for a time."""

    LEAD_HELD = "lead_held"
    PAUSED = "paused"
    REVIEW_OVERDUE = "review_overdue"
    CONTENT_MISSING = "content_missing"
    CONTENT_BROKEN = "content_broken"
    IDENTITY_SEALED = "identity_sealed"


MENDED_BY_PUBLISHING = (HoldReason.REVIEW_OVERDUE, HoldReason.CONTENT_MISSING, HoldReason.CONTENT_BROKEN)
"""Holds that new content may have ended: publishing plans them again, and the ladder decides anew."""

NEEDS_STAFF = frozenset({*MENDED_BY_PUBLISHING, HoldReason.IDENTITY_SEALED})
"""Holds that nobody but staff can end: they are told."""


class CancelReason(StrEnum):
    """Why a planned send was withdrawn."""

    UNSUBSCRIBED = "unsubscribed"
    REROUTED = "rerouted"
    STAFF_STOP = "staff_stop"
    BOOKED = "consultation_booked"
    PATIENT = "became_patient"
    REPLIED = "replied"
    SERIES_ENDED = "series_ended"
    COMPLAINED = "complained"
    BOUNCED = "hard_bounce"
    ERASED = "erased"
