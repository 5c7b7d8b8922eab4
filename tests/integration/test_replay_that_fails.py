"""A replay that can't admit an item keeps it, and says so to staff each time."""

from __future__ import annotations

from tests.support.world import World
from worker.storage import tables
from worker.usecases.desk import unpark


def parked_alerts(world: World) -> int:
    return sum(row["kind"] == "submission_parked" for row in world.rows(tables.alerts))


def test_a_conflict_that_is_replayed_in_vain_stays_and_is_told_again(world: World) -> None:
    world.post(key="k1", message="the first")
    world.capture(world.envelope(world.submission(key="k1", message="the second")))
    (item,) = world.rows(tables.parked)
    told = parked_alerts(world)

    for _ in range(2):
        assert unpark.replay(world.services, item["id"], "jordan").parked == 1

    (after,) = world.rows(tables.parked)
    assert (after["state"], after["code"]) == ("open", "idempotency_conflict")
    assert parked_alerts(world) == told + 2
    assert world.queue.hints[-1] == "alert"
