"""What the demonstration leaves for staff: each page of the console has something to decide."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.support.databases import Databases
from tests.support.site import serve
from tests.support.world import World
from worker.runtime.demo import post_for_staff
from worker.storage import tables


@pytest.fixture(scope="module")
def databases(sqlite_databases: Databases) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return sqlite_databases


def test_each_page_of_the_console_has_something_to_decide(world: World) -> None:
    with serve(world, 0) as address:
        post_for_staff(world.services, address)
    world.capture(*(envelope for group in world.queue.captured for envelope in group))
    world.deliver()

    with world.database.read() as connection:
        holds = set(connection.execute(select(tables.leads.c.hold_reason)).scalars())
    assert {row["code"] for row in world.rows(tables.parked)} == {"map_contact_missing"}
    assert {row["last_code"] for row in world.sends() if row["state"] == "unknown"} == {"simulated_lost"}
    assert {row["reason"] for row in world.rows(tables.suppressions)} == {"hard_bounce"}
    assert "crisis" in {str(hold).split("_")[0] for hold in holds}
    assert [row["status"] for row in world.rows(tables.submissions)].count("quarantined") == 1
    assert all(row["revoked_at"] is not None for row in world.rows(tables.tokens)), "no door is left open"
