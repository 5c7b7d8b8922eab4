"""Forms in the console: what is registered, and how a payload, pasted or parked, would be mapped."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from tests.support import vendors
from tests.support.console import HOST, Person, open_console, text_of
from tests.support.databases import Databases, SqliteDatabases
from tests.support.world import World
from worker.domain.forms import TokenCheck
from worker.domain.staff import Role
from worker.storage import submissions, tables
from worker.usecases.arrival.understand import understand
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

    answer = olive.post("/forms/clinic", payload=vendors.duda("pasted@example.com").body.decode(), source="duda")

    said = text_of(answer.text)
    assert answer.status_code == 200
    assert "ZIP code zip it is a synonym" in said
    assert "a lead in carbondale" in said.lower()
    assert "pasted@example.com" not in answer.text
    assert [world.count(table) for table in (tables.submissions, tables.parked)] == [0, 0]


def test_an_empty_or_unreadable_payload_says_so(olive: Person) -> None:
    assert olive.post("/forms/clinic", payload=" ", source="generic").status_code == 422
    said = text_of(olive.post("/forms/clinic", payload="hello", source="generic").text)
    assert "A form's webhook is neither JSON nor a form. Ask its vendor" in said
    assert olive.post("/forms/nowhere", payload="{}", source="generic").status_code == 404
    assert olive.get("/forms/nowhere").status_code == 404


def test_questions_that_no_mapping_knows_come_with_the_lines_that_name_them(olive: Person) -> None:
    page = olive.post("/forms/clinic", payload='{"Mail \\"adres\\"": "maya@example.com"}', source="generic").text
    box = re.search(r'aria-label="Lines for forms.toml">([^<]+)<', page)

    assert box, page
    assert tomllib.loads(unescape(box[1])) == {"forms": {"clinic": {"fields": {"FIELD": ['Mail "adres"']}}}}


@pytest.mark.parametrize("name", ["A plain form", "A program"])
def test_what_is_copied_from_a_form_s_page_is_a_good_post_of_that_form(world: World, olive: Person, name: str) -> None:
    copied = copied_from(olive, name)
    body = dict(re.findall(r'name="(\w+)" value="(\w+)"', copied)) | {"email": "maya@example.com"}
    if name == "A program":
        body = {key: str(value) for key, value in json.loads(copied.split("-d '")[1].removesuffix("'")).items()}
    fields = {key: (value,) for key, value in body.items()}

    submission = understand(fields, world.catalog, world.now, None, TokenCheck())

    assert f"{HOST}/v1/submissions" in copied
    assert (submission.form, submission.consent_email, submission.suspicions) == ("sandbox", True, ())


def test_the_line_of_script_loads_this_form_s_script(olive: Person) -> None:
    (address,) = re.findall(rf'src="{HOST}(/[^"]+)"', copied_from(olive, "One line of script"))

    assert "sandbox" in olive.client.get(address).text


def copied_from(person: Person, name: str) -> str:
    """A box of the practice form's page."""
    (found,) = re.findall(rf'aria-label="{name}">([^<]+)</pre>', person.get("/forms/sandbox").text)
    return unescape(found)


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
