"""The spool when its disk or its writer fails: one bad file holds no other up, what was kept is not lost (I1)."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import Databases
from tests.support.spooled import envelopes_in
from tests.support.world import World, migrate_world, open_world
from worker.storage import tables
from worker.storage.segments import CLOSED, OPEN, Journal
from worker.storage.spool import Spool, read_lines
from worker.usecases.arrival import relay as relaying
from worker.usecases.arrival.relay import Relay


@pytest.fixture
def world(sqlite_databases: Databases, tmp_path: Path) -> Iterator[World]:
    """One kind of database does: this is about files."""
    with open_world(sqlite_databases.make(migrate_world), tmp_path) as opened:
        yield opened
    sqlite_databases.drop_all()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def posts(world: World, count: int) -> list[str]:
    return [world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(count)]


def look(relay: Relay, times: int = 1) -> list[int]:
    """Several looks, an hour between them."""
    found = []
    for _ in range(times):
        for state in relay._pushes.values():
            state.next_at = 0.0
        found.append(relay.run_once())
    return found


def work(world: World) -> None:
    while world.queue.captured:
        world.capture(*world.queue.captured.pop(0))


def make_old(path: Path) -> None:
    os.utime(path, (time.time() - 60, time.time() - 60))


# --- a writer that hangs ---


def test_what_a_writer_that_hangs_has_kept_is_stored_while_it_hangs(world: World, spool: Spool) -> None:
    first, second = posts(world, 2)
    segment = spool.begin([first])
    relay = Relay(world.services, spool)
    assert look(relay) == [0], "it is being written"

    make_old(segment.path)
    assert look(relay) == [1]
    work(world)
    look(relay, 2)
    assert world.count(tables.leads) == 1

    segment.append([second])  # it goes on after all
    segment.close()
    look(relay)
    work(world)
    look(relay)
    assert world.count(tables.leads) == 2
    assert spool.counts() == (0, 0)


def test_half_a_line_in_a_segment_whose_writer_hangs_is_not_offered(world: World, spool: Spool) -> None:
    whole, torn = posts(world, 2)
    segment = spool.begin([whole])
    with segment.path.open("a") as file:
        file.write(torn[:-20])
    make_old(segment.path)

    look(Relay(world.services, spool))

    assert world.queue.captured == [[whole]]


def test_a_segment_whose_writer_hangs_is_never_set_aside_however_often_it_was_offered(
    world: World, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "MAX_PUSHES", 3)
    segment = spool.begin(posts(world, 1))
    make_old(segment.path)
    look(Relay(world.services, spool), 6)

    assert segment.path.exists()


def test_what_follows_a_failure_in_the_middle_of_a_line_does_not_join_it(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(spool.begin, lambda _: None, 100)
    journal.write(["a:1"])
    write = os.write

    def torn(descriptor: int, text: bytes) -> int:
        write(descriptor, text[:2])
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", torn)
        with pytest.raises(MemoryError):
            journal.write(["b:2"])
    journal.write(["c:3"])

    assert envelopes_in(spool.root) == ["a:1", "c:3"]


# --- a bad file ---


@pytest.mark.parametrize("suffix", [CLOSED, OPEN])
def test_a_file_that_cannot_be_read_holds_no_other_up(world: World, spool: Spool, suffix: str) -> None:
    """Read as any broken one: with an error of the system."""
    bad = spool.root / "ready" / f"00000000000000000001-bad{suffix}"
    bad.mkdir()
    make_old(bad)
    (post,) = posts(world, 1)
    spool.begin([post]).close()
    relay = Relay(world.services, spool)

    assert look(relay) == [1]
    assert world.queue.captured == [[post]]
    assert spool.counts() == (2, 0), "it stays in sight"


def test_a_file_that_cannot_be_removed_holds_no_other_up(world: World, spool: Spool) -> None:
    """A disk that takes no more: what is confirmed stays, what is not is offered all the same."""
    stored, other = posts(world, 2)
    world.capture(stored)
    held = spool.begin([stored]).close()
    spool.begin([other]).close()

    class Stuck(Spool):
        def remove(self, file: object) -> None:
            raise OSError(30, "Read-only file system")

    assert look(Relay(world.services, Stuck(spool.root))) == [1]
    assert world.queue.captured == [[other]]
    assert held.exists()


def test_two_envelopes_of_one_submission_in_a_file_are_no_damage(world: World, spool: Spool) -> None:
    submission = world.submission()
    spool.begin([world.envelope(submission), world.envelope(submission)]).close()
    relay = Relay(world.services, spool)
    look(relay)
    work(world)
    look(relay)

    assert (world.count(tables.leads), spool.counts()) == (1, (0, 0))


# --- taking out ---


def test_taking_out_leaves_what_is_being_begun_to_its_writer(spool: Spool) -> None:
    begun = spool.root / "tmp" / f"1{CLOSED}"
    begun.write_text("a:1\nb:2\n")
    inode = begun.stat().st_ino
    with begun.open("r") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert spool.take_out(lambda envelope: envelope == "b:2") == 0
        assert begun.stat().st_ino == inode, "what its writer appends next would have no name"

    assert spool.take_out(lambda envelope: envelope == "b:2") == 1
    assert read_lines(begun) == ["a:1"]


@pytest.mark.faults
def test_a_disk_too_full_to_take_out_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    """The limit on file size stands for the disk."""
    program = """
import resource, sys
from pathlib import Path
from worker.storage.spool import Spool
spool = Spool(Path(sys.argv[1]))
spool.begin([f"{number}:" + "x" * 1000 for number in range(20)]).close()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    spool.take_out(lambda envelope: envelope.startswith("7:"))
except OSError as error:
    print(type(error).__name__)
"""
    folder = tmp_path / "spool"
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )

    assert done.stdout.split() == ["OSError"]
    assert len(envelopes_in(folder)) == 20
    assert sum(path.is_file() for path in folder.rglob("*")) == 1


# --- workers that are away ---


def test_a_night_without_workers_does_not_fill_the_broker_with_the_same_posts(world: World, spool: Spool) -> None:
    """After a restart too, when nobody remembers what was offered before."""
    spool.begin(posts(world, 1)).close()
    relay = Relay(world.services, spool)
    world.queue.waits = True
    a_night_of_looks = 10 * 60

    assert sum(look(relay, a_night_of_looks)) <= 10


def test_what_the_broker_lost_meanwhile_is_offered_as_soon_as_its_queue_is_empty(world: World, spool: Spool) -> None:
    spool.begin(posts(world, 1)).close()
    relay = Relay(world.services, spool)
    world.queue.waits = True
    look(relay, 100)
    world.queue.waits = False

    assert look(relay) == [1]


def test_each_file_is_looked_at_once_before_any_is_again(
    world: World, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However soon the first come due again, as with a broker that takes nothing."""
    monkeypatch.setattr(relaying, "ENOUGH", 1)
    sealed = posts(world, 4)
    for post in sealed:
        spool.begin([post]).close()
    relay = Relay(world.services, spool)
    look(relay, 4)

    assert [envelope for group in world.queue.captured for envelope in group] == sealed
