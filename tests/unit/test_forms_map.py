"""`nurture forms map`: what a payload would become, without storing it and without showing what was typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support import vendors
from worker.cli.forms import app
from worker.errors import NotFound

RUNNER = CliRunner()


def run(payload: bytes, *words: str) -> Result:
    return RUNNER.invoke(app, ["map", "--payload", "-", *words], input=payload)


def told(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)["posts"]
    return found


def test_each_answer_is_shown_with_its_field_and_reason_and_nothing_that_was_typed() -> None:
    result = run(vendors.duda("maya@example.com").body, "--json")

    (post,) = told(result)
    assert result.exit_code == 0
    assert {"asked": "ZIP code", "field": "zip", "because": "synonym"} in post["answers"]
    assert (post["vendor"], post["end"], post["location"]) == ("duda", "lead", "carbondale")
    assert "maya" not in result.stdout.lower()


def test_what_was_typed_is_shown_when_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "payload"
    file.write_bytes(vendors.elementor("maya@example.com").body)

    result = RUNNER.invoke(app, ["map", "--payload", str(file), "--reveal"])

    assert "maya@example.com" in result.stdout
    assert "A lead of carbondale (zip" in result.stdout


def test_what_would_be_parked_exits_with_1_and_says_why() -> None:
    result = run(b'{"Mail adres": "maya@example.com"}')

    assert result.exit_code == 1
    assert "It would be parked: map_contact_missing." in result.stdout


def test_an_event_that_is_no_form_is_said_to_be_none() -> None:
    assert "no form" in run(b'{"event_type": "PUBLISH", "resource_data": {}}').stdout


@pytest.mark.parametrize("words", [("--form", "nowhere"), ("--source", "nobody")])
def test_an_unknown_form_or_vendor_is_refused_with_those_that_are_known(words: tuple[str, str]) -> None:
    result = run(b"{}", *words)

    assert isinstance(result.exception, NotFound)
    assert "known are" in str(result.exception)
