"""The way in under load: what arrives together shares a file and a message, and nobody waits for company."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.databases import Databases
from tests.support.spooled import envelopes_in
from tests.support.world import RecordingQueue, World, migrate_world, open_world
from worker.bootstrap import CeleryQueue
from worker.celery import app
from worker.intake import acceptor as accepting
from worker.intake.acceptor import Acceptor
from worker.storage.segments import Journal
from worker.storage.spool import Spool


@contextmanager
def started(world: World, queue: RecordingQueue, folder: Path, *looks: Callable[[], None]) -> Iterator[Acceptor]:
    world.services.queue = queue
    acceptor = Acceptor(world.services, Spool(folder), looks)
    acceptor.start()
    try:
        yield acceptor
    finally:
        acceptor.stop()


@pytest.fixture
def world(sqlite_databases: Databases, tmp_path: Path) -> Iterator[World]:
    """One kind of database does: nothing here is about it."""
    with open_world(sqlite_databases.make(migrate_world), tmp_path) as opened:
        yield opened
    sqlite_databases.drop_all()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_posts_that_are_read_together_share_a_file_in_their_order(world: World, tmp_path: Path) -> None:
    posts = [f"post-{number}:sealed" for number in range(16)]

    async def all_at_once(acceptor: Acceptor) -> None:
        await asyncio.gather(*map(acceptor.accept, posts))

    with started(world, RecordingQueue(), tmp_path / "spool") as acceptor:
        asyncio.run(all_at_once(acceptor))

        assert envelopes_in(tmp_path / "spool") == posts
        assert len(list((tmp_path / "spool" / "ready").iterdir())) == 1


def test_everyone_in_a_group_is_told_that_it_could_not_be_kept(world: World, tmp_path: Path) -> None:
    async def both(acceptor: Acceptor) -> list[BaseException | None]:
        return await asyncio.gather(acceptor.accept("a:1"), acceptor.accept("b:2"), return_exceptions=True)

    with started(world, RecordingQueue(), tmp_path / "spool") as acceptor:
        (tmp_path / "spool" / "tmp").rmdir()
        assert [type(told) for told in asyncio.run(both(acceptor))] == [FileNotFoundError] * 2
        (tmp_path / "spool" / "tmp").mkdir()


class Surprise(Exception):
    """What nobody has thought of."""


def surprised(*_: object) -> bool:
    raise Surprise


def test_a_failure_that_nobody_has_thought_of_is_told_and_the_next_post_is_kept(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(world, RecordingQueue(), tmp_path / "spool") as acceptor:
        with monkeypatch.context() as broken:
            broken.setattr(Journal, "write", surprised)
            with pytest.raises(OSError, match="not written"):
                asyncio.run(acceptor.accept("a:1"))
        asyncio.run(acceptor.accept("b:2"))

        assert envelopes_in(tmp_path / "spool") == ["b:2"]


def test_what_a_surprised_publisher_did_not_push_is_offered_by_the_relay_after_its_own_surprises(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "_RELAY_REST_S", 0.01)
    queue, looks = RecordingQueue(), [True, True]
    post = world.envelope(world.submission())

    def look() -> None:
        if looks:
            looks.pop()
            surprised()

    with started(world, queue, tmp_path / "spool", look) as acceptor:
        with monkeypatch.context() as broken:
            broken.setattr(queue, "capture", surprised)
            asyncio.run(acceptor.accept(post))
            until(lambda: not looks)
        until(lambda: queue.captured == [[post]])


def test_while_all_workers_are_busy_what_arrives_goes_in_one_message(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "_HELD_AT_MOST_S", 60.0)
    queue = RecordingQueue(waits=True)

    with started(world, queue, tmp_path / "spool") as acceptor:
        for post in ("a:1", "b:2", "c:3"):
            asyncio.run(acceptor.accept(post))
        assert queue.captured == []
        queue.waits = False
        until(lambda: bool(queue.captured))

    assert queue.captured == [["a:1", "b:2", "c:3"]]


def test_a_queue_that_nobody_serves_holds_nothing_back_for_long(world: World, tmp_path: Path) -> None:
    queue = RecordingQueue(waits=True)

    with started(world, queue, tmp_path / "spool") as acceptor:
        asyncio.run(acceptor.accept("a:1"))
        until(lambda: queue.captured == [["a:1"]])


def test_what_the_broker_did_not_take_is_offered_by_the_relay_however_much_else_lies_there(
    world: World, tmp_path: Path
) -> None:
    queue = RecordingQueue(takes=False)
    post = world.envelope(world.submission())

    with started(world, queue, tmp_path / "spool") as acceptor:
        asyncio.run(acceptor.accept(post))
        until(lambda: bool(queue.hints))
        queue.takes = queue.waits = True
        until(lambda: queue.captured == [[post]])


def test_the_relay_begins_when_its_folder_lets_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "_RELAY_REST_S", 0.05)
    lock, queue = tmp_path / "spool" / "relay.lock", RecordingQueue()
    lock.mkdir(parents=True)  # it can't be opened, as on a disk that came up read-only
    post = world.envelope(world.submission())
    Spool(tmp_path / "spool").begin([post]).close()

    with started(world, queue, tmp_path / "spool") as acceptor:
        acceptor._threads[2].join(timeout=0.2)
        assert acceptor._threads[2].is_alive()
        lock.rmdir()
        until(lambda: queue.captured == [[post]])


@contextmanager
def relayed_elsewhere(folder: Path, lived_s_ago: float) -> Iterator[Path]:
    """Another process has the lock; the file shows when it last lived."""
    path = folder / "relay.lock"
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.utime(path, (time.time() - lived_s_ago,) * 2)
        yield path


def test_a_relay_that_hangs_is_stood_in_for(world: World, tmp_path: Path) -> None:
    queue, post = RecordingQueue(), world.envelope(world.submission())
    spool = Spool(tmp_path / "spool")
    spool.begin([post]).close()

    with relayed_elsewhere(spool.root, lived_s_ago=60), started(world, queue, spool.root):
        until(lambda: queue.captured == [[post]])


def test_a_relay_that_lives_is_left_to_its_work_and_shows_that_it_lives(tmp_path: Path) -> None:
    with relayed_elsewhere(tmp_path, lived_s_ago=0) as path, path.open("a") as ours:
        assert not accepting._is_ours(ours)
    os.utime(path, (0, 0))
    with path.open("a") as ours, path.open("a") as another:
        assert accepting._is_ours(ours)
        assert not accepting._is_ours(another)


def test_a_stop_does_not_wait_for_busy_workers(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "_HELD_AT_MOST_S", 60.0)
    queue = RecordingQueue(waits=True)

    with started(world, queue, tmp_path / "spool") as acceptor:
        asyncio.run(acceptor.accept("a:1"))

    assert queue.captured == [["a:1"]]


@dataclass
class OneQueue:
    """Stands in for the broker: what was put there, and not taken yet."""

    waiting: list[str] = field(default_factory=list)
    answers: bool = True

    def is_waiting(self, queue: str) -> bool | None:
        return queue in self.waiting if self.answers else None


def test_a_hint_that_nobody_has_taken_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = OneQueue()
    monkeypatch.setattr(app, "send_task", lambda *_, queue, **__: broker.waiting.append(queue))
    hints = CeleryQueue(broker)  # type: ignore[arg-type]  # of a broker it asks this one thing

    for _ in range(3):
        hints.deliver()
        hints.alert()
    assert broker.waiting == ["send", "alerts"]

    broker.waiting.remove("send")  # a worker has taken it, perhaps before the rows of the next one were there
    hints.deliver()
    assert broker.waiting == ["alerts", "send"]


def test_a_broker_that_does_not_say_gets_the_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = OneQueue(waiting=["send"], answers=False)
    monkeypatch.setattr(app, "send_task", lambda *_, queue, **__: broker.waiting.append(queue))

    CeleryQueue(broker).deliver()  # type: ignore[arg-type]

    assert broker.waiting == ["send", "send"]
