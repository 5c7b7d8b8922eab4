"""Rows of several tables in one statement: on both databases the same as one after another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from tests.support.world import World
from worker.domain.ids import new_id
from worker.storage.inserting import NewRows, insert_all, insert_new, insert_several
from worker.storage.tables import alerts, timeline


def test_rows_of_several_tables_arrive_as_they_were_given(world: World) -> None:
    lead_id = world.lead_from()
    one, other = _alert(world, lead_id), _alert(world, None)
    entry = _entry(world, lead_id) | {"detail": {"codes": ["a", 'b"c'], "number": 1, "flag": True}}
    with world.database.write() as connection:
        new = insert_several(connection, [NewRows(timeline, [entry]), NewRows(alerts, [one, other], once=True)], "id")

    assert new == {one["id"], other["id"]}
    stored = _of_id(world, one["id"])
    assert {name: stored[name] for name in one} == one
    assert stored["attempts"] == 0
    [told] = _tried(world)
    assert {name: told[name] for name in entry} == entry


def test_what_many_rows_have_alike_arrives_in_each_of_them(world: World) -> None:
    same, other = {"codes": ["a", 'b"c'], "more": {"number": 1}}, {"codes": []}
    details = [same, other, same, same]
    rows = [_entry(world, None) | {"actor": f"row {number}", "detail": each} for number, each in enumerate(details)]
    with world.database.write() as connection:
        insert_several(connection, [NewRows(timeline, rows, alike="detail")])

    assert [row["detail"] for row in sorted(_tried(world), key=lambda row: row["actor"])] == details


def test_only_what_was_not_there_is_new(world: World) -> None:
    one, other = _alert(world, None), _alert(world, None)
    with world.database.write() as connection:
        assert insert_new(connection, alerts, [one], "id") == {one["id"]}
        assert insert_new(connection, alerts, [one | {"kind": "changed"}, other], "id") == {other["id"]}
        assert insert_new(connection, alerts, [], "id") == set()
        insert_all(connection, alerts, [one])

    assert _of_id(world, one["id"])["kind"] == "tried"


def test_rows_that_must_be_new_are_refused_all_together(world: World) -> None:
    one = _alert(world, None)
    with world.database.write() as connection:
        insert_new(connection, alerts, [one], "id")
    with pytest.raises(IntegrityError), world.database.write() as connection:
        insert_several(connection, [NewRows(timeline, [_entry(world, None)]), NewRows(alerts, [one])])

    assert _tried(world) == []


def test_a_time_without_its_zone_is_stored_nowhere(world: World) -> None:
    row = _alert(world, None) | {"created_at": datetime(2026, 3, 2, 16, 0)}  # noqa: DTZ001
    with pytest.raises((ValueError, StatementError)), world.database.write() as connection:
        insert_all(connection, alerts, [row])


def _of_id(world: World, alert: object) -> Mapping[str, Any]:
    return next(row for row in world.rows(alerts) if row["id"] == alert)


def _tried(world: World) -> list[Mapping[str, Any]]:
    return [row for row in world.rows(timeline) if row["kind"] == "tried"]


def _alert(world: World, lead_id: str | None) -> dict[str, object]:
    return {
        "id": new_id(),
        "kind": "tried",
        "lead_id": lead_id,
        "state": "pending",
        "created_at": world.now,
        "not_before": world.now,
    }


def _entry(world: World, lead_id: str | None) -> dict[str, object]:
    return {"lead_id": lead_id, "at": world.now, "actor": "system", "kind": "tried", "via": None, "detail": {}}
