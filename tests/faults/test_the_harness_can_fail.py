"""Take one safeguard out of the product, and the same harness must report what follows: lost, or twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.conftest import LEASES
from tests.faults.harness import injuries
from tests.faults.harness.broken import WAYS
from tests.faults.harness.scene import Scene, open_scene
from tests.faults.harness.verdict import Verdict
from worker.queues import QueueName
from worker.storage.broker import KEY_PREFIX

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(120)]


def flush_what_was_queued(scene: Scene) -> Verdict:
    (worker,) = scene.crew.named("worker")
    worker.signal_group(signal.SIGSTOP)
    for _ in range(3):
        scene.post()
    with scene.redis.client() as client:
        scene.until(lambda: client.llen(KEY_PREFIX + QueueName.INTAKE) > 0)
        client.flushall()
    worker.signal_group(signal.SIGCONT)
    return scene.settled()


def die_after_the_provider_took_it(scene: Scene) -> Verdict:
    armed = scene.order("accepted")
    scene.post()
    scene.until(lambda: not armed.exists())
    return scene.settled()


def sleep_past_the_lease(scene: Scene) -> Verdict:
    armed = scene.order("claim_committed", "freeze")
    posted = scene.post()
    scene.until(lambda: not armed.exists())
    scene.until(lambda: scene.acknowledgement(posted)["state"] == "sent")
    for pid in scene.obeyed("claim_committed", "freeze"):
        injuries.send(pid, signal.SIGCONT)
    scene.until(lambda: len(scene.deliveries()) > 1, seconds=20)
    return scene.settled()


@pytest.mark.parametrize(
    ("way", "fault", "seen"),
    [
        ("trust_redis", flush_what_was_queued, "lost"),
        ("repeat_what_is_unknown", die_after_the_provider_took_it, "twice"),
        ("leave_the_gate_open", sleep_past_the_lease, "twice"),
    ],
)
def test_a_product_without_its_safeguard_is_found_out(tmp_path: Path, way: str, fault: object, seen: str) -> None:
    with open_scene(tmp_path / "scene", on="sqlite", clock_speed=0.0, leases=LEASES, broken=way) as scene:
        verdict = fault(scene)  # type: ignore[operator]

    assert getattr(verdict, seen) > 0, verdict.line()
    assert not verdict.is_kept


def test_each_way_to_break_it_is_tried() -> None:
    tried = test_a_product_without_its_safeguard_is_found_out.pytestmark[0].args[1]  # type: ignore[attr-defined]

    assert {way for way, _, _ in tried} == set(WAYS)
