"""Whoever fills in a form in Spanish is told in Spanish what to mend; programs see the same codes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.databases import Databases
from tests.support.serving import intake_of
from tests.support.world import SHIPPED, World
from worker.domain.leads import Language
from worker.intake.spanish import SENTENCES, in_language, sentence
from worker.usecases.content.publish import publish

ARRIVAL = Path(__file__).parents[2] / "worker" / "usecases" / "arrival"
ONLY_FOR_PROGRAMS = {"form.unknown"}


@pytest.fixture(scope="module")
def databases(sqlite_databases: Databases) -> Databases:
    """SQLite alone: nothing is asked of the database here."""
    return sqlite_databases


def test_each_form_is_told_in_its_own_language(world: World) -> None:
    spanish = SHIPPED["forms.toml"].replace("[forms.sandbox]\n", '[forms.sandbox]\nlanguage = "es"\n')
    publish(world.database, {**SHIPPED, "forms.toml": spanish}, "Jordan Example")

    def told(http: TestClient, form: str) -> dict[str, str]:
        body: dict[str, Any] = {"form": form, "email": "lucia(at)example.com", "first_name": "L" * 300}
        answer = http.post("/v1/submissions", json=body)
        assert answer.status_code == 422
        return {error["code"]: error["detail"] for error in answer.json()["errors"]}

    with intake_of(world) as http:
        in_spanish, in_english = told(http, "sandbox"), told(http, "clinic")

    assert in_spanish == {code: SENTENCES[code] for code in ("email.syntax", "text.too_long")}
    assert in_english.keys() == in_spanish.keys()
    assert not set(in_english.values()) & set(in_spanish.values())


def test_every_problem_that_a_person_can_mend_has_its_sentence_in_spanish() -> None:
    source = "".join((ARRIVAL / name).read_text(encoding="utf-8") for name in ("understand.py", "contact.py"))
    codes = set(re.findall(r'"((?:contact|email|phone|text|form)\.[a-z_]+)"', source)) - {"phone.odd"}

    assert codes - ONLY_FOR_PROGRAMS == {code for code in SENTENCES if "." in code}


def test_what_has_no_sentence_of_its_own_is_told_as_it_is() -> None:
    assert in_language([], Language.SPANISH) == []
    assert sentence("no-such-code", "As it is.", Language.SPANISH) == "As it is."
    assert sentence("not-saved", "As it is.", Language.ENGLISH) == "As it is."
