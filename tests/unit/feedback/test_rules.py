"""What an event means, and what is done about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.consent import SCOPE_OF, SuppressionReason, SuppressionScope
from worker.domain.feedback import (
    AUTHENTICATION,
    FAULTS,
    SOFT_BOUNCES,
    EventKind,
    History,
    StopSending,
    Suppress,
    decide_act,
    kind_of_status,
)
from worker.domain.reputation import Reputation, Tally, judge

STATUS = [
    ("5.1.1", EventKind.HARD_BOUNCE),
    ("5.1.2", EventKind.HARD_BOUNCE),
    ("5.1.10", EventKind.HARD_BOUNCE),
    ("5.1.7", EventKind.OUR_FAULT),
    ("5.1.8", EventKind.OUR_FAULT),
    ("5.2.1", EventKind.HARD_BOUNCE),
    ("5.2.2", EventKind.SOFT_BOUNCE),
    ("5.2.10", EventKind.SOFT_BOUNCE),
    ("5.4.4", EventKind.SOFT_BOUNCE),
    ("5.0.0", EventKind.SOFT_BOUNCE),
    ("4.2.2", EventKind.SOFT_BOUNCE),
    ("4.4.1", EventKind.SOFT_BOUNCE),
    ("4.7.0", EventKind.OUR_FAULT),
    ("4.7.28", EventKind.OUR_FAULT),
    ("5.5.2", EventKind.OUR_FAULT),
    ("5.6.0", EventKind.OUR_FAULT),
    ("5.7.1", EventKind.OUR_FAULT),
    ("5.7.13", EventKind.HARD_BOUNCE),
    ("5.7.130", EventKind.OUR_FAULT),
    ("5.7.26", EventKind.OUR_FAULT),
    ("5.7.515", EventKind.OUR_FAULT),
]


@pytest.mark.parametrize(("status", "kind"), STATUS)
def test_a_status_code_says_whose_trouble_it_is(status: str, kind: EventKind) -> None:
    assert kind_of_status(status) is kind


def test_a_hard_bounce_and_a_complaint_stop_everything_at_once() -> None:
    for kind, reason in (
        (EventKind.HARD_BOUNCE, SuppressionReason.HARD_BOUNCE),
        (EventKind.COMPLAINED, SuppressionReason.COMPLAINED),
    ):
        act = decide_act(kind, "", History())
        assert isinstance(act, Suppress)
        assert act.reason is reason
        assert SCOPE_OF[act.reason] is SuppressionScope.ALL


def test_an_unsubscribe_at_the_provider_stops_nurture_only() -> None:
    act = decide_act(EventKind.UNSUBSCRIBED, "", History())

    assert isinstance(act, Suppress)
    assert SCOPE_OF[act.reason] is SuppressionScope.NURTURE


def test_a_soft_bounce_counts_only_after_several_in_a_row() -> None:
    acts = [decide_act(EventKind.SOFT_BOUNCE, "4.2.2", History(soft_bounces=n)) for n in range(1, SOFT_BOUNCES + 1)]

    assert acts[:-1] == [None] * (SOFT_BOUNCES - 1)
    assert isinstance(acts[-1], Suppress)


def test_a_failed_authentication_stops_all_sending_at_once_and_other_refusals_after_several_people() -> None:
    for code in sorted(AUTHENTICATION):
        assert decide_act(EventKind.OUR_FAULT, code, History(faults=1)) == StopSending(code)
    assert decide_act(EventKind.OUR_FAULT, "5.7.1", History(faults=FAULTS - 1)) is None
    assert decide_act(EventKind.OUR_FAULT, "5.7.1", History(faults=FAULTS)) == StopSending("5.7.1")


@given(st.sampled_from(EventKind), st.text(max_size=10), st.integers(0, 50), st.integers(0, 50))
def test_nobody_is_suppressed_for_our_fault_or_for_what_arrived(
    kind: EventKind, code: str, soft: int, faults: int
) -> None:
    act = decide_act(kind, code, History(soft_bounces=soft, faults=faults))

    if kind in {
        EventKind.OUR_FAULT,
        EventKind.DELIVERED,
        EventKind.DEFERRED,
        EventKind.REPLIED,
        EventKind.AUTO_REPLY,
    }:
        assert not isinstance(act, Suppress)
    if kind is not EventKind.OUR_FAULT:
        assert not isinstance(act, StopSending)


RULE = Reputation()


@pytest.mark.parametrize(
    ("emails", "bounces", "complaints", "stops"),
    [
        (1000, 0, 0, None),
        (1000, 49, 2, None),
        (1000, 50, 0, "bounces"),
        (1000, 0, 3, "complaints"),
        (1000, 60, 3, "complaints"),
        (20, 20, 0, None),
        (50, 4, 0, None),
        (50, 5, 0, "bounces"),
        (100, 0, 1, None),
        (100, 0, 2, "complaints"),
        (99, 0, 9, None),
    ],
)
def test_a_share_stops_a_sequence_only_with_enough_behind_it(
    emails: int, bounces: int, complaints: int, stops: str | None
) -> None:
    verdict = judge(Tally(emails=emails, bounces=bounces, complaints=complaints), RULE)

    assert (verdict.reason if verdict and verdict.must_stop else None) == stops


@pytest.mark.parametrize(
    ("emails", "complaints", "is_worth_a_look"), [(1000, 0, False), (1001, 1, False), (1000, 1, True), (99, 1, False)]
)
def test_a_complaint_in_a_thousand_is_worth_a_look(emails: int, complaints: int, is_worth_a_look: bool) -> None:
    verdict = judge(Tally(emails=emails, bounces=0, complaints=complaints), RULE)

    assert (verdict is not None) == is_worth_a_look
    assert verdict is None or not verdict.must_stop


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_trouble_never_lets_a_stopped_sequence_go_on(emails: int, bounces: int, complaints: int) -> None:
    tally = Tally(emails=emails, bounces=bounces, complaints=complaints)
    worse = Tally(emails=emails, bounces=bounces + 1, complaints=complaints + 1)

    before, after = judge(tally, RULE), judge(worse, RULE)

    assert before is None or after is not None
    assert before is None or not before.must_stop or (after is not None and after.must_stop)
