"""What runs every few seconds looks at rows that want something, never at all that were ever sent (I10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.support.telling import HERE, add, tell
from tests.support.world import World, migrate_world, open_world

PARTIAL = ("ix_sends_due", "ix_sends_leased", "ix_sends_attention")
"""Indexes that hold none of what was sent, so that reading one through is no matter."""


def plans_of(world: World, *acts: Callable[[], object]) -> list[tuple[str, str]]:
    """Every statement of some acts, with each line of SQLite's plan for it."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        seen.append((statement, values))

    event.listen(world.database.engine, "before_cursor_execute", note)
    for act in acts:
        act()
    event.remove(world.database.engine, "before_cursor_execute", note)
    with world.database.read() as connection:
        return [
            (statement, row[3])
            for statement, values in seen
            if statement.startswith(("SELECT", "UPDATE", "WITH"))
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Of a sweep, a pump, and of telling other systems."""
    folder = tmp_path_factory.mktemp("world")
    url = f"sqlite:///{folder / 'lead.db'}"
    migrate_world(url)
    with open_world(url, folder) as world:
        world.services.reach = HERE
        add(world, "http://127.0.0.1:1/hook")
        world.post()
        return plans_of(world, world.sweep, world.deliver, lambda: tell(world))


def test_what_is_to_be_told_is_found_by_an_index_of_what_waits(plans: list[tuple[str, str]]) -> None:
    often = [plan for plan in plans if "outgoing_events.at <" not in plan[0]]  # retention looks once a day

    assert [plan for plan in often if plan[1].startswith("SCAN outgoing_events")] == []
    assert any("ix_outgoing_events_waiting" in step for _, step in plans)
    assert any("ix_outgoing_events_of_lead" in step for _, step in plans)


def test_no_sweep_and_no_pump_reads_all_sends(plans: list[tuple[str, str]]) -> None:
    whole = [plan for plan in plans if plan[1].startswith("SCAN sends") and not plan[1].endswith(PARTIAL)]
    assert whole == []
    assert any("ix_sends_leased" in step for _, step in plans)
    assert any("ix_sends_attention" in step for _, step in plans)
