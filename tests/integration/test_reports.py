"""Reports agree with the ledger, whatever happened and whenever it is learnt; small numbers are kept back."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from tests.support.command import run_nurture
from tests.support.console import open_console, text_of
from tests.support.history import make_history
from tests.support.world import START, World, migrate_world, open_world
from worker.domain.events import LeadEvent
from worker.domain.feedback import DeliveryEvent, EventKind
from worker.domain.leads import Location
from worker.domain.reports import Breakdown
from worker.domain.small_numbers import Hidden
from worker.domain.staff import Role
from worker.domain.tallies import Figure
from worker.storage import tables
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.events.record_event import record_event
from worker.usecases.feedback.receive_feedback import receive_event
from worker.usecases.privacy.erase import Erasure, erase_lead
from worker.usecases.reports.as_csv import as_csv
from worker.usecases.reports.deliverability import read_deliverability
from worker.usecases.reports.read_report import read_report, read_report_of
from worker.usecases.reports.tally import bring_up_to_date, keep_tallies
from worker.usecases.sending.compose import make_token

ZONE = ZoneInfo("America/Chicago")
Counts = Counter[tuple[Any, ...]]


def ledger_counts(world: World) -> Counts:
    """The same figures, counted from whole tables by someone who knows nothing of tallies."""
    found: Counts = Counter()
    leads = {row["id"]: row for row in world.rows(tables.leads) if not row["is_test"]}
    story = world.rows(tables.timeline)
    news = world.rows(tables.delivery_events)
    refused_at = {row["send_id"]: row["at"] for row in news if row["kind"] == "hard_bounce"}
    sends = [
        row
        for row in world.rows(tables.sends)
        if row["lead_id"] in leads
        if row["state"] == "sent" or (row["state"] == "failed" and row["id"] in refused_at)
    ]
    emailed = {row["lead_id"] for row in sends if row["state"] == "sent"}
    for lead in leads.values():
        key = (
            lead["created_at"].astimezone(ZONE).date(),
            lead["location"],
            lead["condition"],
            lead["sequence"] or "",
            "",
        )
        answers = [row for row in story if row["lead_id"] == lead["id"] and row["kind"] == "answered"]
        events = {row["detail"]["event"] for row in story if row["lead_id"] == lead["id"] and row["kind"] == "event"}
        found[*key, "leads"] += 1
        found[*key, "emailed"] += lead["id"] in emailed
        found[*key, "booked"] += "consultation_booked" in events
        if answers:
            minutes = min(answers, key=lambda row: row["id"])["detail"]["after_working_minutes"]
            found[*key, "answered"] += 1
            for bound in (15, 30, 60, 120, 480):
                found[*key, f"answered_{bound}"] += minutes <= bound
    for send in sends:
        lead = leads[send["lead_id"]]
        day = (send["sent_at"] or refused_at[send["id"]]).astimezone(ZONE).date()
        key = (day, send["location"], lead["condition"], send["sequence"] or "", send["email"])
        kinds = {row["kind"] for row in news if row["send_id"] == send["id"]}
        left = any(row["kind"] == "unsubscribed" and row["detail"]["send_id"] == send["id"] for row in story)
        found[*key, "sent"] += 1
        found[*key, "delivered"] += "delivered" in kinds
        found[*key, "bounced"] += bool(kinds & {"hard_bounce", "soft_bounce"})
        found[*key, "hard_bounced"] += "hard_bounce" in kinds
        found[*key, "complained"] += "complained" in kinds
        found[*key, "unsubscribed"] += left or "unsubscribed" in kinds
    return +found


def tallied(world: World) -> Counts:
    keys = ("day", "location", "condition", "sequence", "email")
    return +Counter(
        {
            (*(row[key] for key in keys), figure.value): row[figure.value]
            for row in world.rows(tables.tallies)
            for figure in Figure
        }
    )


def total(world: World, figure: Figure, location: Location | None = None) -> object:
    bring_up_to_date(world.services)
    return read_report(world.services, 30, location).report.total[figure]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_tallies_agree_with_the_ledger(world: World, seed: int) -> None:
    make_history(world, seed, leads=120, until=START, days=40)

    bring_up_to_date(world.services)

    assert tallied(world) == ledger_counts(world)
    of_mail = world.rows(tables.mail_tallies)
    for figure in ("sent", "bounced", "complained"):
        assert sum(row[figure] for row in of_mail) == sum(row[figure] for row in world.rows(tables.tallies))
    assert {row["mailbox"] for row in of_mail} == {"gmail", "other"}


def test_a_report_tells_the_ledger_s_numbers_or_hides_small_ones(world: World) -> None:
    make_history(world, 3, leads=250, until=START, days=60)
    bring_up_to_date(world.services)
    ledger = ledger_counts(world)
    last = START.astimezone(ZONE).date()
    first = last - timedelta(days=50)

    report = read_report_of(world.services, first, last, Location.CARBONDALE).report

    told = hidden = 0
    column = {Breakdown.LOCATION: 1, Breakdown.CONDITION: 2, Breakdown.SEQUENCE: 3, Breakdown.EMAIL: 4}
    for by, lines in report.lines.items():
        for line in lines:
            for figure in (Figure.LEADS, Figure.BOOKED, Figure.SENT, Figure.BOUNCED, Figure.COMPLAINED):
                real = sum(
                    count
                    for key, count in ledger.items()
                    if first <= key[0] <= last and key[1] == "carbondale" and key[-1] == figure
                    if key[column[by]] == line.name
                )
                cell = line.cells[figure]
                assert cell == real or isinstance(cell, Hidden)
                assert cell is not Hidden.FEW or 0 < real < 5
                told, hidden = told + isinstance(cell, int), hidden + isinstance(cell, Hidden)
    assert told > 20
    assert hidden > 5


def test_what_comes_late_and_what_is_erased_changes_the_day_that_it_is_about(world: World) -> None:
    people = [world.lead_from(email=f"person{number}@example.com") for number in range(6)]
    world.deliver()
    assert total(world, Figure.SENT) == 6

    for number, send in enumerate(world.sends()):
        world.jump(timedelta(days=1))
        with world.database.write() as connection:
            came = DeliveryEvent(event_id=f"e{number}", kind=EventKind.DELIVERED, send_id=send["id"])
            receive_event(world.services, connection, "ses", came)
    for lead_id in people:
        record_event(world.services, lead_id, LeadEvent.CONSULTATION_BOOKED, "sam")
    world.execute(update(tables.tally_days).values(due_at=START))
    assert total(world, Figure.DELIVERED) == 6
    assert total(world, Figure.BOOKED) == 6
    assert tallied(world) == ledger_counts(world)

    erase_lead(world.services, people[0], Erasure(actor="jordan", reason="asked for it"))
    assert total(world, Figure.LEADS) == 5
    assert tallied(world) == ledger_counts(world)


def test_an_unsubscribe_counts_for_the_email_whose_link_was_used(world: World) -> None:
    world.lead_from()
    world.run()
    first, second = [send for send in world.sends() if send["kind"] == "nurture" and send["state"] == "sent"][:2]
    unsubscribe(world.services, make_token(second["id"], "unsubscribe", world.services.vault.lookup), "link")

    bring_up_to_date(world.services)

    (row,) = [row for row in world.rows(tables.tallies) if row["unsubscribed"]]
    assert row["email"] == second["email"] != first["email"]


def test_the_sweep_counts_and_counts_no_more_than_it_must(world: World) -> None:
    world.post()
    world.deliver()
    world.sweep()
    (day,) = world.rows(tables.tally_days)
    assert day["day"] == START.astimezone(ZONE).date()
    assert tallied(world) == ledger_counts(world)

    assert keep_tallies(world.services) == 0
    world.execute(update(tables.tally_days).values(due_at=START))
    assert keep_tallies(world.services) == 1


def test_nothing_is_counted_before_anybody_wrote(world: World) -> None:
    assert keep_tallies(world.services) == 0
    assert world.rows(tables.tally_days) == []
    assert read_report(world.services, 30).report.total[Figure.LEADS] == 0


def test_a_spreadsheet_hides_what_the_page_hides(world: World) -> None:
    for number in range(7):
        world.post(email=f"person{number}@example.com", condition="ptsd" if number < 3 else "depression")
    bring_up_to_date(world.services)

    rows = list(csv.DictReader(io.StringIO(as_csv(read_report(world.services, 30).report))))

    by_condition = {row["name"]: row["leads"] for row in rows if row["by"] == "condition"}
    assert by_condition == {"ptsd": "hidden", "depression": "hidden"}
    (whole,) = [row for row in rows if row["by"] == "total"]
    assert whole["leads"] == "7"
    assert {row["leads"] for row in rows if row["by"] == "email"} <= {""}


def test_the_page_shows_what_the_report_says_and_the_file_says_the_same(world: World, tmp_path: Path) -> None:
    make_history(world, 4, leads=150, until=START, days=25)
    bring_up_to_date(world.services)
    mara = open_console(world, tmp_path).person(Role.MARKETER, "mara")

    page = mara.get("/reports?days=90")
    file = mara.get("/reports/file?days=90&location=albany")

    report = read_report(world.services, 90).report
    leads = report.total[Figure.LEADS]
    assert f"Leads {leads}" in text_of(page.text)
    assert "&lt;5" in page.text
    assert "Answered in 30 min" in page.text
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text == as_csv(read_report(world.services, 90, Location.ALBANY).report)
    assert "Save as a file" not in open_console(world, tmp_path).person(Role.VIEWER, "vera").get("/reports").text


def test_the_command_counts_first_and_speaks_to_people_and_to_spreadsheets(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lead.db'}"
    migrate_world(url)
    with open_world(url, tmp_path) as world:
        for number in range(6):
            world.post(email=f"person{number}@example.com")

    said = run_nurture(url, tmp_path, "report", "--by", "condition").stdout
    file = run_nurture(url, tmp_path, "report", "--csv", "--from", "2026-03-01", "--to", "2026-03-02").stdout

    assert re.search(r"^depression +6 ", said, re.MULTILINE)
    assert [row["leads"] for row in csv.DictReader(io.StringIO(file)) if row["by"] == "total"] == ["6"]


def test_deliverability_is_told_by_sender_provider_and_kind_of_mailbox(world: World, tmp_path: Path) -> None:
    make_history(world, 5, leads=80, until=START, days=20)
    bring_up_to_date(world.services)

    found = read_deliverability(world.services)

    sent = sum(count for key, count in ledger_counts(world).items() if key[-1] == "sent")
    assert found.total[Figure.SENT] == sent
    assert {key.provider for key in found.carried} == {"smtp", "ses"}
    assert {key.mailbox for key in found.carried} == {"gmail", "other"}
    assert all(key.domain.endswith("example.com") for key in found.carried)


def test_an_address_is_looked_up_whole_by_its_hash_and_the_look_is_written_down(world: World, tmp_path: Path) -> None:
    lead_id = world.lead_from(email="maya@example.com")
    world.deliver()
    record = make_token(world.sends(lead_id)[0]["id"], "unsubscribe", world.services.vault.lookup)
    unsubscribe(world.services, record, "link")
    olive = open_console(world, tmp_path).person(Role.OPERATOR, "olive")

    stopped = olive.post("/deliverability", address=" Maya@example.com ")
    free = olive.post("/deliverability", address="robin@example.com")
    odd = olive.post("/deliverability", address="maya@")

    assert "no educational emails unsubscribed, by link" in text_of(stopped.text)
    assert "maya" not in stopped.text.lower()
    assert "Nothing forbids it" in free.text
    assert odd.status_code == 422
    looks = [row for row in world.rows(tables.timeline) if row["kind"] == "searched"]
    assert [(row["actor"], row["lead_id"], row["detail"]) for row in looks] == [("olive", None, {})] * 2


def test_the_doctor_is_asked_from_the_page(world: World, tmp_path: Path) -> None:
    olive = open_console(world, tmp_path).person(Role.OPERATOR, "olive")

    said = text_of(olive.get("/deliverability/doctor").text)

    assert "failed the broker is silent" in said
    assert "NRT-D005" in said
