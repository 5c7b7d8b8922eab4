"""The sweep: any number of beats may ask for it at once, and what was lost is worked out again (I9)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from tests.support.world import World, open_world
from worker.domain.breaker import Breaker, Passage, State, passage, probing
from worker.storage import breakers, tables
from worker.storage.broker import Broker
from worker.storage.database import real_now
from worker.storage.spool import Spool
from worker.usecases.health.status import read_status
from worker.usecases.sweep import sweep

SENDS = tables.sends


def lose_the_planned_row(world: World) -> None:
    world.execute(delete(SENDS).where(SENDS.c.kind == "nurture", SENDS.c.state == "planned"))


@pytest.mark.parametrize("after_emails", [0, 1, 3])
def test_a_planned_send_that_was_lost_is_planned_again_as_it_was(world: World, after_emails: int) -> None:
    lead_id = world.lead_from()
    world.deliver()
    for _ in range(after_emails):
        world.jump_to_next_due()
        world.deliver()
    (before,) = [row for row in world.sends(lead_id) if row["state"] == "planned"]
    lose_the_planned_row(world)

    assert world.sweep()["repaired"] == 1

    (after,) = [row for row in world.sends(lead_id) if row["state"] == "planned"]
    assert (after["id"], after["email"], after["due_at"]) == (before["id"], before["email"], before["due_at"])
    assert world.sweep()["repaired"] == 0
    world.run()
    assert [row["status"] for row in world.rows(tables.enrollments)] == ["completed"]


def test_a_plan_that_was_lost_after_the_last_email_is_completed(world: World) -> None:
    world.post()
    world.run()
    world.execute(update(tables.enrollments).values(status="active", ended_at=None))

    world.sweep()

    assert [row["status"] for row in world.rows(tables.enrollments)] == ["completed"]


TALLIES = {"tally_days", "tallies", "mail_tallies"}


def test_a_sweep_of_a_healthy_product_only_writes_down_that_it_was_there(world: World) -> None:
    world.post()
    world.deliver()
    own_notes = {"heartbeats", "samples", "installation", *TALLIES}
    before = {table.name: world.rows(table) for table in tables.metadata.sorted_tables if table.name not in own_notes}
    world.queue.hints.clear()

    assert world.sweep().total() == 0

    assert {name: world.rows(tables.metadata.tables[name]) for name in before} == before
    assert sorted(world.queue.hints) == ["alert", "deliver"], "what is due goes out though every hint was lost"
    assert [row["name"] for row in world.rows(tables.heartbeats)] == ["beat"]


def lapsed_claims(world: World) -> None:
    world.execute(update(SENDS).where(SENDS.c.kind == "acknowledgement").values(state="claimed"))
    world.execute(update(SENDS).where(SENDS.c.state == "claimed").values(lease_until=world.now - timedelta(days=9)))


@pytest.mark.parametrize("damage", [lose_the_planned_row, lapsed_claims])
def test_sweeps_at_once_repair_each_thing_once_and_none_fails(
    world_url: str, tmp_path: Path, damage: Callable[[World], None]
) -> None:
    with ExitStack() as stack:
        beats = [stack.enter_context(open_world(world_url, tmp_path)) for _ in range(4)]
        for number in range(30):
            beats[0].post(email=f"lead{number}@example.com")
        damage(beats[0])

        with ThreadPoolExecutor(len(beats)) as threads:
            list(threads.map(World.sweep, beats))

        assert [row["state"] for row in beats[0].sends()] == ["planned"] * 60


def test_more_lost_plans_than_one_sweep_repairs_are_repaired_by_the_next(world: World) -> None:
    world.capture(*[world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(120)])
    lose_the_planned_row(world)

    repaired = [world.sweep()["repaired"] for _ in range(3)]

    assert sum(repaired) == 120
    assert repaired[-1] == 0


def test_what_was_planned_again_is_told_on_the_timeline_and_counted_until_then(world: World, tmp_path: Path) -> None:
    lead_id = world.lead_from()
    world.deliver()
    lose_the_planned_row(world)

    before = stranded(world, tmp_path)
    world.sweep()

    assert (before, stranded(world, tmp_path)) == (1, 0)
    (entry,) = world.story(lead_id, "planned_again")
    assert entry["detail"] == {"reason": "plan_was_lost"}
    assert alerts_of_repairs(world) == 0, "one is the price of a crash"


def test_many_lost_plans_at_once_are_told_to_staff_once_a_day(world: World) -> None:
    world.capture(*[world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(12)])
    for _ in range(2):
        lose_the_planned_row(world)
        world.sweep()

    assert alerts_of_repairs(world) == 1


def test_a_step_that_goes_on_after_a_day_of_waiting_for_an_unknown_one_is_no_lost_plan(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    nurture = (SENDS.c.kind == "nurture") & (SENDS.c.state == "planned")
    world.execute(update(SENDS).where(nurture).values(state="unknown", handed_over_at=world.now))
    world.jump(timedelta(hours=25))

    assert world.sweep()["repaired"] == 1
    assert [entry["detail"] for entry in world.story(lead_id, "planned_again")] == [{"reason": "unknown_has_waited"}]


def stranded(world: World, folder: Path) -> int:
    """What `nurture status` counts."""
    status = read_status(world.database, Broker("redis://127.0.0.1:1"), Spool(folder / "spool"))
    assert status.to_json()["enrollments_stranded"] == status.figures.stranded
    return status.figures.stranded


def alerts_of_repairs(world: World) -> int:
    return sum(row["kind"] == "plans_repaired" for row in world.rows(tables.alerts))


def test_the_repair_looks_at_everyone_in_turn_however_many_there_are(world: World) -> None:
    world.capture(*[world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(35)])
    lose_the_planned_row(world)

    repaired = [sweep(world.services, look_at=10)["repaired"] for _ in range(5)]

    assert repaired == [10, 10, 10, 5, 0]


def test_who_is_lost_behind_the_window_is_found_when_it_comes_round(world: World) -> None:
    world.capture(*[world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(25)])
    sweep(world.services, look_at=10)
    lose_the_planned_row(world)

    repaired = [sweep(world.services, look_at=10)["repaired"] for _ in range(4)]

    assert sum(repaired) == 25


def test_a_held_step_is_not_repaired_away(world: World) -> None:
    lead_id = world.lead_from(message="I want to die")
    world.deliver()
    world.jump_to_next_due()
    world.deliver()

    assert world.sweep()["repaired"] == 0
    assert [row["state"] for row in world.sends(lead_id)] == ["sent", "held"]


@pytest.mark.parametrize("state", ["claimed", "handed_over", "sent"])
def test_when_whoever_probed_a_failing_provider_has_died_another_may_probe_at_once(world: World, state: str) -> None:
    world.post()
    with world.database.write() as connection:
        begun = probing(Breaker(state=State.OPEN, failures=3), real_now(connection))
        breakers.store(connection, world.services.provider.name, begun)
    probe = SENDS.c.kind == "acknowledgement"
    world.execute(update(SENDS).where(probe).values(state=state, lease_until=world.now - timedelta(days=9)))

    world.sweep()

    with world.database.read() as connection:
        found = breakers.read(connection, world.services.provider.name)
        assert passage(found, real_now(connection)) is Passage.PROBE


def test_a_lead_without_an_enrollment_is_left_in_peace(world: World) -> None:
    world.post(consent_email=None)

    assert world.sweep()["repaired"] == 0
    assert [row["kind"] for row in world.sends()] == ["acknowledgement"]


def test_what_is_due_while_every_hint_is_lost_goes_out_after_a_sweep(world: World) -> None:
    world.post()
    world.queue.hints.clear()

    world.sweep()

    assert "deliver" in world.queue.hints
    assert world.deliver() == {"sent": 1}
