"""A process dies at every named point that a lead passes; what was promised is kept, and nothing happens twice.

With a provider that keeps no keys, what may have left when the process died is shown as unknown, and stays so.
With one that does, it is handed over again with its key, and arrives once.
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


def die_at(scene: Scene, point: str) -> tuple[str, int]:
    """Somebody posts, a process dies at this point, all goes on; the state of the answer, and how often it came."""
    armed = scene.order(point)
    submission = scene.post()
    scene.until(lambda: not armed.exists(), why=f"nobody passed {point}")
    *_, victim = scene.obeyed(point)
    scene.until(lambda: ProcessId.of(victim) is None, why="it took the order, and lives")
    scene.until(lambda: scene.acknowledgement(submission)["state"] in {"sent", "unknown"}, seconds=60)
    verdict = scene.settled()
    send = scene.acknowledgement(submission)
    assert verdict.is_kept, (verdict.line(), verdict.contradictions)
    return send["state"], scene.times_delivered(send["id"])


@pytest.mark.parametrize("point", ENDS)
def test_a_process_that_dies_loses_nobody_and_sends_nothing_twice(scene: Scene, point: str) -> None:
    state, delivered = die_at(scene, point)

    assert state == ENDS[point][0]
    assert delivered in ENDS[point][1]


@pytest.mark.parametrize("point", ENDS)
def test_with_a_provider_that_knows_our_key_every_answer_arrives_and_exactly_once(
    keyed_scene: Scene, point: str
) -> None:
    die_at(keyed_scene, point)

    def is_settled() -> bool:  # on its way to that it is handed over again
        verdict = keyed_scene.verdict(0.0)
        return verdict.is_kept and verdict.unknown == 0

    keyed_scene.until(is_settled, why="an unknown one was not settled")
    assert keyed_scene.verdict(0.0).sends == len(keyed_scene.deliveries())
