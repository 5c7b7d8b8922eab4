"""What the console's first pages show, on both databases: how it is, who did what; and the rules of accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from tests.support.console import HOST, Console, add_staff, open_console, text_of
from tests.support.world import World
from worker.domain.staff import Role
from worker.errors import NotFound, Refused
from worker.queues import QueueName
from worker.runtime.valkey import EmbeddedValkey
from worker.storage import audit, heartbeats, samples, staff, tables
from worker.storage.audit import Wanted
from worker.storage.broker import KEY_PREFIX, Broker
from worker.storage.database import real_now
from worker.storage.heartbeats import Work
from worker.storage.pauses import PauseScope
from worker.storage.spool import Spool
from worker.storage.timeline import COMMAND_LINE, Happened, acting_via
from worker.usecases.events.record_event import record_event
from worker.usecases.health.overview import Overview, read_overview
from worker.usecases.health.sample import take_sample
from worker.usecases.sending.pausing import pause
from worker.usecases.staff.staff_accounts import add_account, disable_account, enable_account, reset_account, set_role


@pytest.fixture
def console(world: World, tmp_path: Path) -> Console:
    return open_console(world, tmp_path)


@pytest.fixture
def broker(valkey: EmbeddedValkey) -> Iterator[Broker]:
    opened = Broker(valkey.url)
    yield opened
    opened._client.delete(*(KEY_PREFIX + name for name in QueueName))
    opened.close()


def overview(console: Console, broker: Broker) -> Overview:
    return read_overview(console.world.services, broker, Spool(console.settings.spool))


# --- home -----------------------------------------------------------------------------------------------------


def test_each_declared_queue_is_there_also_one_that_nobody_consumes(console: Console, broker: Broker) -> None:
    world = console.world
    with world.database.write() as connection:
        work = {"send": Work(active=2, recent=9)}
        heartbeats.beat(connection, "worker@a:1", heartbeats.WORKER, ["intake", "send"], work)
        heartbeats.beat(connection, "worker@b:1", heartbeats.WORKER, ["send"], {"send": Work(active=1, recent=4)})
    pause(world.services, PauseScope.QUEUE, QueueName.ALERTS, "a new mailbox", "olive", timedelta(hours=1))
    broker._client.lpush(f"{KEY_PREFIX}tick", b"{}", b"{}")

    queues = {queue.name: queue for queue in overview(console, broker).queues}

    assert list(queues) == list(QueueName)
    assert queues["send"].work == Work(active=3, recent=13)
    assert (queues["send"].workers, queues["intake"].workers, queues["tick"].workers) == (2, 1, 0)
    assert queues["tick"].trouble == "messages wait, and nobody takes them"
    assert queues["send"].trouble is None
    assert [(item["by"], item["reason"]) for item in queues["alerts"].pauses] == [("olive", "a new mailbox")]


def test_a_worker_that_falls_silent_stops_counting_within_seconds_and_stays_in_the_list(
    console: Console, broker: Broker
) -> None:
    world = console.world
    with world.database.write() as connection:
        heartbeats.beat(connection, "worker@a:1", heartbeats.WORKER, list(QueueName))
        long_ago = real_now(connection) - heartbeats.ALIVE_FOR
    world.execute(update(tables.heartbeats).values(at=long_ago))

    found = overview(console, broker)

    assert {queue.workers for queue in found.queues} == {0}
    assert [(worker.name, worker.is_alive) for worker in found.workers] == [("worker@a:1", False)]


def test_the_page_says_what_the_status_says(console: Console) -> None:
    world = console.world
    world.post()
    world.deliver()
    html = console.person(Role.VIEWER).get("/").text

    assert "the broker does not answer" in text_of(html)
    assert re.search(r"Next 24 hours \d", text_of(html))
    assert "maya@example.com" not in html


def test_one_sample_a_minute_is_kept_for_two_hours(console: Console, broker: Broker) -> None:
    world = console.world
    world.services.broker = broker
    broker._client.lpush(f"{KEY_PREFIX}send", b"{}")
    with world.database.write() as connection:
        now = samples.minute_of(real_now(connection))
        for minute in range(now - 200, now):
            samples.keep(connection, minute, {"queues": {}, "due": minute})

    taken = [take_sample(world.services) for _ in range(3)]

    assert taken.count(True) in {1, 2}, "a minute may have ended meanwhile"
    with world.database.read() as connection:
        kept = samples.latest(connection)
    assert samples.KEPT_MINUTES - 1 <= len(kept) <= samples.KEPT_MINUTES
    assert kept[-1]["queues"]["send"]["depth"] == 1
    assert overview(console, broker).queues[1].curve[-1] == 1


# --- audit ----------------------------------------------------------------------------------------------------


def test_the_trail_is_found_by_person_kind_lead_and_sign_in_and_leaves_out_what_happened_by_itself(
    console: Console,
) -> None:
    world = console.world
    lead_id, other = world.lead_from(), world.lead_from(email="robin@example.com")
    record_event(world.services, other, "replied", "an interface")  # not by a person
    with acting_via(COMMAND_LINE):
        record_event(world.services, lead_id, "consultation_booked", "olive")
        pause(world.services, PauseScope.LOCATION, "albany", "phones are down", "olive", None)
    admin = console.person(Role.ADMIN, "alex")
    admin.post("/users/add", name="robin", role="viewer")

    followed = {Happened.ENROLLMENT_ENDED, Happened.CANCELLED, Happened.ANSWERED}

    def found(**wanted: str) -> list[str]:
        with world.database.read() as connection:
            rows = audit.search(connection, Wanted(**wanted), 50)
        return [row["kind"] for row in rows if row["kind"] not in followed]

    assert found() == [Happened.USER_ADDED, Happened.PAUSED, Happened.EVENT]
    assert found(by="olive") == [Happened.PAUSED, Happened.EVENT]
    assert found(kind=Happened.PAUSED) == [Happened.PAUSED]
    assert found(about=lead_id) == [Happened.EVENT]
    assert found(about=other) == []
    assert found(about=world.rows(tables.staff_sessions)[0]["id"]) == [Happened.USER_ADDED]
    assert found(by="olive' or 1=1 --") == []
    assert found(about="%") == []

    html = text_of(admin.get("/audit?by=olive").text)
    assert "paused sending" in html
    assert "phones are down" in html
    assert "added an account" not in html.partition("On what")[2]


def test_a_long_trail_has_pages(console: Console) -> None:
    world = console.world
    with acting_via(COMMAND_LINE):
        for number in range(53):
            pause(world.services, PauseScope.SEQUENCE, f"s{number}", "a test", "olive", None)
    admin = console.person(Role.ADMIN, "alex")

    first, second = admin.get("/audit").text, admin.get("/audit?page=2").text
    assert (first.count("paused sending</td>"), second.count("paused sending</td>")) == (50, 3)
    assert "Older" in first
    assert "Older" not in second
    assert admin.get("/audit?page=99999999999999999999").status_code == 200
    assert admin.get("/audit?page=-1&kind=none").status_code == 200


def test_searching_the_trail_reads_its_own_index(world: World) -> None:
    """However much the product did by itself."""
    with world.database.write() as connection:
        connection.exec_driver_sql("set local enable_seqscan = off" if not world.database.is_sqlite else "select 1")
        explain = "explain query plan " if world.database.is_sqlite else "explain "
        plan = connection.exec_driver_sql(
            explain + "select * from timeline where via is not null and actor <> 'system' order by id desc limit 51"
        )
        assert "ix_timeline_by_people" in str(plan.all())


# --- accounts -------------------------------------------------------------------------------------------------


def test_accounts_keep_their_rules_whoever_asks(world: World) -> None:
    services = world.services
    for name in ("Robin", "r", "robin@example.com", "robin smith"):
        with pytest.raises(Refused, match="small letters"):
            add_account(services, name, Role.VIEWER, "cli")
    add_account(services, "robin", Role.ADMIN, "cli")
    with pytest.raises(Refused, match="already"):
        add_account(services, "robin", Role.VIEWER, "cli")
    for verb in (reset_account, disable_account, enable_account):
        with pytest.raises(NotFound, match="no account kim"):
            verb(services, "kim", "cli")
    with pytest.raises(Refused, match="not disabled"):
        enable_account(services, "robin", "cli")
    disable_account(services, "robin", "cli")  # invited, so nobody could sign in as this admin yet
    with pytest.raises(Refused, match="enable it first"):
        reset_account(services, "robin", "cli")


def test_a_role_given_to_the_last_admin_waits_for_another_admin(world: World) -> None:
    add_staff(world, "alex", Role.ADMIN)
    with pytest.raises(Refused, match="only admin"):
        set_role(world.services, "alex", Role.VIEWER, "cli")
    add_staff(world, "kim", Role.ADMIN)
    set_role(world.services, "alex", Role.VIEWER, "cli")

    assert {row["name"]: row["role"] for row in world.rows(tables.staff)} == {"alex": "viewer", "kim": "admin"}


def test_old_sign_ins_leave_nothing_behind(world: World) -> None:
    staff_id = add_staff(world, "alex", Role.ADMIN)
    with world.database.write() as connection:
        now = real_now(connection)
        staff.start_session(connection, staff_id, now - timedelta(hours=13))
        staff.start_session(connection, staff_id, now)
        count = connection.execute(select(func.count()).select_from(tables.staff_sessions)).scalar_one()

    assert count == 1


def test_links_begin_with_the_public_address(console: Console) -> None:
    assert add_account(console.world.services, "alex", Role.ADMIN, "cli").startswith(f"{HOST}/console/welcome/")
