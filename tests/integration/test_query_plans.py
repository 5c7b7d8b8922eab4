"""What runs every few seconds looks at rows that want something, never at all that were ever sent (I10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from tests.support.world import World, migrate_world, open_world

PARTIAL = ("ix_sends_due", "ix_sends_leased", "ix_sends_attention")
"""Indexes that hold none of what was sent, so that reading one through is no matter."""


def plans_of(world: World) -> list[tuple[str, str]]:
    """Every statement of a sweep and a pump, with each line of SQLite's plan for it."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        seen.append((statement, values))

    event.listen(world.database.engine, "before_cursor_execute", note)
    world.sweep()
    world.deliver()
    event.remove(world.database.engine, "before_cursor_execute", note)
    with world.database.read() as connection:
        return [
            (statement, row[3])
            for statement, values in seen
            if statement.startswith(("SELECT", "UPDATE", "WITH"))
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]


def test_no_sweep_and_no_pump_reads_all_sends(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lead.db'}"
    migrate_world(url)
    with open_world(url, tmp_path) as world:
        world.post()
        plans = plans_of(world)

    whole = [plan for plan in plans if plan[1].startswith("SCAN sends") and not plan[1].endswith(PARTIAL)]
    assert whole == []
    assert any("ix_sends_leased" in step for _, step in plans)
    assert any("ix_sends_attention" in step for _, step in plans)
