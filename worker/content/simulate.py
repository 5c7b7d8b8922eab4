"""Who gets what, when: the calendar of a made-up lead, by the same functions that the worker uses.

The planner and the ladder decide; this module only moves the clock from one due instant to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from worker.content.catalog import ACKNOWLEDGEMENT, content_location
from worker.content.render import Renderer
from worker.domain.eligibility import Decision, Hold, Proceed, SendFacts, Shift, Skip, decide
from worker.domain.leads import Condition
from worker.domain.planner import Position, plan_next
from worker.domain.routing import Route
from worker.domain.sends import SendKind
from worker.domain.sequences import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """One send that would happen, or would not and why. `step` is None for the acknowledgement."""

    step: str | None
    email: str
    at: datetime
    decision: str
    reason: str | None


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
    clinic = renderer.catalog.clinic
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
    yield _entry(None, ACKNOWLEDGEMENT, submitted_at, decide(facts, clinic, submitted_at))
    if route.sequence is None or not consent or not has_address:
        return
    plan = renderer.catalog.sequences[route.sequence].plan_for(route.location)
    position = Position(last_step=None, anchor=submitted_at, last_nurture_at=None)
    now = submitted_at
    while planned := plan_next(plan, position, route.location, clinic, now):
        now, step = planned.due_at, planned.step
        decision = decide(_step_facts(facts, renderer, route, step, now, position), clinic, now)
        yield _entry(step.id, step.email, now, decision)
        if isinstance(decision, Hold):
            return
        position = _advance(position, step, now, sent=isinstance(decision, Proceed))


def _step_facts(
    facts: SendFacts, renderer: Renderer, route: Route, step: Step, now: datetime, position: Position
) -> SendFacts:
    return replace(
        facts,
        kind=SendKind.NURTURE,
        email=renderer.compiled(step.email, route.location, route.sequence).scope,
        due_at=now,
        last_nurture_at=position.last_nurture_at,
        step=step,
    )


def _advance(position: Position, step: Step, now: datetime, *, sent: bool) -> Position:
    if not sent:
        return replace(position, last_step=step.id)
    return Position(
        last_step=step.id,
        anchor=now,
        last_nurture_at=now,
        emails_sent=position.emails_sent | {step.email},
    )


def _entry(step: str | None, email: str, at: datetime, decision: Decision) -> CalendarEntry:
    match decision:
        case Proceed():
            return CalendarEntry(step=step, email=email, at=at, decision="send", reason=None)
        case Skip(reason):
            return CalendarEntry(step=step, email=email, at=at, decision="skip", reason=reason)
        case Hold(reason, _):
            return CalendarEntry(step=step, email=email, at=at, decision="hold", reason=reason)
        case Shift(reason, due_at):
            return CalendarEntry(step=step, email=email, at=due_at, decision="hold", reason=reason)
