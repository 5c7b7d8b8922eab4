"""`nurture lint`: exit codes, JSON, and plain words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.unit import shipped
from worker.cli import app


def nurture_lint(*words: str) -> Result:
    return CliRunner().invoke(app, ["lint", *words])


@pytest.fixture
def drafts(tmp_path: Path) -> Path:
    """A folder of drafts that a test may spoil."""
    return Path(shutil.copytree(shipped.TEMPLATES, tmp_path / "email"))


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_sound_content_exits_with_0_and_one_calm_line() -> None:
    done = nurture_lint("--as-of", "2026-11-22")

    assert done.exit_code == 0
    emails, sequences = len(shipped.catalog().emails), len(shipped.catalog().sequences)
    assert done.stdout == f"{emails} emails, {sequences} sequences: 0 errors, 0 warnings\n"


def test_an_error_exits_with_1_and_names_file_and_line(drafts: Path) -> None:
    spoil(drafts / "emails" / "aftercare.md", "Eat something", "It is safe. Eat something")
    done = nurture_lint("aftercare", "--as-of", "2026-11-22", "--content", str(drafts))

    assert done.exit_code == 1
    assert done.stdout.startswith("error   emails/aftercare.md:42: 'safe' makes the risk sound small.")
    assert done.stdout.endswith("1 email, 0 sequences: 1 error, 0 warnings\n")


def test_a_warning_alone_exits_with_0() -> None:
    done = nurture_lint("aftercare", "--as-of", "2027-11-01")

    assert done.exit_code == 0
    assert "warning " in done.stdout


def test_a_day_in_the_future_judges_review_dates() -> None:
    assert nurture_lint("emails/aftercare.md", "--as-of", "2027-11-21").exit_code == 1


def test_json_is_one_value_with_every_finding(drafts: Path) -> None:
    spoil(drafts / "emails" / "aftercare.md", "Eat something", "It is safe. Eat something")
    done = nurture_lint("aftercare", "--json", "--as-of", "2026-11-22", "--content", str(drafts))

    assert json.loads(done.stdout) == {
        "ok": False,
        "summary": {"emails": 1, "sequences": 0, "errors": 1, "warnings": 0, "notes": 0},
        "findings": [
            {
                "rule": "MED013",
                "severity": "E",
                "path": "emails/aftercare.md",
                "line": 42,
                "location": "",
                "sequence": "ptsd",
                "persona": "",
                "message": "'safe' makes the risk sound small.",
                "fix": 'Say what can happen instead, or use {{ block("ketamine-risks") }}.',
            }
        ],
    }


def test_files_that_do_not_load_are_told_the_same_way(drafts: Path) -> None:
    spoil(drafts / "emails" / "risks.md", "sponsor", "sponser")
    spoil(drafts / "sequences" / "tms.toml", 'name = "TMS"', 'name = "TMS')
    done = nurture_lint("--json", "--content", str(drafts))
    findings = json.loads(done.stdout)["findings"]

    assert done.exit_code == 1
    assert {(one["rule"], one["severity"]) for one in findings} == {("FM001", "E")}
    assert ("sequences/tms.toml", 5) in {(one["path"], one["line"]) for one in findings}
    assert "sponser is not a known key; check its spelling." in {one["message"] for one in findings}


def test_one_location_may_be_asked_for(drafts: Path) -> None:
    spoil(drafts / "emails" / "first-visit.md", "In {{ location.city }}", "It is safe. In {{ location.city }}")

    def at(location: str) -> int:
        words = ("first-visit", "--location", location, "--as-of", "2026-11-22", "--content", str(drafts))
        return nurture_lint(*words).exit_code

    assert (at("albany"), at("undecided")) == (1, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "There is no email 'nobody'"),
        (["--as-of", "tomorrow"], "'tomorrow' is no day"),
        (["--location", "out_of_area"], "Nothing is written for out_of_area"),
    ],
)
def test_wrong_words_are_explained(words: list[str], said: str) -> None:
    done = nurture_lint(*words)

    assert done.exit_code == 1
    assert said in " ".join(done.stderr.split())
