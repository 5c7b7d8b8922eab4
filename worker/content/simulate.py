"""Who gets what, when: the calendar of a made-up lead, and of a real one from where it stands.

The planner and the ladder decide, the same functions that the worker uses; this module only moves the clock from
one due instant to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from worker.content.catalog import ACKNOWLEDGEMENT, content_location
from worker.content.render import Renderer, scope_of
from worker.domain.eligibility import Decision, Hold, Proceed, SendFacts, Shift, Skip, decide
from worker.domain.leads import Condition
from worker.domain.planner import Planned, Position, plan_next
from worker.domain.routing import Route
from worker.domain.sends import SendKind, SkipReason
from worker.domain.sequences import Plan, Step

ENDS_IT = frozenset(
    {SkipReason.SUPPRESSED, SkipReason.NO_CONSENT, SkipReason.NO_EMAIL_ADDRESS, SkipReason.ENROLLMENT_ENDED}
)
"""Skips after which nothing more of a sequence goes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """One send that would happen, or would not and why. `step` is None for the acknowledgement.

    `reason` of one that is sent says why it is sent then, and not at its due time. A hold waits for a person.
    """

    step: str | None
    email: str
    at: datetime
    decision: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a lead is in its plan: its facts, its position, and the send that is planned already, if any.

    `held` is what that send is held for already: then the ladder is not asked about it.
    """

    plan: Plan
    position: Position
    facts: SendFacts
    planned: Planned | None = None
    held: Hold | None = None


def simulate(
    renderer: Renderer,
    route: Route,
    conditions: frozenset[Condition],
    submitted_at: datetime,
    *,
    consent: bool = True,
    has_address: bool = True,
) -> Iterator[CalendarEntry]:
    """The acknowledgement, then every step of the route's sequence until it ends or holds."""
    facts = SendFacts(
        kind=SendKind.ACKNOWLEDGEMENT,
        location=content_location(route.location),
        conditions=conditions,
        email=renderer.compiled(ACKNOWLEDGEMENT, route.location, None).scope,
        has_address=has_address,
        has_consent=consent,
        suppressions=frozenset(),
        lead_held=False,
        paused_until=None,
        is_paused=False,
        enrollment_active=True,
        already_sent=False,
        due_at=submitted_at,
        last_nurture_at=None,
        step=None,
    )
    decision = decide(facts, renderer.catalog.clinic, submitted_at)
    yield _entry(None, ACKNOWLEDGEMENT, submitted_at, decision, None)
    if route.sequence is None or not consent or not has_address:
        return
    plan = renderer.catalog.sequences[route.sequence].plan_for(route.location)
    position = Position(last_step=None, anchor=submitted_at, last_nurture_at=None)
    facts = replace(facts, kind=SendKind.NURTURE)
    yield from foresee(renderer, Standing(plan=plan, position=position, facts=facts), submitted_at)


def foresee(renderer: Renderer, standing: Standing, now: datetime) -> Iterator[CalendarEntry]:
    """Every step still to come, until the sequence ends or waits for a person."""
    clinic, plan, position, facts = renderer.catalog.clinic, standing.plan, standing.position, standing.facts
    planned, held = standing.planned, standing.held
    while planned := planned or plan_next(plan, position, facts.location, clinic, now):
        step, now = planned.step, max(now, planned.due_at)
        facts = replace(
            facts,
            email=scope_of(renderer, step.email, facts.location, plan.sequence),
            due_at=planned.due_at,
            last_nurture_at=position.last_nurture_at,
            step=step,
        )
        climb = _climb(renderer, facts, now, held)
        facts, now = climb.facts, climb.at
        yield _entry(step.id, step.email, now, climb.decision, climb.because)
        if isinstance(climb.decision, Hold) or (isinstance(climb.decision, Skip) and climb.decision.reason in ENDS_IT):
            return
        position = _advance(position, step, now, sent=isinstance(climb.decision, Proceed))
        planned = held = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Climb:
    decision: Decision
    at: datetime
    facts: SendFacts
    because: str | None


def _climb(renderer: Renderer, facts: SendFacts, now: datetime, held: Hold | None) -> _Climb:
    """Ask the ladder again and again, as the worker would, until a send goes out, is left out, or waits for someone."""
    because: str | None = None
    while True:
        decision: Decision = held or decide(facts, renderer.catalog.clinic, now)
        held = None
        match decision:
            case Shift(reason, due_at):
                now, facts, because = due_at, replace(facts, due_at=due_at), because or reason
            case Hold(reason, datetime() as until):
                now, because = max(now, until), because or reason
                facts = replace(facts, is_paused=False, lead_held=facts.lead_held and not _is_over(facts, now))
            case _:
                return _Climb(decision=decision, at=now, facts=facts, because=because)


def _is_over(facts: SendFacts, now: datetime) -> bool:
    return facts.lead_held_until is not None and facts.lead_held_until <= now


def _advance(position: Position, step: Step, now: datetime, *, sent: bool) -> Position:
    if not sent:
        return replace(position, last_step=step.id)
    return Position(
        last_step=step.id,
        anchor=now,
        last_nurture_at=now,
        emails_sent=position.emails_sent | {step.email},
    )


def _entry(step: str | None, email: str, at: datetime, decision: Decision, because: str | None) -> CalendarEntry:
    match decision:
        case Skip(reason):
            return CalendarEntry(step=step, email=email, at=at, decision="skip", reason=reason)
        case Hold(reason, _):
            return CalendarEntry(step=step, email=email, at=at, decision="hold", reason=reason)
    return CalendarEntry(step=step, email=email, at=at, decision="send", reason=because)
