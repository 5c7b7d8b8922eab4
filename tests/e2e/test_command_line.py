"""The command line as people and programs use it: help with examples, JSON of the contract, plain errors."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import typer
from typer.testing import CliRunner

from tests.e2e.product import NURTURE, ROOT, Product, environment_of, nurture, post, run_here, until
from worker import __version__
from worker.cli import app
from worker.queues import QueueName
from worker.storage import audit
from worker.storage.audit import Wanted

pytestmark = pytest.mark.timeout(120)


def commands() -> list[list[str]]:
    """Every command that there is, as words."""
    found: list[list[str]] = []

    def walk(group: Any, words: list[str]) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                walk(command, [*words, name])
            else:
                found.append([*words, name])

    walk(typer.main.get_command(app), [])
    return sorted(found)


@pytest.fixture(scope="module")
def maya(product: Product) -> dict[str, Any]:
    """A lead who was answered, and what was told about her."""
    mail = f"maya.{uuid4().hex[:8]}@example.com"
    accepted = post(
        product.url,
        email=mail,
        phone="618-555-0111",
        first_name="Maya",
        location="carbondale",
        condition="depression",
        consent_email=True,
    )
    reference = accepted["reference"]

    def is_answered() -> bool:
        found = product.nurture("leads", "explain", reference, "--json")
        return found.returncode == 0 and '"sent"' in found.stdout

    until(is_answered, why=product.logs)
    return accepted | {"email": mail}


# --- help --------------------------------------------------------------------------------------------------


def test_every_command_of_the_first_hour_is_there() -> None:
    names = {" ".join(words) for words in commands()}

    assert names >= {
        "up", "demo", "status", "doctor", "simulate", "render", "publish", "leads list", "leads show", "leads explain",
        "leads set", "sends list", "quarantine list", "quarantine release", "quarantine dismiss", "db upgrade",
    }  # fmt: skip


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_help_of_a_command_says_what_it_does_and_gives_an_example(words: list[str]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], prog_name="nurture", env={"COLUMNS": "200", "TERM": "dumb"})

    assert shown.exit_code == 0, shown.output
    example = re.search(r"Example: (nurture [^\n]+)", shown.output)
    assert example, shown.output
    assert example.group(1).split()[1 : 1 + len(words)] == words


def test_without_a_word_it_lists_its_commands(product: Product) -> None:
    shown = product.nurture()

    assert "simulate" in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stdout + shown.stderr


def test_it_says_which_release_it_is() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"nurture {__version__}\n"


# --- json --------------------------------------------------------------------------------------------------


def test_leads_are_listed_without_contact_data(product: Product, maya: dict[str, Any]) -> None:
    printed = product.nurture("leads", "list", "--json", "--limit", "1000")
    listed = json.loads(printed.stdout)["leads"]

    (lead,) = [each for each in listed if each["reference"] == maya["reference"]]
    assert lead.keys() >= {"id", "reference", "location", "condition", "created_at"}
    assert (lead["location"], lead["condition"]) == ("carbondale", "depression")
    assert datetime.fromisoformat(lead["created_at"]).tzinfo is not None
    for secret in (maya["email"], "Maya", "555-0111", "5550111"):
        assert secret not in printed.stdout


def test_a_limit_is_kept(product: Product, maya: dict[str, Any]) -> None:
    post(product.url, email=f"{uuid4().hex}@example.com")

    assert len(product.json("leads", "list", "--limit", "1")["leads"]) == 1
    assert len(product.json("sends", "list", "--limit", "1")["sends"]) == 1


def test_quarantined_people_are_no_leads(product: Product, maya: dict[str, Any]) -> None:
    accepted = post(product.url, email=f"{uuid4().hex}@example.com", website="http://spam.example.com")
    reference = accepted["reference"]

    until(lambda: reference in [each["reference"] for each in product.json("quarantine", "list")["quarantine"]])
    assert reference not in [lead["reference"] for lead in product.json("leads", "list")["leads"]]

    released = product.nurture("quarantine", "release", accepted["submission_id"], "--by", "Jordan Example")
    assert released.returncode == 0, released.stderr
    assert reference in [lead["reference"] for lead in product.json("leads", "list")["leads"]]
    again = product.nurture("quarantine", "release", accepted["submission_id"])
    assert again.returncode == 1
    assert_plain(again.stderr)


def test_sends_are_listed_and_filtered_by_state(product: Product, maya: dict[str, Any]) -> None:
    lead = product.json("leads", "show", maya["reference"])

    mine = [send for send in product.json("sends", "list", "--limit", "1000")["sends"] if send["lead_id"] == lead["id"]]
    assert {(send["kind"], send["state"]) for send in mine} == {("acknowledgement", "sent"), ("nurture", "planned")}
    for send in mine:
        assert send.keys() >= {"id", "lead_id", "email", "state", "due_at", "sent_at"}
        assert datetime.fromisoformat(send["due_at"]).tzinfo is not None
    planned = product.json("sends", "list", "--limit", "1000", "--state", "planned")["sends"]
    assert {send["state"] for send in planned} == {"planned"}


def test_operators_see_queues_plans_causes_and_who_waits(product: Product, maya: dict[str, Any]) -> None:
    queues = product.json("queue", "list")["queues"]
    planned = product.json("sends", "upcoming")["planned"]
    waiting = product.json("leads", "waiting")["leads"]

    assert [queue["name"] for queue in queues] == ["intake", "send", "alerts", "webhooks", "tick"]
    assert all(queue["consumers"] >= 1 for queue in queues)
    assert {(one["location"], one["sequence"]) for one in planned} >= {("carbondale", "depression")}
    assert maya["reference"] in {lead["reference"] for lead in waiting}
    assert all(lead["waiting"] == "in_time" for lead in waiting), "the calendar stands still on a Friday night"
    assert product.json("parked", "causes") == {"causes": []}


@pytest.mark.parametrize("name", ["id", "reference", "email", "phone"])
def test_a_lead_is_found_by_whatever_one_has_and_explained(product: Product, maya: dict[str, Any], name: str) -> None:
    known = {
        "id": product.json("leads", "show", maya["reference"])["id"],
        "reference": maya["reference"].lower(),
        "email": maya["email"].upper(),
        "phone": "(618) 555-0111",
    }

    story = product.json("leads", "explain", known[name])

    assert story.keys() >= {"lead", "route", "timeline", "next", "answer"}
    assert story["lead"]["reference"] == maya["reference"]
    assert story["route"].keys() == {"location", "sequence", "reason"}
    assert (story["route"]["location"], story["route"]["sequence"]) == ("carbondale", "depression")
    assert [entry["what"] for entry in story["timeline"]][:3] == ["received", "consent", "routed"]
    assert all(datetime.fromisoformat(entry["at"]).tzinfo for entry in story["timeline"])
    assert story["next"]["state"] == "planned"


def test_the_reference_of_a_later_post_leads_to_the_same_person(product: Product, maya: dict[str, Any]) -> None:
    """It is what stood on her thank-you page, so it is what she reads out on the phone."""
    later = post(product.url, email=maya["email"], message="One more question.")["reference"]

    until(lambda: product.nurture("leads", "explain", later, "--json").returncode == 0, seconds=10)

    assert product.json("leads", "explain", later)["lead"]["reference"] == maya["reference"]


def test_contact_data_is_shown_only_on_purpose_and_that_is_written_down(product: Product, maya: dict[str, Any]) -> None:
    assert maya["email"] not in product.nurture("leads", "show", maya["reference"]).stdout

    revealed = product.json("leads", "show", maya["reference"], "--reveal", "--by", "Jordan Example")

    assert revealed["contact"]["email"] == maya["email"]
    story = product.json("leads", "explain", maya["reference"])["timeline"]
    assert [entry["by"] for entry in story if entry["what"] == "revealed"] == ["Jordan Example"]


def test_status_has_every_figure_of_the_contract(product: Product, maya: dict[str, Any]) -> None:
    done = product.nurture("status", "--json")
    status = json.loads(done.stdout)

    assert done.returncode == (0 if status["ok"] else 1)
    assert set(status["queues"]) == {queue.value for queue in QueueName}
    for queue in status["queues"].values():
        assert queue.keys() == {"depth", "oldest_age_s", "consumers"}
        assert queue["consumers"] >= 1
    assert status.keys() >= {
        "verdict", "due_sends", "sends", "parked", "suppressions", "beat_age_s", "active_snapshot",
    }  # fmt: skip
    assert status["due_sends"].keys() == {"count", "oldest_due_at"}
    assert status["sends"]["sent"] >= 1
    assert status["beat_age_s"] < 60
    assert status["verdict"].endswith(".")


def test_doctor_finds_nothing_in_a_running_product(product: Product) -> None:
    findings = product.json("doctor")["findings"]

    assert findings
    assert [finding for finding in findings if not finding["ok"]] == []
    assert all(re.fullmatch(r"NRT-[A-Z]\d{3}", finding["id"]) for finding in findings)


def test_simulate_prints_the_route_and_the_calendar(tmp_path: Path) -> None:
    """From the draft files: no database, no product."""
    environment = environment_of(tmp_path / "nothing here")
    words = "simulate --location carbondale --condition depression --submitted-at 2026-03-06T22:15-06:00 --json"

    done = nurture(*words.split(), environment=environment)  # a process: nobody may have prepared anything for it

    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["route"]["location"] == "carbondale"
    assert found["route"]["sequence"] == "depression"
    assert found["route"]["reason"]
    first, *following = found["calendar"]
    assert first == {
        "step": None, "email": "acknowledgement", "at": "2026-03-06T22:15-06:00", "decision": "send", "reason": None,
    }  # fmt: skip
    assert all(entry.keys() == first.keys() for entry in following)
    assert all(entry["decision"] in {"send", "skip", "hold"} for entry in following)
    offsets = {entry["at"][-6:] for entry in following}
    assert offsets == {"-05:00"}, "the clocks have changed before the first lesson"
    assert not (tmp_path / "nothing here").exists(), "it needs no product and makes none"


# --- errors ------------------------------------------------------------------------------------------------


def assert_plain(text: str) -> None:
    """A sentence for a person."""
    assert text.strip()
    assert "Traceback" not in text
    assert "Error(" not in text
    assert "worker." not in text


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("leads explain TAC-0000-0000", 1, ""),
        ("leads explain nobody@example.com", 1, ""),
        ("leads show 618-555-0199", 1, ""),
        ("leads set TAC-0000-0000 --reason because", 1, "--location"),
        ("leads set TAC-0000-0000 --location paris --reason because", 2, "paris"),
        ("leads list --limit 0", 2, "limit"),
        ("leads list --limit many", 2, "integer"),
        ("sends list --state lost", 2, "lost"),
        ("simulate --submitted-at yesterday", 1, "2026-03-06T22:15-06:00"),
        ("simulate --condition depresion", 1, "did you mean depression?"),
        ("simulate --submitted-at 2026-03-06T22:15", 1, "offset"),
        ("render", 1, "first-visit"),
        ("render nothing-like-it", 1, "first-visit"),
        ("render first-visit --location albany --persona nobody", 1, "albany-social-anxiety"),
        ("render first-visit --format pdf", 2, "pdf"),
        ("publish", 1, "--approved-by"),
        ("quarantine release nonsense", 1, ""),
        ("parked replay nonsense", 1, "no open parked item"),
        ("parked dismiss nonsense more --reason no", 1, "0 dismissed; 2 are no open parked items"),
        ("quarantine dismiss nonsense --reason no", 1, ""),
        ("nonsense", 2, "nonsense"),
        ("leads nonsense", 2, "nonsense"),
        ("leads list --nonsense", 2, "nonsense"),
    ],
)
def test_wrong_words_get_a_plain_answer_and_an_exit_code(product: Product, words: str, code: int, says: str) -> None:
    done = product.nurture(*words.split())

    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    assert_plain(done.stderr)
    assert says in " ".join(done.stderr.split())


NEEDS_A_PRODUCT = [
    "status", "leads list", "leads show TAC-0000-0000", "leads explain TAC-0000-0000", "sends list", "quarantine list",
]  # fmt: skip


@pytest.mark.parametrize("words", NEEDS_A_PRODUCT)
def test_without_a_product_it_says_how_to_start_one(tmp_path: Path, words: str) -> None:
    done = run_here(*words.split(), "--json", environment=environment_of(tmp_path / "none"))

    assert (done.returncode, done.stdout) == (1, "")
    assert_plain(done.stderr)
    assert "NRT-E031" in done.stderr
    assert "nurture up" in done.stderr
    assert not (tmp_path / "none" / "lead.db").exists()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("clock_speed", "fast", "NRT-E001"),
        ("clock_speed", "-1", "NRT-E001"),
        ("env", "staging", "NRT-E001"),
        ("mail_url", "pigeon://roof", "NRT-E022"),
        ("secret_keys", "nonsense", "NRT-E01"),
        ("bind", "8600", "NRT-E"),
        ("bind", "127.0.0.1:http", "NRT-E"),
        ("rate_limit", "many", "NURTURE_RATE_LIMIT"),
        ("trusted_proxies", "my proxy", "NURTURE_TRUSTED_PROXIES"),
        ("redis_url", "nonsense", "NRT-E"),
        ("database_url", "nonsense", "NRT-E"),
        ("database_url", "postgresql+psycopg://nobody@127.0.0.1:1/none", "database does not answer"),
    ],
)
def test_a_bad_setting_is_named_before_anything_starts(tmp_path: Path, name: str, value: str, says: str) -> None:
    done = nurture("up", environment=environment_of(tmp_path / "none", **{name: value}))

    assert done.returncode == 1, done.stdout + done.stderr
    assert_plain(done.stderr)
    assert says in done.stderr
    assert "hint:" in done.stderr or "try:" in done.stderr
    assert not (tmp_path / "none" / "run" / "web.log").exists(), "before anything starts"


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    return environment_of(tmp_path / "state", env="production")


def test_production_refuses_what_is_only_good_for_trying_out(production: dict[str, str]) -> None:
    done = nurture("up", environment=production)

    assert done.returncode == 1
    assert_plain(done.stderr)
    assert re.search(r"NRT-E0\d\d", done.stderr)


def test_a_broken_pipe_is_no_accident(product: Product) -> None:
    """`nurture sends list | head -1`, as everyone types it."""
    done = subprocess.run(
        ["sh", "-c", '"$0" "$@" | head -1', *NURTURE, "simulate", "--json"],
        cwd=ROOT, env=product.environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr


def test_the_first_admin_gets_a_link_that_opens_and_the_trail_knows_where_it_came_from(product: Product) -> None:
    done = product.nurture("users", "add", "jordan", "--role", "admin", "--by", "kim")
    link = done.stdout.split()[-1]

    assert link.startswith(f"{product.url}/console/welcome/")
    assert requests.get(link, timeout=10).status_code == 200
    (jordan,) = [user for user in product.json("users", "list")["users"] if user["name"] == "jordan"]
    assert (jordan["role"], jordan["state"], jordan["codes"]) == ("admin", "invited", False)
    with product.database().read() as connection:
        (act,) = audit.search(connection, Wanted(by="kim"), 10)
    assert (act["kind"], act["via"], act["detail"]["user"]) == ("user_added", "command_line", "jordan")

    again = product.nurture("users", "add", "jordan", "--role", "viewer")
    assert again.returncode == 1
    assert "for a new link, reset it" in again.stderr
