"""A restored or cloned database sends nothing until a person has confirmed it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.world import World
from worker.domain.epoch import Doubt, Remembered, doubt
from worker.domain.ids import new_id
from worker.runtime.valkey import EmbeddedValkey
from worker.storage import alerts, installation, pauses
from worker.storage.broker import Broker
from worker.storage.tables import installation as installation_table
from worker.storage.witness import Witnesses
from worker.usecases.sending.epoch import confirm_epoch, guard_epoch


@pytest.fixture
def guarded(world: World, valkey: EmbeddedValkey, tmp_path: Path) -> World:
    """A world of an instance of its own, whose epoch is witnessed by a file and by Redis."""
    with world.database.write() as connection:
        connection.execute(installation_table.update().values(instance=new_id()))
    world.services.broker = Broker(valkey.url)
    world.services.witnesses = Witnesses(tmp_path / "epoch.json", world.services.broker)
    return world


def is_held(world: World) -> bool:
    with world.database.read() as connection:
        return pauses.is_epoch_held(connection)


def set_ticks(world: World, ticks: int) -> None:
    with world.database.write() as connection:
        connection.execute(installation_table.update().values(ticks=ticks))


@pytest.mark.parametrize(
    ("ticks", "memories", "expected"),
    [
        (0, [], None),
        (5, [Remembered("me", 5)], None),
        (6, [Remembered("me", 5)], None),
        (4, [Remembered("me", 5)], Doubt.WENT_BACK),
        (4, [Remembered("me", 3), Remembered("me", 5)], Doubt.WENT_BACK),
        (5, [], Doubt.UNKNOWN_PLACE),
        (5, [Remembered("another", 9)], Doubt.UNKNOWN_PLACE),
        (0, [Remembered("another", 9)], None),
    ],
)
def test_the_count_of_sweeps_tells_a_copy_from_the_original(
    ticks: int, memories: list[Remembered], expected: Doubt | None
) -> None:
    assert doubt("me", ticks, memories) is expected


def test_a_fresh_product_sends_whichever_of_its_processes_ticks_first(guarded: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: guard_epoch(guarded.services), range(24)))

    assert not is_held(guarded)
    with guarded.database.read() as connection:
        assert installation.instance_and_ticks(connection)[1] == 24


def test_a_fresh_product_beside_a_redis_that_knew_another_is_known_before_its_first_tick_counts(
    guarded: World, tmp_path: Path
) -> None:
    assert guarded.services.witnesses is not None
    guarded.services.witnesses.tell(Remembered("another", 9))
    told: list[int] = []

    class Listening(Witnesses):
        def tell(self, memory: Remembered) -> None:
            told.append(memory.ticks)
            super().tell(memory)

    guarded.services.witnesses = Listening(tmp_path / "epoch.json", guarded.services.broker)
    guard_epoch(guarded.services)

    assert told == [0, 1]
    assert not is_held(guarded)


def test_a_database_that_went_back_sends_nothing_until_someone_confirms_it(guarded: World) -> None:
    for _ in range(5):
        guarded.sweep()
    set_ticks(guarded, 2)  # what a backup of a while ago holds
    guarded.post()

    guarded.services.epoch_is_guarded = False  # as in a process that has just started
    guarded.deliver()

    assert is_held(guarded)
    assert guarded.mail == []
    with guarded.database.read() as connection:
        assert alerts.counts(connection)["pending"] == 2  # the new lead, and that sending is held

    assert confirm_epoch(guarded.services, "Jordan Example") == 1
    guarded.deliver()

    assert not is_held(guarded)
    assert [mail["Subject"] for mail in guarded.mail] == ["We have your request"]
    guarded.sweep()
    assert not is_held(guarded)


def test_a_clone_in_another_place_sends_nothing(guarded: World, tmp_path: Path) -> None:
    guarded.sweep()
    elsewhere = Broker("unix:///nowhere/valkey.sock")
    guarded.services.witnesses = Witnesses(tmp_path / "elsewhere.json", elsewhere)

    guarded.sweep()

    assert is_held(guarded)


def test_a_flushed_redis_or_a_lost_file_alone_holds_nothing_up(guarded: World, tmp_path: Path) -> None:
    guarded.sweep()
    (tmp_path / "epoch.json").unlink()
    guarded.sweep()
    assert not is_held(guarded)

    guarded.services.witnesses = Witnesses(tmp_path / "epoch.json", Broker("unix:///nowhere/valkey.sock"))
    guarded.sweep()
    assert not is_held(guarded)


def test_confirming_when_nothing_is_held_changes_nothing(guarded: World) -> None:
    guarded.sweep()
    assert confirm_epoch(guarded.services, "Jordan Example") == 0
