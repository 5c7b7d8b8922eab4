"""What notices that something is wrong for long: the watchman outside, and the product's own alarms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.receiver import Receiver, receiver
from tests.support.world import World, migrate_world, open_world
from worker.delivery.watchman import Watchman
from worker.domain.clock import ProductClock
from worker.domain.health import verdict
from worker.queues import QueueName
from worker.reach import Reach
from worker.runtime.valkey import EmbeddedValkey
from worker.storage import enrollments, heartbeats, installation, samples, send_figures, tables
from worker.storage.broker import Broker
from worker.storage.database import real_now
from worker.storage.spool import Spool
from worker.usecases.health.give_sign_of_life import give_sign_of_life
from worker.usecases.health.raise_alarms import WRONG_FOR, raise_alarms
from worker.usecases.health.sample import take_sample
from worker.usecases.health.status import Status, read_health, read_status
from worker.usecases.health.vitals import read_vitals

HERE = Reach(allows_loopback=True)


@pytest.fixture
def alive(tmp_path: Path, valkey: EmbeddedValkey) -> Iterator[World]:
    """A product in which all is well."""
    url = f"sqlite:///{tmp_path / 'lead.db'}"
    migrate_world(url)
    with open_world(url, tmp_path) as world, closing(Broker(valkey.url)) as broker:
        world.services.broker = broker
        with world.database.write() as connection:
            heartbeats.beat(connection, "worker@one:1", heartbeats.WORKER, list(QueueName))
            heartbeats.beat(connection, "beat", heartbeats.BEAT, [])
        yield world


@pytest.fixture
def watch() -> Iterator[Receiver]:
    with receiver(200) as server:
        yield server


def lose_the_workers(world: World) -> None:
    with world.database.write() as connection:
        heartbeats.gone(connection, "worker@one:1")


def test_the_watchman_hears_while_all_is_well_and_nothing_when_it_is_not(alive: World, watch: Receiver) -> None:
    assert not give_sign_of_life(alive.services), "there is no watchman"
    alive.services.watchman = Watchman(watch.url, HERE)

    assert give_sign_of_life(alive.services)
    lose_the_workers(alive)
    assert not give_sign_of_life(alive.services)

    assert len(watch.requests) == 1


def test_a_watchman_who_is_away_or_inside_our_network_stops_nothing(alive: World) -> None:
    for watchman in (Watchman("http://127.0.0.1:9/ping", HERE), Watchman("https://127.0.0.1/ping", Reach())):
        alive.services.watchman = watchman
        assert not give_sign_of_life(alive.services)


def fill_minutes(world: World, *, well: list[bool]) -> None:
    """The samples of the minutes before this one, the latest last."""
    with world.database.write() as connection:
        now = samples.minute_of(real_now(connection))
        for ago, is_well in enumerate(reversed(well), start=1):
            samples.keep(connection, now - ago, {"queues": {}, "due": 0, "is_well": is_well})


def kinds_of_alerts(world: World) -> list[str]:
    return [row["kind"] for row in world.rows(tables.alerts)]


def test_what_is_wrong_for_ten_minutes_is_told_once(alive: World) -> None:
    lose_the_workers(alive)
    fill_minutes(alive, well=[True, *[False] * (WRONG_FOR - 1)])

    assert raise_alarms(alive.services) == 1
    assert raise_alarms(alive.services) == 0, "this minute's sample is there"

    assert kinds_of_alerts(alive) == ["needs_attention"]
    alive.tell_staff()
    (told,) = alive.alert_files
    assert "nurture status" in told


@pytest.mark.parametrize("well", [[False] * (WRONG_FOR - 2), [False] * 20 + [True] + [False] * 5, []])
def test_what_was_wrong_for_a_moment_is_not_told(alive: World, well: list[bool]) -> None:
    lose_the_workers(alive)
    fill_minutes(alive, well=well)

    assert raise_alarms(alive.services) == 0


def test_trouble_keeps_its_name_until_it_ends_and_gets_one_a_day_when_it_stays(alive: World) -> None:
    names = []
    for minute in range(10_000, 10_000 + 3 * samples.KEPT_MINUTES):
        with alive.database.write() as connection:
            samples.keep(connection, minute, {"queues": {}, "due": 0, "is_well": minute < 10_005})
            names.append(samples.trouble(connection, WRONG_FOR))

    assert list(dict.fromkeys(names)) == [None, "10005", "day/7"]


def test_two_working_days_without_a_lead_are_told_once(alive: World) -> None:
    alive.post()
    with alive.database.write() as connection:
        latest = alive.rows(tables.leads)[0]["created_at"]
        in_a_week = ProductClock(speed=1, real_anchor=real_now(connection), product_anchor=latest + timedelta(days=7))
        installation.set_clock(connection, in_a_week)

    assert raise_alarms(alive.services) == 1

    assert "no_leads" in kinds_of_alerts(alive)
    with alive.database.read() as connection:
        vitals = read_vitals(alive.services, connection)
    assert vitals is not None
    # Five days of eight hours, and the hour by which the same instant is later on a clock put forward.
    assert timedelta(hours=41) <= vitals.quiet < timedelta(hours=41, minutes=5)
    assert (vitals.waiting, vitals.late) == (1, 0)


def test_readiness_reads_no_more_than_what_waits(alive: World, tmp_path: Path) -> None:
    with alive.database.read() as connection:
        figures = read_health(connection, alive.services.broker.depths(list(QueueName)), Spool(tmp_path / "s")).figures

    assert verdict(figures).ok, verdict(figures).sentence


def test_very_many_rows_are_told_by_the_last_minutes_count(alive: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> Status:
        return read_status(alive.database, alive.services.broker, Spool(alive.folder / "spool"))

    def due() -> int:
        with alive.database.read() as connection:
            return send_figures.count_due(connection, alive.now)[0]

    for number in range(3):
        alive.post(email=f"early{number}@example.com")
    monkeypatch.setattr(send_figures, "COUNTED_ONE_BY_ONE", 5)
    monkeypatch.setattr(enrollments, "COUNTED_ONE_BY_ONE", 2)
    assert look().sends["planned"] == 6, "no sample yet: counted"
    assert look().enrollments_active == 3

    assert take_sample(alive.services)
    alive.post(email="late@example.com")
    assert look().sends["planned"] == 6
    assert look().enrollments_active == 3
    monkeypatch.setattr(send_figures, "COUNTED_ONE_BY_ONE", 2)
    assert due() == 3

    monkeypatch.undo()
    assert look().sends["planned"] == 8
    assert look().enrollments_active == 4
    assert due() == 4


def test_many_sent_emails_are_counted_by_their_tallies(alive: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alive.post()
    alive.deliver()
    status = read_status(alive.database, alive.services.broker, Spool(alive.folder / "spool"))
    assert status.sends["sent"] == 1
    assert status.sends["planned"] == 1

    monkeypatch.setattr(send_figures, "COUNTED_ONE_BY_ONE", 0)
    alive.sweep()
    alive.execute(tables.mail_tallies.update().values(sent=1_000_000))
    status = read_status(alive.database, alive.services.broker, Spool(alive.folder / "spool"))
    assert status.sends["sent"] == 1_000_000
