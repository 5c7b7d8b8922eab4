"""What has been kept for long enough goes, in bounded steps, and nothing that is still needed goes with it."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from tests.support.command import run_nurture
from tests.support.world import SHIPPED, ScriptedProvider, World
from worker.content.load import load_catalog
from worker.domain.events import LeadEvent
from worker.domain.forms import TokenCheck
from worker.domain.retention import SHORTEST, USUAL, Kept
from worker.errors import ContentInvalid, PermanentDeliveryError
from worker.storage import parked, persons, tables
from worker.storage.local_files import write_privately
from worker.storage.sealed import SEALED
from worker.usecases.desk.quarantine import dismiss, release
from worker.usecases.events.record_event import record_event
from worker.usecases.privacy.correct_identity import correct_identity
from worker.usecases.privacy.retain import preview, retain, retain_daily

DAY = timedelta(days=1)


def due(world: World) -> dict[str, int]:
    return {found.kept: found.count for found in preview(world.services) if found.count}


def finished_lead(world: World, email: str = "maya@example.com") -> str:
    lead_id = world.lead_from(email=email, phone="618-555-0101", message="About my sleep.")
    world.deliver()
    record_event(world.services, lead_id, LeadEvent.BECAME_PATIENT, "jordan")
    world.tell_staff()
    return lead_id


def quarantined(world: World, email: str) -> str:
    submission = world.submission(email=email, token=TokenCheck(suspicion="token.forged"))
    world.capture(world.envelope(submission))
    return submission.id


def test_nothing_is_due_while_everything_is_fresh(world: World) -> None:
    finished_lead(world)
    quarantined(world, "q@example.com")

    assert due(world) == {}
    assert retain(world.services) == Counter()


def test_what_nobody_released_goes_after_thirty_days_and_does_not_come_back(world: World) -> None:
    submission = world.submission(email="q@example.com", token=TokenCheck(suspicion="token.forged"))
    world.capture(world.envelope(submission))
    dismissed, released = quarantined(world, "d@example.com"), quarantined(world, "r@example.com")
    dismiss(world.services, dismissed, "jordan", "advertising")
    release(world.services, released, "jordan")
    world.jump(29 * DAY)
    assert due(world) == {}
    world.jump(2 * DAY)

    assert due(world) == {Kept.QUARANTINE: 2}
    assert retain(world.services)[Kept.QUARANTINE] == 2

    assert [row["id"] for row in world.rows(tables.submissions)] == [released]
    assert world.capture(world.envelope(submission)).repeated == 1
    assert world.count(tables.submissions) == 1


def test_a_finished_lead_is_forgotten_and_still_counted(world: World) -> None:
    lead_id = finished_lead(world)
    sent = world.sends(lead_id)
    world.jump(731 * DAY)
    assert due(world)[Kept.FINISHED] == 1

    retain(world.services)

    lead = world.lead(lead_id)
    assert (lead["status"], lead["location"], lead["condition"]) == ("forgotten", "carbondale", "depression")
    with world.database.read() as connection:
        found = persons.find(connection, lead_id)
    left = [name for rows in found.values() for row in rows for name, value in row.items() if value is not None]
    assert [name for name in left if name.endswith(("_sealed", "_hash")) or name == "sealed"] == []
    assert world.sends(lead_id) == sent
    assert world.count(tables.submissions) == world.count(tables.consents) == world.count(tables.alerts) == 0
    assert due(world) == {}, "once"
    again = world.lead_from(email="maya@example.com")
    assert again != lead_id, "who writes again is a new person"


def test_no_sealed_value_of_a_forgotten_person_is_left_in_any_column(world: World) -> None:
    finished_lead(world)
    world.jump(731 * DAY)

    retain(world.services)

    left = {
        column.name
        for column in SEALED
        for row in world.rows(column.column.table)
        if row[column.column.name] is not None
    }
    assert left <= {"installation.lookup_key_sealed"}


def test_who_is_in_a_sequence_on_hold_or_alive_is_never_forgotten(world: World) -> None:
    world.lead_from(email="taught@example.com")
    held = world.lead_from(email="held@example.com", message="I want to die")
    lately = finished_lead(world, "lately@example.com")
    world.jump(725 * DAY)
    correct_identity(world.services, lately, {"last_name": "Example"}, reason="told us", actor="jordan")
    world.jump(10 * DAY)

    assert due(world).keys() <= {Kept.ALERTS}
    retain(world.services)

    assert {row["status"] for row in world.rows(tables.leads)} == {"new", "patient"}
    assert world.lead(held)["email_sealed"] is not None


def test_someone_whom_neither_mail_nor_phone_reaches_is_forgotten_after_half_a_year(world: World) -> None:
    world.services.provider = ScriptedProvider(answer=lambda _: PermanentDeliveryError("smtp_550", address_is_bad=True))
    gone, by_phone = world.lead_from(), world.lead_from(email="call@example.com", phone="618-555-0101")
    world.deliver()
    world.jump(181 * DAY)

    assert due(world)[Kept.UNREACHABLE] == 1
    retain(world.services)

    assert world.lead(gone)["status"] == "forgotten"
    assert world.lead(by_phone)["email_sealed"] is not None
    assert world.count(tables.suppressions) == 2, "suppressions outlive everything"


def test_practice_leads_are_deleted_whatever_they_are_at(world: World) -> None:
    world.lead_from(form="sandbox")
    world.deliver()
    world.jump(31 * DAY)

    retain(world.services)

    for table in (tables.leads, tables.sends, tables.enrollments, tables.submissions):
        assert world.count(table) == 0
    assert world.mail == [], "their emails in the outbox, too"


def test_parked_items_go_once_decided_and_never_before(world: World) -> None:
    with world.database.write() as connection:
        for _ in range(2):
            item_id = parked.park_message(connection, b"not ours", "not_json", world.services.ring, world.now)
        parked.decide(connection, item_id, parked.DISMISSED)
    world.jump(31 * DAY)

    assert retain(world.services)[Kept.PARKED] == 1
    assert [row["state"] for row in world.rows(tables.parked)] == ["open"]


def test_old_exports_go_and_new_ones_stay(world: World) -> None:
    assert world.services.files is not None
    old, new = (world.services.files.exports / name for name in ("old.json", "new.json"))
    write_privately(old, "{}")
    write_privately(new, "{}")
    long_ago = (world.now - 8 * DAY).timestamp()
    os.utime(old, (long_ago, long_ago))
    os.utime(new, (world.now.timestamp(), world.now.timestamp()))

    assert due(world) == {Kept.EXPORTS: 1}
    retain(world.services)

    assert (old.exists(), new.exists()) == (False, True)


def test_marks_of_what_was_erased_go_when_no_copy_can_be_that_old(world: World) -> None:
    values = {"submission_hash": "a" * 64, "body_hash": "b" * 64, "at": world.now}
    world.execute(insert(tables.erased).values(**values))
    world.jump(401 * DAY)

    assert retain(world.services)[Kept.MARKS] == 1


def test_the_sweep_does_it_once_a_day_on_the_product_clock(world: World) -> None:
    quarantined(world, "one@example.com")
    world.sweep()
    world.jump(31 * DAY)
    assert world.sweep()["retained"] == 1
    quarantined(world, "two@example.com")
    world.execute(update(tables.submissions).values(captured_at=world.now - 40 * DAY))

    assert world.sweep()["retained"] == 0
    world.jump(DAY)
    assert world.sweep()["retained"] == 1


def test_what_is_too_much_for_one_go_is_gone_on_with_by_the_next_sweep(world: World) -> None:
    for number in range(5):
        quarantined(world, f"{number}@example.com")
    world.jump(31 * DAY)

    assert [retain_daily(world.services, most=4) for _ in range(3)] == [4, 1, 0]


def test_each_shipped_rule_is_the_usual_one_and_none_is_missing() -> None:
    assert dict(load_catalog(SHIPPED).clinic.retention) == dict(USUAL)
    assert USUAL.keys() == SHORTEST.keys() == set(Kept)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('after = "1 day"\nbecause = "tidy"', "too short"),
        ('after = "soon"\nbecause = "tidy"', "write it as"),
        ('after = "90 days"', "because"),
    ],
)
def test_a_rule_that_can_t_be_meant_is_refused_with_its_place(written: str, said: str) -> None:
    before = "[retention.finished]"
    text = SHIPPED["clinic.toml"]
    start = text.index(before)
    end = text.index("[retention.parked]")
    files = {**SHIPPED, "clinic.toml": text[:start] + f"{before}\n{written}\n\n" + text[end:]}

    with pytest.raises(ContentInvalid, match=said):
        load_catalog(files)


def test_a_rule_about_nothing_known_is_refused() -> None:
    extra = '\n[retention.everything]\nafter = "30 days"\nbecause = "tidy"\n'

    with pytest.raises(ContentInvalid, match="nothing known"):
        load_catalog({**SHIPPED, "clinic.toml": SHIPPED["clinic.toml"] + extra})


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)  # the use case is tried on both
def test_the_commands_show_and_do_the_same(world: World, world_url: str) -> None:
    quarantined(world, "q@example.com")
    world.jump(31 * DAY)

    shown = json.loads(run_nurture(world_url, world.folder, "retention", "preview", "--json").stdout)
    assert {rule["kept"]: rule["due"] for rule in shown} == {kept: int(kept is Kept.QUARANTINE) for kept in Kept}
    done = run_nurture(world_url, world.folder, "retention", "run", "--json")

    assert json.loads(done.stdout) == {"quarantine": 1}
    (entry,) = [row for row in world.rows(tables.timeline) if row["kind"] == "retention"]
    assert (entry["actor"], entry["detail"]["quarantine"]) == ("jordan", 1)
