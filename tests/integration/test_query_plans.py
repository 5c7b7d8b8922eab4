"""What runs every few seconds looks at rows that want something, never at all that were ever sent (I10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from tests.support.databases import Databases
from tests.support.telling import HERE, add, tell
from tests.support.world import START, World, migrate_world, open_world
from worker.storage import claims, sends

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


def test_what_is_due_is_walked_in_its_order_whatever_the_statistics_say(
    postgresql_databases: Databases, tmp_path: Path
) -> None:
    """They are of a time when all was planned, say after an import: then every claim read all of it and sorted it, and
    every look whether anything is due read the whole table, until the database counted again."""
    with open_world(postgresql_databases.make(migrate_world), tmp_path) as world:
        lead, later = world.lead_from(), START + timedelta(days=1)
        world.execute(text(_MANY_PLANNED).bindparams(lead=lead, due=START))
        world.execute(text("ANALYZE sends"))
        world.execute(text("UPDATE sends SET state = 'skipped' WHERE due_at < :later").bindparams(later=later))

        with world.database.read() as connection:
            plans = _plans(connection, lambda: _look_and_claim(connection, START + timedelta(days=2)))

    assert len(plans) == 4, "two looks, a claim of acknowledgements, which are few, and one of the rest"
    assert [plan for plan in plans if "Seq Scan on sends" in plan] == []
    assert "Index Scan using ix_sends_due on" in plans[-1]
    assert "Sort" not in plans[-1]


_MANY_PLANNED = """
insert into sends (id, lead_id, kind, email, location, state, due_at, first_due_at, attempts)
select gen_random_uuid(), cast(:lead as uuid), case n % 200 when 0 then 'acknowledgement' else 'nurture' end, 'letter',
    'albany', 'planned', :due + n % 48 * interval '1 hour', :due, 0
from generate_series(1, 5000) n
"""


def _look_and_claim(connection: Connection, now: datetime) -> None:
    sends.is_due(connection, now)
    sends.is_any_under_way(connection)
    claims.claim_due(connection, now, now, 100)


def _plans(connection: Connection, act: Callable[[], object]) -> list[str]:
    """What PostgreSQL would do for each statement about sends, one text each."""
    found = []

    def note(asked: Connection, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "sends" in statement and "EXPLAIN" not in statement:
            rows = asked.exec_driver_sql(f"EXPLAIN {statement}", values)
            found.append("\n".join(row[0] for row in rows))

    event.listen(connection, "before_cursor_execute", note)
    act()
    return found
