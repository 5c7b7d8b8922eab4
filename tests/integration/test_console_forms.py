"""Forms in the console: what is registered, and how a payload, pasted or parked, would be mapped."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support import vendors
from tests.support.console import Person, open_console, text_of
from tests.support.databases import Databases, SqliteDatabases
from tests.support.world import World
from worker.domain.staff import Role
from worker.storage import submissions, tables
from worker.usecases.forms.raw_posts import raw_submissions


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite alone: nothing here is particular to a database."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def olive(world: World, tmp_path: Path) -> Person:
    return open_console(world, tmp_path).person(Role.OPERATOR, "olive")


def test_a_pasted_payload_shows_what_each_question_becomes_and_is_not_stored(world: World, olive: Person) -> None:
    assert "sandbox" in text_of(olive.get("/forms").text)

    answer = olive.post(
        "/forms/map", payload=vendors.duda("maya@example.com").body.decode(), form="clinic", source="duda"
    )

    said = text_of(answer.text)
    assert answer.status_code == 200
    assert "ZIP code zip it is a synonym" in said
    assert "a lead in carbondale" in said.lower()
    assert "maya@example.com" not in answer.text
    assert [world.count(table) for table in (tables.submissions, tables.parked)] == [0, 0]


def test_an_empty_or_unreadable_payload_says_so(olive: Person) -> None:
    assert olive.post("/forms/map", payload=" ", form="clinic", source="generic").status_code == 422
    assert "map_unreadable" in olive.post("/forms/map", payload="hello", form="clinic", source="generic").text
    assert olive.post("/forms/map", payload="{}", form="nowhere", source="generic").status_code == 404


def test_a_parked_post_shows_its_questions_and_never_what_was_typed(world: World, olive: Person) -> None:
    body = b'{"Mail adres": "maya@example.com", "Note": "between us"}'
    (raw,) = raw_submissions("clinic", "generic", body, secret="x", received_at=datetime.now(UTC))
    world.capture(submissions.envelope(raw, world.services.ring))
    (item,) = world.rows(tables.parked)

    assert f"/parked/items/{item['id']}/mapping" in olive.get(f"/parked/items/{item['id']}").text
    page = olive.get(f"/parked/items/{item['id']}/mapping").text

    assert "Mail adres" in page
    assert "no mapping knows it" in page
    assert "maya@example.com" not in page
    assert "between us" not in page
    assert olive.get("/parked/items/0192f7a4-1c5e-7d3a-8b6f-2e4d6c8a0b1c/mapping").status_code == 404
