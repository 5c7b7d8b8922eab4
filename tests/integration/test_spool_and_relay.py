"""The spool and its relay: what was accepted is stored, whatever the broker, the disk and the workers do (I1)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from tests.support.spooled import envelopes_in
from tests.support.world import World, open_world
from worker.domain.ids import new_id
from worker.queues import QueueName
from worker.storage import tables
from worker.storage.pauses import PauseScope
from worker.storage.sealing import KeyRing
from worker.storage.segments import OPEN_AT_MOST_S, Journal
from worker.storage.spool import Spool, read_lines
from worker.storage.submissions import envelope as seal
from worker.usecases.arrival import relay as relaying
from worker.usecases.arrival.relay import Relay
from worker.usecases.sending.pausing import pause, resume


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def relay_of(world: World, spool: Spool) -> Relay:
    """A relay as after a start: it has no memory of pushes."""
    return Relay(world.services, spool)


def work(world: World) -> None:
    """What workers do with the messages that were pushed."""
    while world.queue.captured:
        world.capture(*world.queue.captured.pop(0))


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- the spool ---


def test_what_is_written_is_read_back_in_the_order_of_arrival(spool: Spool) -> None:
    spool.begin(["a:1", "b:2"]).close()
    spool.begin(["c:3"]).close()

    assert [file.envelopes for file in spool.waiting()] == [("a:1", "b:2"), ("c:3",)]
    assert spool.counts() == (2, 0)
    age = spool.oldest_age()
    assert age is not None
    assert 0 <= age < 10


def test_what_a_dead_process_left_half_written_goes_after_an_hour_and_nothing_else_does(
    world: World, spool: Spool
) -> None:
    long_ago = time.time() - 3_700
    for name, age in {"old": long_ago, "being-written": time.time()}.items():
        path = spool.root / "tmp" / f"{name}.sealed"
        path.write_text("half")
        os.utime(path, (age, age))
    kept = spool.begin([f"{new_id()}:2"]).close()
    os.utime(kept, (long_ago, long_ago))

    relay_of(world, spool).run_once()

    assert files_in(spool.root / "tmp") == ["being-written.sealed"]
    assert kept.exists()


def test_another_process_finds_what_was_written(spool: Spool) -> None:
    spool.begin(["a:1"]).close()

    assert [file.envelopes for file in Spool(spool.root).waiting()] == [("a:1",)]


def test_nobody_else_on_the_machine_can_read_the_spool(spool: Spool) -> None:
    path = spool.begin(["a:1"]).close()

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_empty_spool_has_no_age(spool: Spool) -> None:
    assert spool.oldest_age() is None
    assert list(spool.waiting()) == []


# --- segments ---


def test_what_is_appended_is_durable_at_once_and_looked_at_when_the_segment_is_closed(spool: Spool) -> None:
    segment = spool.begin(["a:1"])
    segment.append(["b:2", "c:3"])

    assert envelopes_in(spool.root) == ["a:1", "b:2", "c:3"]
    assert list(spool.waiting()) == [], "it is with the workers"
    assert spool.counts() == (1, 0)
    closed = segment.close()
    assert [(file.path, file.envelopes) for file in spool.waiting()] == [(closed, ("a:1", "b:2", "c:3"))]


def test_one_that_is_being_written_is_not_adopted_and_one_whose_writer_died_is(spool: Spool) -> None:
    begun = "from pathlib import Path; from worker.storage.spool import Spool; import os, sys; "
    dies = (
        f"{begun}segment = Spool(Path(sys.argv[1])).begin(['a:1']); os.write(segment._descriptor, b'torn'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", dies, str(spool.root)], check=False, cwd=Path.cwd())
    alive = spool.begin(["b:2"])

    Spool(spool.root).adopt()

    assert [file.envelopes for file in spool.waiting()] == [("a:1",)], "and nobody was told of the torn line"
    alive.append(["c:3"])
    alive.close()
    assert [file.envelopes for file in spool.waiting()] == [("a:1",), ("b:2", "c:3")]


def test_the_relay_offers_what_a_dead_writer_left(world: World, spool: Spool) -> None:
    segment = spool.begin([world.envelope(world.submission())])
    os.close(segment._descriptor)  # as when its process ends

    assert relay_of(world, spool).run_once() == 1


def test_a_journal_begins_another_segment_when_one_is_full_or_old(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Path] = []
    journal = Journal(spool.begin, closed.append, most=3)
    assert journal.closes_in() is None
    for group in (["a:1", "b:2"], ["c:3", "d:4"], ["e:5"]):
        journal.write(group)
    assert [file.envelopes for file in spool.waiting()] == [("a:1", "b:2", "c:3", "d:4")]
    assert 0 < (journal.closes_in() or 0) <= OPEN_AT_MOST_S

    later = time.monotonic() + OPEN_AT_MOST_S
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert journal.closes_in() == 0
    journal.write(["f:6"])
    journal.close()

    assert closed == [file.path for file in spool.waiting()]
    assert [file.envelopes for file in spool.waiting()][1:] == [("e:5",), ("f:6",)]


def test_an_erased_person_is_taken_out_of_a_segment_as_soon_as_it_is_closed(spool: Spool) -> None:
    segment = spool.begin(["a:1", "b:2"])
    closing = threading.Timer(0.2, segment.close)
    closing.start()

    assert spool.take_out(lambda envelope: envelope == "b:2") == 1
    closing.join()

    assert envelopes_in(spool.root) == ["a:1"]


def test_what_a_crash_leaves_of_taking_somebody_out_is_found_by_the_next_one(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.begin(["a:1", "b:2"]).close()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            spool.take_out(lambda envelope: envelope == "b:2")
    spool.take_out(lambda envelope: envelope in {"a:1", "b:2"})

    assert list(spool.everything()) == files_in(spool.root) == []


@pytest.mark.faults
def test_a_group_that_no_longer_fits_is_refused_whole_and_what_stood_before_it_stays(tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from worker.storage.segments import Journal
from worker.storage.spool import Spool
spool = Spool(Path(sys.argv[1]))
journal = Journal(spool.begin, lambda path: None, 100)
journal.write(["small:1"])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    journal.write(["fits:" + "x" * 2_000, "large:" + "x" * 100_000])
except OSError as error:
    print(type(error).__name__)
journal.write(["small:2"])
journal.close()
print(*(envelope for file in spool.waiting() for envelope in file.envelopes))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "spool")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path.cwd(),
    )

    assert done.stdout.split() == ["OSError", "small:1", "small:2"]


@pytest.mark.faults
def test_a_full_disk_raises_and_nothing_remains(tmp_path: Path) -> None:
    """The limit on file size stands for the disk: the write fails half-way, as ENOSPC would."""
    program = """
import resource, sys
from pathlib import Path
from worker.storage.spool import Spool
spool = Spool(Path(sys.argv[1]))
spool.begin(["small:1"]).close()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    spool.begin(["large:" + "x" * 100_000]).close()
except OSError as error:
    print(type(error).__name__, len(list(spool.waiting())))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "spool")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path.cwd(),
    )

    assert done.stdout.split() == ["OSError", "1"]
    assert len(files_in(tmp_path / "spool")) == 1, "a half-written file remains"


def test_a_folder_that_has_gone_raises(spool: Spool) -> None:
    (spool.root / "tmp").rmdir()

    with pytest.raises(OSError, match="No such file"):
        spool.begin(["a:1"]).close()
    assert files_in(spool.root) == []


# --- the relay ---


def test_a_file_is_pushed_until_the_database_confirms_it_and_then_let_go(world: World, spool: Spool) -> None:
    spool.begin([world.envelope(world.submission())]).close()
    relay = relay_of(world, spool)

    assert relay.run_once() == 1
    assert relay.run_once() == 0, "workers are given a moment"
    assert spool.counts() == (1, 0)
    work(world)
    assert relay_of(world, spool).run_once() == 0

    assert spool.counts() == (0, 0)
    assert world.count(tables.leads) == 1


def test_a_message_that_the_broker_lost_is_pushed_again_and_stored_once(world: World, spool: Spool) -> None:
    spool.begin([world.envelope(world.submission())]).close()
    relay_of(world, spool).run_once()
    world.queue.captured.clear()  # flushed, or a worker that died with it

    assert relay_of(world, spool).run_once() == 1
    work(world)
    assert relay_of(world, spool).run_once() == 0

    assert (world.count(tables.submissions), spool.counts()) == (1, (0, 0))


def test_a_file_of_several_stays_until_every_one_of_them_is_stored(world: World, spool: Spool) -> None:
    first, second = (world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(2))
    spool.begin([first, second]).close()
    world.capture(first)

    assert relay_of(world, spool).run_once() == 1
    work(world)
    relay_of(world, spool).run_once()

    assert (world.count(tables.leads), spool.counts()) == (2, (0, 0))


def test_the_publisher_gets_a_head_start_before_the_relay_pushes(world: World, spool: Spool) -> None:
    relay = relay_of(world, spool)
    relay.expect(spool.begin([world.envelope(world.submission())]).close())

    assert relay.run_once() == 0
    assert world.queue.captured == []


def test_a_broker_that_is_away_does_not_count_against_a_file(world: World, spool: Spool) -> None:
    spool.begin([world.envelope(world.submission())]).close()
    world.queue.takes = False
    relay = relay_of(world, spool)
    for _ in range(relaying.MAX_PUSHES + 5):
        come_due(relay)
        assert relay.run_once() == 0
    assert spool.counts() == (1, 0)

    world.queue.takes = True
    come_due(relay)
    assert relay.run_once() == 1


def come_due(relay: Relay) -> None:
    """Skip the waits between pushes, which are real time: an hour of it otherwise."""
    for state in relay._pushes.values():
        state.next_at = 0.0


def test_a_file_that_is_never_stored_is_set_aside_after_many_pushes_and_not_deleted(world: World, spool: Spool) -> None:
    good = world.envelope(world.submission())
    spool.begin([good]).close()
    relay, pushed = relay_of(world, spool), 0
    for _ in range(relaying.MAX_PUSHES + 1):
        come_due(relay)
        pushed += relay.run_once()

    assert pushed == relaying.MAX_PUSHES
    assert spool.counts() == (0, 1)
    (path,) = (spool.root / "quarantine").glob("*")
    assert path.read_text() == good + "\n"

    assert spool.offer_again() == 1
    relay_of(world, spool).run_once()
    world.queue.captured = world.queue.captured[-1:]
    work(world)
    relay_of(world, spool).run_once()
    assert (world.count(tables.leads), spool.counts()) == (1, (0, 0))


def test_files_are_offered_together_until_something_in_them_may_be_what_ends_its_workers(
    world: World, spool: Spool
) -> None:
    for number in range(5):
        spool.begin([world.envelope(world.submission(email=f"lead{number}@example.com")) for _ in range(30)]).close()
    relay = relay_of(world, spool)
    offered = []
    for _ in range(5):
        come_due(relay)
        assert relay.run_once() == 5
        offered.append([len(envelopes) for envelopes in world.queue.captured])
        world.queue.captured.clear()

    assert offered == [[90, 60]] * 3 + [[10] * 15] + [[1] * 150]


def test_only_what_the_database_does_not_hold_is_offered_again(world: World, spool: Spool) -> None:
    stored, other = (world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(2))
    spool.begin([stored, other]).close()
    world.capture(stored)

    assert relay_of(world, spool).run_once() == 1

    assert world.queue.captured == [[other]]


def test_what_lies_on_the_queue_untaken_is_not_offered_again_for_a_while_and_does_not_count(
    world: World, spool: Spool
) -> None:
    spool.begin([world.envelope(world.submission())]).close()
    relay = relay_of(world, spool)
    assert relay.run_once() == 1
    world.queue.waits = True  # workers are behind, or there are none

    offered = []
    for _ in range(relaying.MAX_PUSHES + relaying._WAITS + 2):
        come_due(relay)
        offered.append(relay.run_once())

    assert offered[: relaying._WAITS] == [0] * relaying._WAITS
    assert offered[relaying._WAITS] == 1, "it may have been lost all the same"
    assert spool.counts() == (1, 0), "nobody has tried to store it"


def test_a_look_is_at_a_little_only_and_none_is_at_what_a_person_has_paused_again_and_again(
    world: World, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "ENOUGH", 2)
    for number in range(5):
        spool.begin([world.envelope(world.submission(email=f"lead{number}@example.com"))]).close()
    relay = relay_of(world, spool)
    pause(world.services, PauseScope.QUEUE, QueueName.INTAKE, "a look at it", "Jordan Example", None)

    seen = []
    for _ in range(4):
        assert relay.run_once() == 0
        seen.append(relay.has_more)
    assert seen == [True, True, False, False]

    resume(world.services, PauseScope.QUEUE, QueueName.INTAKE, "Jordan Example")
    come_due(relay)
    assert [relay.run_once() for _ in range(4)] == [2, 2, 1, 0]


def test_what_is_confirmed_does_not_stay_with_what_is_offered_in_vain(world: World, spool: Spool) -> None:
    stored, other = (world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(2))
    file = spool.begin([stored, other]).close()
    world.capture(stored)
    relay = relay_of(world, spool)
    for _ in range(relaying._TOGETHER + 1):
        come_due(relay)
        assert relay.run_once() == 1

    assert read_lines(file) == [other]


def test_what_was_parked_is_confirmed_too(world: World, spool: Spool) -> None:
    spool.begin([seal(world.submission(), KeyRing({"lost1": bytes(32)}))]).close()
    relay_of(world, spool).run_once()
    work(world)
    relay_of(world, spool).run_once()

    assert (world.count(tables.parked), spool.counts()) == (1, (0, 0))


DAMAGE = {
    "not a submission at all": b"nonsense\n",
    "no text": bytes(range(256)),
    "an id and no seal": f"{new_id()}:\n".encode(),
    "nothing": b"",
    "half an envelope": b"0192f7a4-0000-7000-8000",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_kept_for_a_person_and_holds_no_other_file_up(
    world: World, spool: Spool, damage: str
) -> None:
    (spool.root / "ready" / "00000000000000000001-damaged.sealed").write_bytes(DAMAGE[damage])
    spool.begin([world.envelope(world.submission())]).close()
    relay = relay_of(world, spool)
    for _ in range(3):
        come_due(relay)
        relay.run_once()
        work(world)

    assert world.count(tables.leads) == 1
    assert spool.counts()[0] == 0
    kept = spool.counts()[1] + world.count(tables.parked)
    assert kept == (0 if damage == "nothing" else 1)


def test_a_file_with_one_damaged_line_gives_what_can_be_read(world: World, spool: Spool) -> None:
    good = world.envelope(world.submission())
    path = spool.root / "ready" / "00000000000000000001-damaged.sealed"
    path.write_bytes(b"\xff\x00nonsense\n" + good.encode() + b"\n")
    relay = relay_of(world, spool)
    for _ in range(3):
        come_due(relay)
        relay.run_once()
        work(world)

    assert world.count(tables.leads) == 1
    assert spool.counts() == (0, 1)


def test_several_hosts_relay_into_one_database_without_touching_each_others_spool(
    world_url: str, tmp_path: Path
) -> None:
    with open_world(world_url, tmp_path / "a") as here, open_world(world_url, tmp_path / "b") as there:
        spools = [Spool(tmp_path / "a" / "spool"), Spool(tmp_path / "b" / "spool")]
        submission = here.submission()
        spools[0].begin([here.envelope(submission), here.envelope(here.submission(email="lead1@example.com"))]).close()
        spools[1].begin(
            [there.envelope(submission), there.envelope(there.submission(email="lead2@example.com"))]
        ).close()
        for host, spool in zip((here, there), spools, strict=True):
            relay_of(host, spool).run_once()
            work(host)
        assert [spool.counts() for spool in spools] == [(1, 0), (1, 0)]
        for host, spool in zip((here, there), spools, strict=True):
            relay_of(host, spool).run_once()

        assert [spool.counts() for spool in spools] == [(0, 0), (0, 0)]
        assert here.count(tables.leads) == 3


def test_a_database_that_is_away_leaves_every_file_where_it_is(world: World, spool: Spool, tmp_path: Path) -> None:
    spool.begin([world.envelope(world.submission())]).close()
    nowhere = f"sqlite:///{tmp_path / 'missing' / 'lead.db'}"
    with open_world(nowhere, tmp_path / "c") as cut_off, pytest.raises(SQLAlchemyError):
        relay_of(cut_off, spool).run_once()

    assert spool.counts() == (1, 0)
    assert relay_of(world, spool).run_once() == 1
