"""An export holds everything about a person and nothing about others, in words that they can read."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import update

from tests.support.command import run_nurture
from tests.support.world import SHIPPED, World
from worker.content.snapshots import pack, snapshot_hash
from worker.errors import NotFound
from worker.storage import contents, installation, persons, tables, timeline
from worker.storage.timeline import Happened
from worker.usecases.content.publish import publish
from worker.usecases.privacy.correct_identity import correct_identity
from worker.usecases.privacy.export_person import LOST, export_person
from worker.usecases.privacy.readable import as_html

NADIA = {
    "email": "nadia@example.com",
    "first_name": "Nadia",
    "last_name": "Fledermaus",
    "phone": "618-555-0173",
    "message": "A heliotrope question.\nIn two lines, with <b>brackets</b>.",
    "page_url": "https://clinic.example.com/help",
    "shoe_size": "forty",
}
AGREED = "Yes, email me a few short messages over the next weeks about conditions and treatments."


@pytest.fixture
def nadia(world: World) -> str:
    lead_id = world.lead_from(**NADIA)
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    world.tell_staff()
    return lead_id


def export(world: World, lead_id: str) -> Mapping[str, Any]:
    made = export_person(world.services, lead_id, "jordan")
    assert json.loads(json.dumps(made)) == made
    return made


def test_it_holds_who_they_are_and_what_they_posted_word_for_word(world: World, nadia: str) -> None:
    made = export(world, nadia)

    assert made["person"]["email"] == "nadia@example.com"
    assert made["person"]["phone"] == "+16185550173"
    assert made["person"]["location"] == "carbondale"
    (posted,) = made["posted"]
    assert posted["fields"]["message"] == [NADIA["message"]]
    assert posted["fields"]["shoe_size"] == ["forty"]


def test_consent_is_shown_with_the_very_words_the_form_and_the_page(world: World, nadia: str) -> None:
    (agreed,) = export(world, nadia)["agreed"]

    assert (agreed["granted"], agreed["form"], agreed["wording_version"]) == (True, "clinic", "2026-11-01")
    assert agreed["page"] == NADIA["page_url"]
    (wording,) = agreed["wording"]
    assert wording["text"].startswith(AGREED)


def test_a_later_wording_does_not_replace_the_one_that_was_agreed_to(world: World, nadia: str) -> None:
    later = SHIPPED["forms.toml"].replace("Yes, email me", "Please write to me").replace("2026-11-01", "2027-01-01")
    publish(world.database, {**SHIPPED, "forms.toml": later}, "Jordan Example")
    world.post(**{**NADIA, "message": "again"})

    first, second = export(world, nadia)["agreed"]

    assert first["wording"][0]["text"].startswith(AGREED)
    assert second["wording"][0]["text"].startswith("Please write to me")
    assert first["wording"][0]["published_in"] != second["wording"][0]["published_in"]


def test_two_wordings_of_one_version_are_both_shown(world: World, nadia: str) -> None:
    """As they were published by a release that did not refuse it."""
    changed = {**SHIPPED, "forms.toml": SHIPPED["forms.toml"].replace("Yes, email me", "Please write to me")}
    with world.database.write() as connection:
        contents.store(connection, snapshot_hash(changed), pack(changed), world.now, "Jordan Example", "")
        installation.activate(connection, snapshot_hash(changed))

    (agreed,) = export(world, nadia)["agreed"]

    assert len(agreed["wording"]) == 2


def test_every_email_that_left_is_there_as_it_left_even_after_the_content_has_changed(world: World, nadia: str) -> None:
    sent = {send["email"]: send for send in world.sends(nadia) if send["sent_at"]}
    assert len(sent) == 2
    changed = {
        path: text.replace("Hello", "Howdy") if path.startswith(("emails/", "layout/")) else text
        for path, text in SHIPPED.items()
    }
    publish(world.database, {**changed, "blocks/crisis.md": SHIPPED["blocks/crisis.md"]}, "Jordan Example")
    received = {mail["Subject"]: mail.get_body(("plain",)) for mail in world.mail}

    emails = {email["email"]: email for email in export(world, nadia)["emails"]}

    for name in sent:
        copy, body = emails[name]["copy"], received[emails[name]["copy"]["subject"]]
        assert body is not None
        assert " ".join(body.get_content().split()) == " ".join(copy["text"].split())
    assert [email["copy"] for name, email in emails.items() if name not in sent] == [None]


def test_who_looked_is_told_and_so_is_this_export(world: World, nadia: str) -> None:
    with world.database.write() as connection:
        timeline.add(connection, Happened.REVEALED, world.now, nadia, actor="riley")

    made = export(world, nadia)

    assert [(look["by"], look["what"]) for look in made["looked_at"]] == [("riley", "revealed"), ("jordan", "exported")]


def test_nothing_sealed_hashed_or_of_others_is_in_it(world: World, nadia: str) -> None:
    other = world.lead_from(email="omar@example.com", phone=NADIA["phone"])
    text = json.dumps(export(world, nadia))

    assert other not in text
    assert "omar" not in text
    lead = world.lead(nadia)
    for name in ("email_hash", "phone_hash", "email_sealed", "first_name_sealed"):
        assert lead[name] not in text


def test_every_table_with_a_row_about_them_is_in_it(world: World, nadia: str) -> None:
    """Walked as erasure walks, so that what erasure would take away is what export shows."""
    made = export(world, nadia)
    with world.database.read() as connection:
        found = persons.find(connection, nadia)

    named = {"submissions": "posted", "consents": "agreed", "sends": "emails", "timeline": "happened",
             "alerts": "staff_were_told", "enrollments": "sequences", "parked": "could_not_be_read"}  # fmt: skip
    for table, rows in found.items():
        if table != "leads":
            shown = made[named[table]] if table in named else made["more"][table]
            assert len(shown) == len(rows), table


def test_what_is_sealed_with_a_lost_key_is_said_to_be(world: World, nadia: str) -> None:
    world.execute(update(tables.leads).values(email_sealed="s1.lost1.AAAA"))
    world.execute(update(tables.submissions).values(sealed="s1.lost1.AAAA"))

    made = export(world, nadia)

    assert made["person"]["email"] == made["posted"][0]["fields"] == made["agreed"][0]["page"] == LOST


def test_an_export_of_nobody_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        export_person(world.services, "00000000-0000-7000-8000-000000000000", "jordan")


def test_the_page_is_readable_and_runs_nothing_that_was_posted(world: World, nadia: str) -> None:
    page = as_html(export(world, nadia))

    assert "<b>brackets</b>" not in page
    assert "&lt;b&gt;brackets&lt;/b&gt;" in page
    for heading in ("What you agreed to", "What you were sent", "Who looked"):
        assert heading in page
    assert AGREED in page


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)  # the use case is tried on both
def test_the_command_writes_a_new_private_file_in_either_form(world: World, world_url: str, nadia: str) -> None:
    page, data = world.folder / "nadia.html", world.folder / "nadia.json"

    done = run_nurture(world_url, world.folder, "leads", "export", "nadia@example.com", "--out", str(page))
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "Nadia" not in done.stdout
    assert run_nurture(world_url, world.folder, "leads", "export", nadia, "--out", str(data)).returncode == 0
    assert json.loads(data.read_text())["person"]["first_name"] == "Nadia"

    again = run_nurture(world_url, world.folder, "leads", "export", nadia, "--out", str(data))
    assert again.returncode == 1
    assert "nothing is overwritten" in again.stderr


def test_whom_to_tell_after_a_breach_is_everyone_known_and_nobody_forgotten(
    world: World, world_url: str, nadia: str
) -> None:
    other = world.lead_from(email="omar@example.com")
    correct_identity(world.services, nadia, {"first_name": "=1+1"}, reason="told us", actor="jordan")
    world.execute(update(tables.leads).where(tables.leads.c.id == other).values(status="forgotten"))
    file = world.folder / "notice.csv"

    done = run_nurture(world_url, world.folder, "leads", "breach", "--out", str(file))

    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader(file.read_text().splitlines())
    assert (row["lead_id"], row["email"], row["phone"]) == (nadia, "nadia@example.com", "+16185550173")
    assert row["first_name"] == "'=1+1", "no spreadsheet runs what somebody typed"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (noted,) = [entry for entry in world.rows(tables.timeline) if entry["detail"].get("what") == "breach_list"]
    assert (noted["lead_id"], noted["actor"], noted["detail"]["count"]) == (None, "jordan", 1)
