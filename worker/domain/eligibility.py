"""The send ladder's decisions: may this send go to this person now? Each rung proceeds, skips or holds.

The whole policy stands in `RUNGS`. The hand-over statement (`worker.storage.gate.hand_over`) repeats,
inside its transaction, what can change between this decision and the network (I3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from worker.domain.clinic import Clinic
from worker.domain.consent import SuppressionScope, is_suppressed
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.schedule import is_open, next_open
from worker.domain.sends import HoldReason, SendKind, SkipReason
from worker.domain.sequences import LateAction, Step


@dataclass(frozen=True, slots=True)
class Proceed:
    """Nothing stands against this send now."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave this send out for good."""

    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait: until an instant, or (None) until a person acts."""

    reason: HoldReason
    until: datetime | None = None


class ShiftReason(StrEnum):
    """Why a due send got a later due time."""

    OUTSIDE_WINDOW = "outside_window"
    LATE = "late"
    MIN_GAP = "min_gap"
    WARM_UP = "warm_up"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Shift:
    """Not now: due again at a later instant."""

    reason: ShiftReason
    due_at: datetime


Decision = Proceed | Skip | Hold | Shift


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailScope:
    """Whom an email is for, as its front matter says. Empty `conditions` means any."""

    id: str
    locations: frozenset[Location]
    conditions: frozenset[Condition]
    treatments: frozenset[Treatment]
    review_by: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFacts:
    """All that the decision about one send rests on. `email` is None where the content has no such email."""

    kind: SendKind
    location: Location
    conditions: frozenset[Condition]
    email: EmailScope | None
    has_address: bool
    has_consent: bool
    suppressions: frozenset[SuppressionScope]
    lead_held: bool
    paused_until: datetime | None
    is_paused: bool
    enrollment_active: bool
    already_sent: bool
    due_at: datetime
    last_nurture_at: datetime | None
    step: Step | None
    lead_held_until: datetime | None = None
    quiet_until: datetime | None = None


Rung = Callable[[SendFacts, Clinic, datetime], Decision]


def decide(facts: SendFacts, clinic: Clinic, now: datetime) -> Decision:
    """Climb the ladder: the first rung that does not proceed decides."""
    for rung in RUNGS:
        decision = rung(facts, clinic, now)
        if not isinstance(decision, Proceed):
            return decision
    return Proceed()


def _check_address(facts: SendFacts, _clinic: Clinic, _now: datetime) -> Decision:
    return Proceed() if facts.has_address else Skip(SkipReason.NO_EMAIL_ADDRESS)


def _check_suppression(facts: SendFacts, _clinic: Clinic, _now: datetime) -> Decision:
    return Skip(SkipReason.SUPPRESSED) if is_suppressed(facts.kind, facts.suppressions) else Proceed()


def _check_consent(facts: SendFacts, _clinic: Clinic, _now: datetime) -> Decision:
    needs = facts.kind is SendKind.NURTURE
    return Skip(SkipReason.NO_CONSENT) if needs and not facts.has_consent else Proceed()


def _check_enrollment(facts: SendFacts, _clinic: Clinic, _now: datetime) -> Decision:
    if facts.kind is SendKind.NURTURE and not facts.enrollment_active:
        return Skip(SkipReason.ENROLLMENT_ENDED)
    return Skip(SkipReason.ALREADY_SENT) if facts.already_sent else Proceed()


def _check_holds(facts: SendFacts, _clinic: Clinic, _now: datetime) -> Decision:
    if facts.is_paused:
        return Hold(HoldReason.PAUSED, facts.paused_until)
    if facts.kind is SendKind.NURTURE and facts.lead_held:
        return Hold(HoldReason.LEAD_HELD, facts.lead_held_until)
    return Proceed()


def _check_quiet(facts: SendFacts, clinic: Clinic, now: datetime) -> Decision:
    if facts.kind is SendKind.ACKNOWLEDGEMENT or facts.quiet_until is None or now >= facts.quiet_until:
        return Proceed()
    window = clinic.nurture.window.narrowed(facts.step.window if facts.step else None)
    return Shift(ShiftReason.QUIET, next_open(facts.quiet_until, window, clinic.calendars(facts.location)))


def _check_content(facts: SendFacts, clinic: Clinic, now: datetime) -> Decision:
    if facts.email is None:
        return Hold(HoldReason.CONTENT_MISSING)
    return check_content(facts.email, facts.location, facts.conditions, clinic, now)


def _check_lateness(facts: SendFacts, clinic: Clinic, now: datetime) -> Decision:
    step = facts.step
    if step is None or now - facts.due_at <= step.late_after:
        return Proceed()
    if step.late_action is LateAction.SKIP:
        return Skip(SkipReason.TOO_LATE)
    return Shift(ShiftReason.LATE, _next_day_open(facts, clinic, now))


def _check_window(facts: SendFacts, clinic: Clinic, now: datetime) -> Decision:
    if facts.kind is SendKind.ACKNOWLEDGEMENT:
        return Proceed()
    window = clinic.nurture.window.narrowed(facts.step.window if facts.step else None)
    calendars = clinic.calendars(facts.location)
    if is_open(now, window, calendars):
        return Proceed()
    return Shift(ShiftReason.OUTSIDE_WINDOW, next_open(now, window, calendars))


def _check_gap(facts: SendFacts, clinic: Clinic, now: datetime) -> Decision:
    if facts.kind is SendKind.ACKNOWLEDGEMENT or facts.last_nurture_at is None:
        return Proceed()
    free_at = facts.last_nurture_at + clinic.nurture.min_gap
    if now >= free_at:
        return Proceed()
    window = clinic.nurture.window.narrowed(facts.step.window if facts.step else None)
    return Shift(ShiftReason.MIN_GAP, next_open(free_at, window, clinic.calendars(facts.location)))


RUNGS: tuple[Rung, ...] = (
    _check_address,
    _check_suppression,
    _check_consent,
    _check_enrollment,
    _check_holds,
    _check_quiet,
    _check_content,
    _check_lateness,
    _check_window,
    _check_gap,
)


def put_off(facts: SendFacts, clinic: Clinic, first_due_at: datetime, now: datetime) -> Decision:
    """What becomes of a send that today's warm-up cap leaves no room for: another day, or too late by its own rule."""
    at, step = _next_day_open(facts, clinic, now), facts.step
    if step is not None and step.late_action is LateAction.SKIP and at - first_due_at > step.late_after:
        return Skip(SkipReason.TOO_LATE)
    return Shift(ShiftReason.WARM_UP, at)


def check_content(
    email: EmailScope, location: Location, conditions: frozenset[Condition], clinic: Clinic, now: datetime
) -> Decision:
    """May this email go to a lead of this location and these conditions at all (I5)?"""
    if location not in email.locations:
        return Skip(SkipReason.NOT_FOR_LOCATION)
    if email.conditions and not email.conditions & conditions:
        return Skip(SkipReason.NOT_FOR_CONDITION)
    if not email.treatments <= clinic.services_at(location):
        return Skip(SkipReason.SERVICE_NOT_OFFERED)
    today = now.astimezone(ZoneInfo(clinic.calendar(location).zone)).date()
    if today > email.review_by:
        return Hold(HoldReason.REVIEW_OVERDUE)
    return Proceed()


def _next_day_open(facts: SendFacts, clinic: Clinic, now: datetime) -> datetime:
    """The next window on a later day: after an outage today's window belongs to what is due today."""
    calendars = clinic.calendars(facts.location)
    zone = ZoneInfo(calendars[0].zone)
    midnight = datetime.combine(now.astimezone(zone).date(), datetime.max.time(), tzinfo=zone)
    window = clinic.nurture.window.narrowed(facts.step.window if facts.step else None)
    return next_open(midnight, window, calendars)
