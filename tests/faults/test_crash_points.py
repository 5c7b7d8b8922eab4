"""A process dies at every named point that a lead passes; what was promised is kept, and nothing happens twice.

The provider keeps no keys: what may have left when the process died is shown as unknown, and stays so.
"""

from __future__ import annotations

import pytest

from tests.faults.harness.scene import Scene
from worker.faults import POINTS
from worker.runtime.process import ProcessId

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(120)]

ENDS = {
    "spool_written": ("sent", {1}),
    "spool_renamed": ("sent", {1}),
    "before_push": ("sent", {1}),
    "after_push": ("sent", {1}),
    "capture_in_transaction": ("sent", {1}),
    "capture_committed": ("sent", {1}),
    "claim_committed": ("sent", {1}),
    "handed_over": ("unknown", {0}),
    "bytes_sent": ("unknown", {0, 1}),  # on their way: they arrive, or they don't
    "accepted": ("unknown", {1}),
    "outcome_committed": ("sent", {1}),
}
"""The state that the answer ends in, and how often it was delivered."""


def test_every_point_has_an_end_that_we_promise() -> None:
    assert set(ENDS) == POINTS


@pytest.mark.parametrize("point", ENDS)
def test_a_process_that_dies_loses_nobody_and_sends_nothing_twice(scene: Scene, point: str) -> None:
    state, delivered = ENDS[point]
    armed = scene.order(point)

    submission = scene.post()
    scene.until(lambda: not armed.exists(), why=f"nobody passed {point}")
    (victim,) = scene.obeyed(point)
    scene.until(lambda: not ProcessId.of(victim), why="it took the order, and lives")
    verdict = scene.settled()

    send = scene.acknowledgement(submission)
    assert send["state"] == state
    assert scene.times_delivered(send["id"]) in delivered
    assert verdict.is_kept, (verdict.line(), verdict.contradictions)
