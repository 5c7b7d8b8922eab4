"""Each thing that can break around the product, alone: people are still accepted, kept, and answered once."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.faults.harness import injuries
from tests.faults.harness.injuries import Injury
from tests.faults.harness.scene import Scene
from tests.faults.harness.stepped_clock import SteppedClock
from worker.queues import QueueName
from worker.storage.broker import KEY_PREFIX

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(120)]


def all_is_well(scene: Scene) -> None:
    verdict = scene.settled()
    assert verdict.is_kept, (verdict.line(), verdict.contradictions)
    assert scene.who_said_too_much() == []


@pytest.mark.parametrize(
    "injury",
    [
        pytest.param(injuries.crash_redis, id="down"),
        pytest.param(injuries.freeze_redis, id="frozen"),
        pytest.param(injuries.fill_redis, id="full"),
        pytest.param(injuries.deny_redis, id="denied"),
    ],
)
def test_people_are_accepted_while_redis_is_away_and_answered_once_it_is_back(scene: Scene, injury: Injury) -> None:
    end = injury(scene, 0)
    assert end is not None
    with ExitStack() as stack:
        stack.callback(end)
        posted = [scene.post() for _ in range(5)]

    all_is_well(scene)
    assert {scene.acknowledgement(each)["state"] for each in posted} == {"sent"}


def test_flushing_redis_and_losing_its_bindings_loses_nobody(scene: Scene) -> None:
    (worker,) = scene.crew.named("worker")
    worker.signal_group(signal.SIGSTOP)
    posted = [scene.post() for _ in range(3)]
    with scene.redis.client() as client:
        scene.until(lambda: client.llen(KEY_PREFIX + QueueName.INTAKE) > 0, why="nothing was queued")
        client.flushall()
    worker.signal_group(signal.SIGCONT)

    all_is_well(scene)
    assert {scene.acknowledgement(each)["state"] for each in posted} == {"sent"}


def test_a_message_that_a_dying_worker_has_popped_is_offered_again(scene: Scene) -> None:
    """The stock transport pops and notes in two steps; what a frozen, then killed worker has popped is gone."""
    (worker,) = scene.crew.named("worker")
    worker.signal_group(signal.SIGSTOP)
    posted = scene.post()
    with scene.redis.client() as client:
        scene.until(lambda: client.llen(KEY_PREFIX + QueueName.INTAKE) == 0, why="the kernel took nothing for it")
    worker.signal_group(signal.SIGKILL)

    all_is_well(scene)
    assert scene.acknowledgement(posted)["state"] == "sent"


def test_a_worker_with_its_hands_full_when_redis_restarts_goes_on_listening(scene: Scene) -> None:
    """Each of its messages is done and can't be acknowledged; with the stock window no place was ever free again."""
    (worker,) = scene.crew.named("worker")
    before = worker.pid
    children = worker.children()
    for pid in children:
        injuries.send(pid, signal.SIGSTOP)
    posted = [scene.post() for _ in range(6)]
    with scene.redis.client() as client:
        scene.until(lambda: client.hlen(f"{KEY_PREFIX}unacked") >= len(children), why="its hands are not full")
    said_before = worker.log.stat().st_size
    scene.redis.kill()
    for pid in children:
        injuries.send(pid, signal.SIGCONT)
    scene.until(lambda: b"ConnectionError" in worker.log.read_bytes()[said_before:], why="it noticed nothing")
    scene.redis.start()

    all_is_well(scene)
    assert {scene.acknowledgement(each)["state"] for each in posted} == {"sent"}
    assert worker.pid == before, "it is the same worker"


def test_every_message_three_times_and_in_no_order_changes_nothing(scene: Scene) -> None:
    (worker,) = scene.crew.named("worker")
    worker.signal_group(signal.SIGSTOP)
    posted = [scene.post() for _ in range(4)]
    for choice in range(2):
        injuries.known_to("sqlite")["messages repeated"][1](scene, choice)
    worker.signal_group(signal.SIGCONT)

    all_is_well(scene)
    assert {scene.times_delivered(scene.acknowledgement(each)["id"]) for each in posted} == {1}


@pytest.mark.parametrize(
    ("point", "wakes_as"),
    [("claim_committed", "sent"), ("handed_over", "sent")],
)
def test_a_worker_that_sleeps_past_its_lease_does_no_harm_when_it_wakes(
    scene: Scene, point: str, wakes_as: str
) -> None:
    """Before the gate others have done its work and it is turned away; after it, its late receipt still counts."""
    armed = scene.order(point, "freeze")
    posted = scene.post()
    scene.until(lambda: not armed.exists(), why=f"nobody passed {point}")
    scene.until(lambda: scene.acknowledgement(posted)["state"] in {"sent", "unknown"}, why="its lease did not lapse")
    asleep = scene.acknowledgement(posted)["state"]

    for pid in scene.obeyed(point, "freeze"):
        injuries.send(pid, signal.SIGCONT)
    scene.until(lambda: scene.acknowledgement(posted)["state"] == wakes_as, why="the late receipt")

    assert asleep == ("sent" if point == "claim_committed" else "unknown")
    assert scene.times_delivered(scene.acknowledgement(posted)["id"]) == 1
    all_is_well(scene)


def test_a_full_disk_refuses_people_in_plain_words_and_takes_them_again_once_there_is_room(scene: Scene) -> None:
    end = injuries.fill_disk("web")(scene, 0)
    assert end is not None
    refused = requests.post(f"{scene.crew.url}/v1/submissions", json={"email": "maya@example.com"}, timeout=10)
    end()
    posted = scene.post()

    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    all_is_well(scene)
    assert scene.acknowledgement(posted)["state"] == "sent"


def test_a_worker_whose_disk_is_full_goes_on_once_there_is_room(scene: Scene) -> None:
    end = injuries.fill_disk("worker")(scene, 0)
    assert end is not None
    posted = scene.post()
    if scene.is_sqlite:
        scene.until(lambda: any((scene.crew.state / "spool" / "ready").iterdir()), why="it waits in the spool")
    end()

    all_is_well(scene)
    assert scene.acknowledgement(posted)["state"] == "sent"


def test_a_database_that_is_away_costs_time_only(scene: Scene) -> None:
    end = (injuries.lock_sqlite if scene.is_sqlite else injuries.crash_postgres)(scene, 0)
    assert end is not None
    posted = [scene.post() for _ in range(3)]
    end()

    all_is_well(scene)
    assert {scene.acknowledgement(each)["state"] for each in posted} == {"sent"}


def test_asking_workers_to_stop_under_load_leaves_nothing_unknown(scene: Scene) -> None:
    (worker,) = scene.crew.named("worker")
    before = scene.verdict(0.0).unknown
    for _ in range(3):
        starts = worker.starts
        for _ in range(4):
            scene.post()
        worker.stop()
        scene.until(lambda starts=starts: worker.starts > starts, why="it was not started again")

    all_is_well(scene)
    assert scene.verdict(0.0).unknown == before


def test_a_clock_that_is_set_forth_and_back_stops_nobody(scene: Scene, tmp_path: Path) -> None:
    """Under beat, the worker and the web process at once: leases, back-off and the next tick are all reckoned by it."""
    clock, before = SteppedClock(tmp_path / "clock"), {}
    clock.step(0)
    for member in scene.crew.members.values():
        before[member.name], member.environment = member.environment, {**member.environment, **clock.environment}
        member.signal_group(signal.SIGKILL)
    for seconds in (0, 3600, -3600):
        clock.step(seconds)
        ticks = scene.ticks()
        posted = scene.post()
        scene.until(lambda ticks=ticks: scene.ticks() > ticks + 1, why=f"beat is silent at {seconds:+} s")
        all_is_well(scene)
        assert scene.acknowledgement(posted)["state"] == "sent"
    for member in scene.crew.members.values():
        member.environment = before[member.name]
        member.signal_group(signal.SIGKILL)


def test_without_any_beat_people_are_still_answered(scene: Scene) -> None:
    (beat,) = scene.crew.named("beat")
    beat.is_wanted = False
    beat.signal(signal.SIGKILL)
    posted = scene.post()
    scene.until(
        lambda: scene.acknowledgement(posted)["state"] == "sent", why="the capture itself asks for the delivery"
    )

    beat.is_wanted = True
    all_is_well(scene)
