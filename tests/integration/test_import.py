"""Leads from a table: each row once, consent as the table says, and nobody is answered who did not just write."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.command import run_nurture
from tests.support.databases import Databases, SqliteDatabases
from tests.support.world import World
from worker.domain.consent import SuppressionReason
from worker.errors import Refused
from worker.storage import suppressions, tables
from worker.usecases.arrival.import_leads import Imported, import_leads, plan_import
from worker.usecases.arrival.read_sheet import open_sheet
from worker.usecases.privacy.erase import Erasure, erase_lead

TABLE = """\
Email Address;First Name;Agreed;ZIP;Concern;Shoe size
maya@example.com;Maya;yes;62901;depression;38
omar@example.com;Omar;no;12207;;44
"""


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite alone: capture is tried on both elsewhere."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


MAPPED = {"Email Address": "email", "First Name": "first_name", "Agreed": "consent_email", "Concern": "condition"}


def bring_in(world: World, text: str, columns: dict[str, str] | None = None, *, dry_run: bool = False) -> Imported:
    path = world.folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    sheet = open_sheet(path)
    plan = plan_import(world.services, sheet, "clinic", MAPPED if columns is None else columns)
    return import_leads(world.services, sheet.rows(), plan, dry_run=dry_run)


def test_each_row_becomes_a_lead_that_is_routed_and_taught_as_the_table_says(world: World) -> None:
    done = bring_in(world, TABLE)

    assert (done.captured.stored, done.problems) == (2, [])
    by_place = {row["location"]: row for row in world.rows(tables.leads)}
    maya, omar = by_place["carbondale"], by_place["albany"]
    assert (maya["condition"], maya["waiting_since"]) == ("depression", None)
    assert [row["kind"] for row in world.sends(maya["id"])] == ["nurture"]
    assert world.sends(omar["id"]) == []
    assert [entry["detail"]["flags"] for entry in world.story(maya["id"], "received")] == [["imported"]]


def test_nobody_is_acknowledged_and_staff_are_not_told_of_each(world: World) -> None:
    bring_in(world, TABLE)
    world.deliver()
    world.tell_staff()

    assert world.mail == []
    assert world.alert_files == []


def test_run_again_or_in_another_order_it_changes_nothing(world: World) -> None:
    bring_in(world, TABLE)
    before = world.count(tables.timeline)
    heading, maya, omar = TABLE.splitlines()
    done = bring_in(world, "\n".join([heading, omar, maya, "", maya]))

    assert (done.captured.stored, done.captured.repeated) == (0, 3)
    assert world.count(tables.timeline) == before


def test_who_is_known_already_is_not_acknowledged_twice_and_keeps_their_place(world: World) -> None:
    lead_id = world.lead_from(location="albany", zip=None)
    world.deliver()
    bring_in(world, TABLE)
    world.deliver()

    assert len([row for row in world.sends(lead_id) if row["kind"] == "acknowledgement"]) == 1
    assert world.lead(lead_id)["location"] == "albany"


def test_who_was_erased_is_not_brought_back_by_the_same_table(world: World) -> None:
    bring_in(world, TABLE)
    lead_id = next(row["id"] for row in world.rows(tables.leads) if row["location"] == "carbondale")
    erase_lead(world.services, lead_id, Erasure(actor="Jordan Example", reason="asked"))
    done = bring_in(world, TABLE)

    assert done.captured.stored == 0
    assert [row["location"] for row in world.rows(tables.leads)] == ["albany"]


def test_who_unsubscribed_stays_unsubscribed_whatever_the_table_says(world: World) -> None:
    lead_id = world.lead_from()
    with world.database.write() as connection:
        suppressions.add(
            connection, world.lead(lead_id)["email_hash"], SuppressionReason.UNSUBSCRIBED, "test", world.now
        )
    bring_in(world, TABLE)
    world.run()

    assert [row["email"] for row in world.sends(lead_id) if row["state"] == "sent" and row["kind"] == "nurture"] == []


def test_rows_with_problems_are_told_and_stop_nobody_else(world: World) -> None:
    done = bring_in(world, TABLE + "not-an-address;Nia;yes;;;\nzoe@example.com;Zoe;perhaps;;;\n;Sam;yes;;;\n")

    assert done.captured.stored == 2
    assert [row.number for row, _ in done.problems] == [4, 5, 6]
    assert "yes or no" in done.problems[1][1]


def test_a_dry_run_tells_the_same_and_changes_nothing(world: World) -> None:
    done = bring_in(world, TABLE + "not-an-address;Nia;yes;;;\n", dry_run=True)

    assert (done.understood, len(done.problems), done.captured.stored) == (2, 1, 0)
    assert world.count(tables.submissions) == 0


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("email,first_name\nmaya@example.com,Maya\n", {}, "agreed"),
        ("first_name,consent_email\nMaya,yes\n", {}, "address or a number"),
        ("email,consent_email\n", {"Mail": "email"}, "no column 'Mail'"),
        ("email,consent_email\n", {"email": "e-mail"}, "no field of ours"),
        ("email,email\n", {}, "same name"),
        ("", {}, "first row"),
    ],
)
def test_a_table_that_can_not_be_used_is_refused_in_words(
    world: World, text: str, columns: dict[str, str], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        bring_in(world, text, columns)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("email,name\nmaya@example.com,Zoë\n".encode("latin-1"))

    with pytest.raises(Refused, match="UTF-8"):
        open_sheet(path)


def test_the_table_on_the_page_is_understood_without_a_word_more(world: World) -> None:
    page = (Path(__file__).parents[2] / "docs" / "integrators" / "import.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^```csv run=table\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)

    done = bring_in(world, table, {})

    assert (done.captured.stored, done.problems) == (2, [])
    assert sorted(row["location"] for row in world.rows(tables.leads)) == ["albany", "carbondale"]


def test_the_command_writes_rows_with_problems_beside_the_file_to_be_mended(world: World) -> None:
    path = world.folder / "old.csv"
    path.write_text("Email,Consent\nmaya@example.com,yes\nnot-an-address,yes\n", encoding="utf-8")
    words = ["leads", "import", str(path), "--form", "clinic", "--json"]

    ran = run_nurture(str(world.database.url), world.folder, *words)

    aside = world.folder / "old.errors.csv"
    assert ran.returncode == 1, ran.stderr
    assert "Importing" not in ran.stderr
    told = json.loads(ran.stdout)
    assert (told["stored"], [problem["row"] for problem in told["problems"]]) == (1, [3])
    assert aside.read_text(encoding="utf-8").splitlines()[1].startswith("not-an-address,yes,")
    assert aside.stat().st_mode & 0o077 == 0
    assert open_sheet(aside).columns == ("Email", "Consent", "problem")


def test_a_person_who_watches_sees_how_far_it_is(world: World) -> None:
    path = world.folder / "many.csv"
    rows = "".join(f"lead{number}@example.com,yes\n" for number in range(60))
    path.write_text(f"email,consent_email\n{rows}", encoding="utf-8")
    words = ["leads", "import", str(path), "--form", "clinic", "--dry-run"]

    watched = run_nurture(str(world.database.url), world.folder, *words, settings={"FORCE_COLOR": "1"})

    assert watched.returncode == 0, watched.stderr
    assert "Importing" in watched.stderr
    assert "100%" in watched.stderr
    assert "60 rows can be imported" in watched.stdout
