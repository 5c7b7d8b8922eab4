"""Which step comes next and when, and what the send ladder says of it: one policy, shown as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.shipped import LOCATIONS, catalog, clinic, step, utc
from worker.domain.consent import SCOPE_OF, SuppressionReason, SuppressionScope, is_suppressed
from worker.domain.eligibility import (
    Decision,
    EmailScope,
    Hold,
    Proceed,
    SendFacts,
    Shift,
    ShiftReason,
    Skip,
    decide,
    put_off,
)
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.planner import Planned, Position, plan_next
from worker.domain.schedule import Window, is_open, wait_until
from worker.domain.sends import NEXT_STATES, PENDING, HoldReason, SendKind, SendState, SkipReason
from worker.domain.sequences import LateAction, Plan, Step

GAP = timedelta(hours=48)
NOON = utc("2026-03-04T12:00-06:00")  # a Wednesday on which everything is open

# --- The planner -------------------------------------------------------------

instants = st.integers(0, 2 * 365 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
locations = st.sampled_from(LOCATIONS)
step_windows = st.none() | st.builds(
    lambda days, start, hours: Window(days=days, start=time(start), until=time(start + hours)),
    st.frozensets(st.integers(0, 5), min_size=1), st.integers(9, 15), st.integers(2, 8),
)  # fmt: skip


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    emails = draw(st.lists(st.sampled_from([f"email-{number}" for number in range(6)]), min_size=1, max_size=8))
    steps = tuple(
        Step(
            id=f"step-{number}",
            email=email,
            wait=timedelta(hours=draw(st.integers(0, 10 * 24))),
            late_after=timedelta(hours=draw(st.integers(1, 100))),
            late_action=draw(st.sampled_from(LateAction)),
            locations=draw(st.frozensets(locations, min_size=1)),
            window=draw(step_windows),
        )
        for number, email in enumerate(emails)
    )
    return Plan(sequence="made-up", steps=steps)


@st.composite
def positions(draw: st.DrawFn, plan: Plan) -> Position:
    last = draw(st.none() | st.sampled_from([step.id for step in plan.steps]))
    sent = draw(st.frozensets(st.sampled_from([f"email-{number}" for number in range(6)]), max_size=4))
    return Position(
        last_step=last,
        anchor=draw(instants),
        last_nurture_at=draw(st.none() | instants),
        emails_sent=sent,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Plan, Position, Location, datetime]:
    plan = draw(plans())
    return plan, draw(positions(plan)), draw(locations), draw(instants)


@given(situations())
def test_a_planned_send_keeps_every_rule_of_time(situation: tuple[Plan, Position, Location, datetime]) -> None:
    plan, position, location, now = situation
    planned = plan_next(plan, position, location, clinic(), now)
    assume(planned is not None)
    assert planned is not None
    due, calendars = planned.due_at, clinic().calendars(location)
    assert due >= now
    assert due >= wait_until(position.anchor, planned.step.wait, calendars[0].zone)
    if position.last_nurture_at is not None:
        assert due - position.last_nurture_at >= GAP
    assert is_open(due, clinic().nurture.window.narrowed(planned.step.window), calendars)
    for calendar in calendars:
        local = due.astimezone(ZoneInfo(calendar.zone))
        assert 9 <= local.hour < 18
        assert local.weekday() < 6
        assert not calendar.is_closed(local.date())


@given(situations())
def test_the_next_step_is_the_first_one_after_the_last_whose_email_is_not_sent(
    situation: tuple[Plan, Position, Location, datetime],
) -> None:
    plan, position, location, now = situation
    planned = plan_next(plan, position, location, clinic(), now)
    ids = [step.id for step in plan.steps]
    first = 0 if position.last_step is None else ids.index(position.last_step) + 1
    left = [step for step in plan.steps[first:] if step.email not in position.emails_sent]
    assert (planned.step if planned else None) == (left[0] if left else None)


@given(situations())
def test_the_plan_is_the_same_whenever_it_is_asked_before_the_due_time(
    situation: tuple[Plan, Position, Location, datetime],
) -> None:
    """So that what a calendar shows is what a repair plans again after a loss."""
    plan, position, location, now = situation
    planned = plan_next(plan, position, location, clinic(), now)
    if planned is not None:
        assert plan_next(plan, position, location, clinic(), planned.due_at) == planned


@given(plans(), locations, instants, st.lists(st.integers(0, 4 * 86_400), min_size=8, max_size=8))
def test_a_whole_sequence_keeps_its_order_repeats_no_email_and_ends(
    plan: Plan, location: Location, start: datetime, delays_s: list[int]
) -> None:
    """Walked as the worker walks it, with sends that leave up to four days late."""
    position = Position(last_step=None, anchor=start, last_nurture_at=None)
    now, walked = start, list[Planned]()
    for delay in delays_s:
        planned = plan_next(plan, position, location, clinic(), now)
        if planned is None:
            break
        assert planned.due_at >= now
        walked.append(planned)
        now = planned.due_at + timedelta(seconds=delay)
        position = Position(
            last_step=planned.step.id,
            anchor=now,
            last_nurture_at=now,
            emails_sent=position.emails_sent | {planned.step.email},
        )
    assert plan_next(plan, position, location, clinic(), now) is None, "more sends than steps"
    order = [plan.steps.index(planned.step) for planned in walked]
    assert order == sorted(set(order))
    emails = [planned.step.email for planned in walked]
    assert len(emails) == len(set(emails))
    assert set(emails) == {step.email for step in plan.steps}, "an email of the plan never came"


@given(plans())
def test_a_plan_comes_back_from_storage_as_it_went_in(plan: Plan) -> None:
    assert Plan.from_json(plan.to_json()) == plan


def test_a_shipped_plan_comes_back_from_storage_as_it_went_in() -> None:
    for sequence in catalog().sequences.values():
        for location in sequence.locations:
            plan = sequence.plan_for(location)
            assert Plan.from_json(plan.to_json()) == plan


def test_a_stored_plan_reads_on_in_the_words_it_was_written_with() -> None:
    """What the first release stored must be read by every later one."""
    stored = {
        "version": 1,
        "sequence": "depression",
        "steps": [
            {"id": "coverage", "email": "illinois-coverage", "wait_s": 432000.0, "late_after_s": 259200.0,
             "late_action": "skip", "locations": ["carbondale"],
             "window": {"days": [1, 2, 3], "start": "10:00:00", "until": "16:00:00"}},
            {"id": "goodbye", "email": "goodbye", "wait_s": 518400.0, "late_after_s": 259200.0,
             "late_action": "shift", "locations": ["albany", "carbondale", "undecided"], "window": None},
        ],
    }  # fmt: skip
    plan = Plan.from_json(stored)
    assert plan.to_json() == stored
    assert plan.step("coverage").window == Window(days=frozenset({1, 2, 3}), start=time(10), until=time(16))
    assert plan.step("goodbye").wait == timedelta(days=6)


def test_a_step_that_a_plan_lacks_is_an_error() -> None:
    plan = Plan(sequence="made-up", steps=(step("options"),))
    with pytest.raises(KeyError):
        plan.step("nothing-of-that-name")


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_plan_holds_the_steps_of_its_location_only(location: Location) -> None:
    for sequence in catalog().sequences.values():
        steps = sequence.plan_for(location).steps
        assert all(location in step.locations for step in steps)
        assert steps == tuple(step for step in sequence.steps if step in steps)


@pytest.mark.parametrize(
    ("anchor", "wait", "last_nurture", "now", "due"),
    [
        # the wait, then the next opening
        ("2026-03-02T10:00-06:00", 2, None, "2026-03-02T10:00-06:00", "2026-03-04T10:00-06:00"),
        ("2026-03-06T22:15-06:00", 2, None, "2026-03-06T22:15-06:00", "2026-03-09T09:00-05:00"),
        # the gap of 48 hours, to the second, beats a shorter wait
        ("2026-03-02T10:00:30-06:00", 1, "2026-03-02T10:00:30-06:00", "2026-03-02T10:00:30-06:00",
         "2026-03-04T10:00:30-06:00"),
        # an outage: the wait is long over, and nothing is due before now
        ("2026-03-02T10:00-06:00", 2, None, "2026-03-12T11:22:33-05:00", "2026-03-12T11:22:33-05:00"),
        # the gap counts from another sequence's email too
        ("2026-03-02T10:00-06:00", 2, "2026-03-03T17:00-06:00", "2026-03-03T18:00-06:00", "2026-03-05T17:00-06:00"),
    ],
)  # fmt: skip
def test_due_is_the_wait_then_the_gap_then_the_window(
    anchor: str, wait: int, last_nurture: str | None, now: str, due: str
) -> None:
    plan = Plan(sequence="made-up", steps=(step("options", wait=timedelta(days=wait)),))
    position = Position(last_step=None, anchor=utc(anchor), last_nurture_at=utc(last_nurture) if last_nurture else None)
    planned = plan_next(plan, position, Location.CARBONDALE, clinic(), utc(now))
    assert planned is not None
    assert planned.due_at == utc(due)


# --- The ladder --------------------------------------------------------------

SCOPE = EmailScope(
    id="pain-options",
    locations=frozenset({Location.CARBONDALE, Location.ALBANY}),
    conditions=frozenset({Condition.CRPS, Condition.CHRONIC_PAIN}),
    treatments=frozenset({Treatment.IV_KETAMINE}),
    review_by=date(2027, 11, 20),
)
NURTURE = SendFacts(
    kind=SendKind.NURTURE,
    location=Location.CARBONDALE,
    conditions=frozenset({Condition.CRPS}),
    email=SCOPE,
    has_address=True,
    has_consent=True,
    suppressions=frozenset(),
    lead_held=False,
    paused_until=None,
    is_paused=False,
    enrollment_active=True,
    already_sent=False,
    due_at=NOON,
    last_nurture_at=None,
    step=step("options"),
)
ANSWER = replace(
    NURTURE,
    kind=SendKind.ACKNOWLEDGEMENT,
    email=replace(SCOPE, conditions=frozenset(), treatments=frozenset()),
    enrollment_active=False,
    step=None,
)


def decided(facts: SendFacts, now: datetime = NOON, **changes: object) -> Decision:
    return decide(replace(facts, **changes), clinic(), now)  # type: ignore[arg-type]


def test_a_send_with_nothing_against_it_proceeds() -> None:
    assert decided(NURTURE) == Proceed()
    assert decided(ANSWER) == Proceed()


SUNDAY_NIGHT = utc("2026-03-08T03:00-05:00")

# Every rung, from the bottom of the ladder: what stands against a nurture send, and against an acknowledgement.
RUNGS: list[tuple[dict[str, object], datetime, Decision, Decision]] = [
    ({"has_address": False}, NOON, Skip(SkipReason.NO_EMAIL_ADDRESS), Skip(SkipReason.NO_EMAIL_ADDRESS)),
    ({"suppressions": frozenset({SuppressionScope.ALL})}, NOON,
     Skip(SkipReason.SUPPRESSED), Skip(SkipReason.SUPPRESSED)),
    ({"suppressions": frozenset({SuppressionScope.NURTURE})}, NOON, Skip(SkipReason.SUPPRESSED), Proceed()),
    ({"has_consent": False}, NOON, Skip(SkipReason.NO_CONSENT), Proceed()),
    ({"enrollment_active": False}, NOON, Skip(SkipReason.ENROLLMENT_ENDED), Proceed()),
    ({"already_sent": True}, NOON, Skip(SkipReason.ALREADY_SENT), Skip(SkipReason.ALREADY_SENT)),
    ({"is_paused": True}, NOON, Hold(HoldReason.PAUSED), Hold(HoldReason.PAUSED)),
    ({"is_paused": True, "paused_until": SUNDAY_NIGHT}, NOON,
     Hold(HoldReason.PAUSED, SUNDAY_NIGHT), Hold(HoldReason.PAUSED, SUNDAY_NIGHT)),
    ({"lead_held": True}, NOON, Hold(HoldReason.LEAD_HELD), Proceed()),
    ({"quiet_until": SUNDAY_NIGHT}, NOON, Shift(ShiftReason.QUIET, utc("2026-03-09T09:00-05:00")), Proceed()),
    ({"quiet_until": NOON}, NOON, Proceed(), Proceed()),
    ({"email": None}, NOON, Hold(HoldReason.CONTENT_MISSING), Hold(HoldReason.CONTENT_MISSING)),
    ({"location": Location.UNDECIDED}, NOON, Skip(SkipReason.NOT_FOR_LOCATION), Skip(SkipReason.NOT_FOR_LOCATION)),
    ({"conditions": frozenset({Condition.PTSD})}, NOON, Skip(SkipReason.NOT_FOR_CONDITION), Proceed()),
    ({"email": replace(SCOPE, treatments=frozenset({Treatment.TMS})), "location": Location.ALBANY}, NOON,
     Skip(SkipReason.SERVICE_NOT_OFFERED), Skip(SkipReason.SERVICE_NOT_OFFERED)),
    ({"email": replace(SCOPE, conditions=frozenset(), review_by=date(2026, 3, 3))}, NOON,
     Hold(HoldReason.REVIEW_OVERDUE), Hold(HoldReason.REVIEW_OVERDUE)),
    ({"due_at": NOON - timedelta(days=3, seconds=1)}, NOON,
     Shift(ShiftReason.LATE, utc("2026-03-05T09:00-06:00")), Proceed()),
    ({"due_at": NOON - timedelta(days=3)}, NOON, Proceed(), Proceed()),
    ({"due_at": NOON - timedelta(days=4), "step": step("options", late_action=LateAction.SKIP)}, NOON,
     Skip(SkipReason.TOO_LATE), Proceed()),
    ({}, SUNDAY_NIGHT, Shift(ShiftReason.OUTSIDE_WINDOW, utc("2026-03-09T09:00-05:00")), Proceed()),
    ({"last_nurture_at": NOON - GAP + timedelta(seconds=1)}, NOON,
     Shift(ShiftReason.MIN_GAP, NOON + timedelta(seconds=1)), Proceed()),
    ({"last_nurture_at": NOON - GAP}, NOON, Proceed(), Proceed()),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "now", "nurture", "answer"), RUNGS)
def test_each_rung_decides_as_its_table_says(
    changes: dict[str, object], now: datetime, nurture: Decision, answer: Decision
) -> None:
    timed = {"due_at": now} | changes
    assert decided(NURTURE, now, **timed) == nurture
    assert decided(ANSWER, now, **(timed | {"step": None})) == answer


def test_the_table_covers_every_reason_to_skip_hold_or_shift_that_the_ladder_gives() -> None:
    given_reasons = {getattr(decision, "reason", None) for row in RUNGS for decision in row[2:]} - {None}
    of_composing = {HoldReason.CONTENT_BROKEN, HoldReason.IDENTITY_SEALED}
    assert given_reasons == {*SkipReason, *HoldReason, *ShiftReason} - of_composing - {ShiftReason.WARM_UP}


@pytest.mark.parametrize(
    ("action", "waited", "becomes"),
    [
        (LateAction.SHIFT, timedelta(days=30), Shift(ShiftReason.WARM_UP, utc("2026-03-05T09:00-06:00"))),
        (LateAction.SKIP, timedelta(hours=1), Shift(ShiftReason.WARM_UP, utc("2026-03-05T09:00-06:00"))),
        (LateAction.SKIP, timedelta(days=30), Skip(SkipReason.TOO_LATE)),
    ],
)
def test_what_a_day_s_cap_leaves_over_moves_on_by_its_step_s_own_rule(
    action: LateAction, waited: timedelta, becomes: object
) -> None:
    assert NURTURE.step is not None
    facts = replace(NURTURE, step=replace(NURTURE.step, late_action=action))

    assert put_off(facts, clinic(), NOON - waited, NOON) == becomes


# What stands lower on the ladder decides first: a later rung must never hide an earlier, graver reason.
LADDER: list[tuple[dict[str, object], object]] = [
    ({"has_address": False}, SkipReason.NO_EMAIL_ADDRESS),
    ({"suppressions": frozenset({SuppressionScope.ALL})}, SkipReason.SUPPRESSED),
    ({"has_consent": False}, SkipReason.NO_CONSENT),
    ({"enrollment_active": False}, SkipReason.ENROLLMENT_ENDED),
    ({"already_sent": True}, SkipReason.ALREADY_SENT),
    ({"is_paused": True}, HoldReason.PAUSED),
    ({"lead_held": True}, HoldReason.LEAD_HELD),
    ({"conditions": frozenset({Condition.PTSD})}, SkipReason.NOT_FOR_CONDITION),
    ({"due_at": SUNDAY_NIGHT - timedelta(days=9)}, ShiftReason.LATE),
    ({}, ShiftReason.OUTSIDE_WINDOW),
]


@pytest.mark.parametrize("first", range(len(LADDER)))
def test_the_first_rung_that_stands_against_a_send_decides(first: int) -> None:
    changes = {"due_at": SUNDAY_NIGHT, "last_nurture_at": SUNDAY_NIGHT - timedelta(hours=1)}
    for rung, _ in reversed(LADDER[first:]):
        changes |= rung
    decision = decided(NURTURE, SUNDAY_NIGHT, **changes)
    assert getattr(decision, "reason", None) == LADDER[first][1]


@pytest.mark.parametrize("location", [Location.CARBONDALE, Location.ALBANY])
def test_an_email_may_go_until_the_end_of_its_review_day_in_the_clinics_zone(location: Location) -> None:
    zone = ZoneInfo(clinic().places[location].zone)
    answer = replace(
        ANSWER, location=location, email=replace(SCOPE, conditions=frozenset(), review_by=date(2026, 3, 4))
    )
    last = datetime(2026, 3, 4, 23, 59, 59, tzinfo=zone).astimezone(UTC)
    assert decided(answer, last) == Proceed()
    assert decided(answer, last + timedelta(seconds=1)) == Hold(HoldReason.REVIEW_OVERDUE)


def test_a_step_after_a_long_outage_leaves_today_to_what_is_due_today() -> None:
    for days in range(4, 20):
        decision = decided(NURTURE, NOON, due_at=NOON - timedelta(days=days))
        assert decision == Shift(ShiftReason.LATE, utc("2026-03-05T09:00-06:00"))


def test_a_shift_ends_where_the_ladder_proceeds() -> None:
    """Otherwise a send would be put off again and again."""
    facts = replace(NURTURE, due_at=SUNDAY_NIGHT - timedelta(days=9), last_nurture_at=SUNDAY_NIGHT - timedelta(hours=1))
    now = SUNDAY_NIGHT
    for _ in range(3):
        decision = decided(facts, now)
        if isinstance(decision, Proceed):
            break
        assert isinstance(decision, Shift)
        assert decision.due_at > now
        facts, now = replace(facts, due_at=decision.due_at), decision.due_at
    assert decided(facts, now) == Proceed()


narrow_steps = st.builds(lambda window: replace(step("options"), window=window), step_windows)


@given(instants, instants, st.none() | instants, locations, narrow_steps)
def test_what_proceeds_is_in_its_window_and_past_the_gap(
    due: datetime, now: datetime, last: datetime | None, location: Location, of: Step
) -> None:
    """The ladder itself, asked at any moment, however wrong the due time was."""
    scope = replace(SCOPE, locations=frozenset(LOCATIONS), conditions=frozenset(), review_by=date(2029, 1, 1))
    facts = replace(NURTURE, location=location, email=scope, due_at=due, last_nurture_at=last, step=of)
    decision = decided(facts, now)
    if isinstance(decision, Proceed):
        assert is_open(now, clinic().nurture.window.narrowed(of.window), clinic().calendars(location))
        assert last is None or now - last >= GAP
    else:
        assert isinstance(decision, Shift)
        assert decision.due_at > now
        assert is_open(decision.due_at, clinic().nurture.window.narrowed(of.window), clinic().calendars(location))


@given(situations())
def test_a_planned_send_proceeds_at_its_due_time(situation: tuple[Plan, Position, Location, datetime]) -> None:
    """Planner and ladder agree, so that a calendar is no promise that the ladder breaks."""
    plan, position, location, now = situation
    planned = plan_next(plan, position, location, clinic(), now)
    assume(planned is not None)
    assert planned is not None
    scope = replace(SCOPE, locations=frozenset(LOCATIONS), conditions=frozenset(), review_by=date(2029, 1, 1))
    facts = replace(
        NURTURE,
        location=location,
        email=scope,
        due_at=planned.due_at,
        last_nurture_at=position.last_nurture_at,
        step=planned.step,
    )
    assert decided(facts, planned.due_at) == Proceed()


# --- States and suppressions -------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "stops_nurture", "stops_answers"),
    [
        (SuppressionReason.UNSUBSCRIBED, True, False),
        (SuppressionReason.STAFF, True, False),
        (SuppressionReason.COMPLAINED, True, True),
        (SuppressionReason.HARD_BOUNCE, True, True),
        (SuppressionReason.ERASED, True, True),
    ],
)
def test_each_suppression_stops_what_it_must(
    reason: SuppressionReason, stops_nurture: bool, stops_answers: bool
) -> None:
    scopes = frozenset({SCOPE_OF[reason]})
    assert is_suppressed(SendKind.NURTURE, scopes) is stops_nurture
    assert is_suppressed(SendKind.ACKNOWLEDGEMENT, scopes) is stops_answers
    assert not is_suppressed(SendKind.NURTURE, frozenset())


def test_a_second_hand_over_follows_only_a_certain_refusal_or_a_doubt_that_the_provider_s_memory_of_our_key_ends() -> (
    None
):
    assert NEXT_STATES[SendState.HANDED_OVER] == {
        SendState.SENT,
        SendState.PLANNED,
        SendState.UNKNOWN,
        SendState.FAILED,
    }
    assert [state for state, following in NEXT_STATES.items() if SendState.HANDED_OVER in following] == [
        SendState.CLAIMED,
        SendState.UNKNOWN,
    ]


def test_every_state_can_end_and_ends_are_final() -> None:
    ends = {state for state, following in NEXT_STATES.items() if not following}
    assert ends == {SendState.SENT, SendState.FAILED, SendState.SKIPPED, SendState.CANCELLED}
    assert set(NEXT_STATES) == set(SendState)
    assert all(SendState.CANCELLED in NEXT_STATES[state] for state in PENDING)


@pytest.mark.parametrize("state", sorted(SendState))
def test_every_state_is_reached_from_planned_and_reaches_an_end(state: SendState) -> None:
    def reach(start: SendState) -> set[SendState]:
        seen, edge = {start}, [start]
        while edge:
            for following in NEXT_STATES[edge.pop()] - seen:
                seen.add(following)
                edge.append(following)
        return seen

    assert state in reach(SendState.PLANNED)
    assert reach(state) & {SendState.SENT, SendState.FAILED, SendState.SKIPPED, SendState.CANCELLED}
