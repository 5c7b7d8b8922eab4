"""The judge itself: it must see each kind of broken promise, or a clean verdict means nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.faults.harness.injuries import known_to
from tests.faults.harness.schedule import draw
from tests.faults.harness.verdict import Delivery, Ledger, judge
from worker.faults import POINTS

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAYA = Delivery(recipient="maya@example.com", send_id="send-1", subject="We have your request")


def send(**changed: Any) -> dict[str, Any]:
    usual = {"id": "send-1", "lead_id": "lead-1", "kind": "acknowledgement", "state": "sent", "due_at": NOW}
    return usual | changed


def ledger(*sends: dict[str, Any], **changed: Any) -> Ledger:
    usual = Ledger(submissions=frozenset({"post-1"}), parked=0, lead_of={"post-1": "lead-1"}, sends=sends, now=NOW)
    return replace(usual, **changed)


def test_a_promise_that_was_kept_is_called_kept() -> None:
    verdict = judge(["post-1", "post-1"], [MAYA], ledger(send()), 4.4)

    assert verdict.is_kept
    assert verdict.line() == (
        "chaos: accepted 1, lost 0, sends 1, twice 0, unknown 0 (accepted 0), never sent 0, drained in 4 s"
    )


def test_a_submission_that_the_database_does_not_hold_is_lost() -> None:
    verdict = judge(["post-1", "post-2"], [MAYA], ledger(send()))

    assert (verdict.lost, verdict.is_kept) == (1, False)


@pytest.mark.parametrize("again", [MAYA, replace(MAYA, send_id="send-2")], ids=["the same send", "another of the same"])
def test_a_message_that_came_again_is_twice(again: Delivery) -> None:
    verdict = judge(["post-1"], [MAYA, again], ledger(send(), send(id="send-2", kind="nurture")))

    assert (verdict.twice, verdict.is_kept) == (1, False)


def test_an_unknown_send_is_counted_and_not_held_against_us() -> None:
    delivered = judge(["post-1"], [MAYA], ledger(send(state="unknown")))
    not_delivered = judge(["post-1"], [], ledger(send(state="unknown")))

    assert (delivered.unknown, delivered.unknown_accepted, delivered.is_kept) == (1, 1, True)
    assert (not_delivered.unknown, not_delivered.unknown_accepted, not_delivered.is_kept) == (1, 0, True)


@pytest.mark.parametrize(
    "sends",
    [
        pytest.param([send()], id="called sent, and it never came"),
        pytest.param([send(state="planned")], id="due and not sent"),
        pytest.param([send(state="failed")], id="given up, though nobody refused it for good"),
        pytest.param([], id="a person without an answer"),
        pytest.param([send(state="skipped")], id="an answer that was left out"),
    ],
)
def test_what_should_have_left_and_did_not_is_never_sent(sends: list[dict[str, Any]]) -> None:
    verdict = judge(["post-1"], [], ledger(*sends))

    assert (verdict.never_sent, verdict.is_kept) == (1, False)


@pytest.mark.parametrize(
    ("deliveries", "held", "said"),
    [
        ([MAYA, replace(MAYA, send_id="x", subject="y")], ledger(send()), "the ledger does not know"),
        ([MAYA], ledger(send(state="planned")), "whose send is called planned"),
        ([MAYA], ledger(send(state="handed_over")), "still handed_over"),
        ([MAYA], ledger(send(), parked=1), "parked"),
        ([MAYA], ledger(send(), stranded=2), "2 active enrollments"),
    ],
)
def test_a_ledger_that_does_not_fit_the_logs_is_a_contradiction(
    deliveries: list[Delivery], held: Ledger, said: str
) -> None:
    verdict = judge(["post-1"], deliveries, held)

    assert any(said in line for line in verdict.contradictions)
    assert not verdict.is_kept


def test_what_never_became_quiet_is_not_kept() -> None:
    verdict = judge(["post-1"], [MAYA], ledger(send()), None)

    assert not verdict.is_kept
    assert verdict.line().endswith("never sent 0, not drained")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_same_seed_strikes_alike_and_ten_minutes_strike_everything_three_hundred_times(database: str) -> None:
    kinds = {name: kind for name, (kind, _) in known_to(database).items()}
    strikes = draw(7, 600, kinds)

    assert strikes == draw(7, 600, kinds)
    assert strikes != draw(8, 600, kinds)
    assert len(strikes) >= 300
    assert {strike.kind for strike in strikes} == set(kinds)
    assert {f"died at {point}" for point in POINTS} <= set(kinds)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_faults_of_one_thing_never_overlap(database: str) -> None:
    kinds = {name: kind for name, (kind, _) in known_to(database).items()}
    busy_until: dict[str, float] = {}
    for strike in draw(3, 600, kinds):
        thing = kinds[strike.kind].occupies
        if thing:
            assert strike.at >= busy_until.get(thing, 0.0)
            busy_until[thing] = strike.at + strike.seconds
