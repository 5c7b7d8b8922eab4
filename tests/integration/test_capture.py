"""Capture: a sealed submission becomes one stored, routed, answered lead, exactly once, whatever comes twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, event, func, select

from tests.support.world import RING, SHIPPED, START, World
from worker.content.snapshots import pack, snapshot_hash
from worker.domain.forms import TokenCheck
from worker.domain.ids import new_id
from worker.errors import ContentInvalid, NotFound
from worker.queues import QueueName
from worker.storage import contents, installation, submissions, tables
from worker.storage.pauses import PauseScope
from worker.storage.sealing import KeyRing
from worker.usecases.arrival.capture import Captured, capture
from worker.usecases.desk import quarantine
from worker.usecases.sending.pausing import pause

TOO_QUICK = TokenCheck(suspicion="token.too_quick")


def at_once(calls: Sequence[Callable[[], Captured]]) -> list[Captured]:
    """Runs each in a thread of its own, let go together."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Captured]) -> Captured:
        gate.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


# --- exactly once ---


def test_an_envelope_that_comes_twice_changes_nothing_the_second_time(world: World) -> None:
    envelope = world.envelope(world.submission())

    assert world.capture(envelope) == Captured(stored=1)
    before = {table.name: world.rows(table) for table in tables.metadata.sorted_tables}
    assert world.capture(envelope) == Captured(repeated=1)

    assert {table.name: world.rows(table) for table in tables.metadata.sorted_tables} == before


def test_an_envelope_that_comes_twice_in_one_message_is_stored_once(world: World) -> None:
    envelope = world.envelope(world.submission())

    assert world.capture(envelope, envelope) == Captured(stored=1, repeated=1)
    assert world.count(tables.submissions) == 1


def test_of_eight_workers_with_the_same_envelope_one_stores_it(world: World) -> None:
    envelope = world.envelope(world.submission())

    results = at_once([lambda: world.capture(envelope)] * 8)

    assert sum(captured.stored for captured in results) == 1
    assert sum(captured.repeated for captured in results) == 7
    assert (world.count(tables.leads), world.count(tables.enrollments), world.count(tables.sends)) == (1, 1, 2)


def test_one_person_with_eight_forms_at_once_is_one_lead_enrolled_and_answered_once(world: World) -> None:
    envelopes = [world.envelope(world.submission(message=f"question {number}")) for number in range(8)]

    results = at_once([lambda envelope=envelope: world.capture(envelope) for envelope in envelopes])  # type: ignore[misc]

    assert sum(captured.stored for captured in results) == 8
    (lead,) = world.rows(tables.leads)
    assert {row["lead_id"] for row in world.rows(tables.submissions)} == {lead["id"]}
    assert world.count(tables.submissions) == 8
    assert world.count(tables.enrollments) == 1
    assert [send["kind"] for send in world.sends()] == ["acknowledgement", "nurture"]


def test_eight_phone_only_forms_of_one_number_at_once_are_one_lead(world: World) -> None:
    envelopes = [
        world.envelope(world.submission(email=None, phone="618-555-0142", message=str(number))) for number in range(8)
    ]

    at_once([lambda envelope=envelope: world.capture(envelope) for envelope in envelopes])  # type: ignore[misc]

    assert world.count(tables.leads) == 1
    assert world.count(tables.submissions) == 8


def test_different_people_at_once_are_different_leads(world: World) -> None:
    envelopes = [world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(8)]

    at_once([lambda envelope=envelope: world.capture(envelope) for envelope in envelopes])  # type: ignore[misc]

    assert world.count(tables.leads) == world.count(tables.enrollments) == 8
    assert world.deliver() == {"sent": 8}


# --- what is kept ---


def test_a_submission_is_kept_sealed_and_unchanged(world: World) -> None:
    submission = world.submission(
        message="Ünïcode – two\nlines", favourite_colour=["teal", ""], utm_source="news", condition=["PTSD", "crps"]
    )
    world.capture(world.envelope(submission))

    row = world.stored(submission)

    assert submissions.open_stored(row, RING) == submission
    assert row["reference"] == submission.reference
    assert "nïcode" not in row["sealed"]
    assert row["received_at"] == submission.received_at
    assert row["captured_at"] == START


def test_consent_is_kept_with_its_wording_form_and_instant(world: World) -> None:
    submission = world.post()

    (consent,) = world.rows(tables.consents)

    form = world.catalog.forms["clinic"]
    assert (consent["granted"], consent["wording_version"], consent["form"]) == (True, form.consent_version, "clinic")
    assert (consent["submission_id"], consent["lead_id"]) == (submission.id, world.stored(submission)["lead_id"])
    assert consent["at"] == START


def test_consent_not_given_is_kept_as_well(world: World) -> None:
    world.post(consent_email=None)

    assert [consent["granted"] for consent in world.rows(tables.consents)] == [False]


def test_a_new_lead_nudges_sending_and_alerts_at_once(world: World) -> None:
    world.post()

    assert world.queue.hints == ["deliver", "alert"]


def test_the_identity_is_sealed_to_its_lead_and_column(world: World) -> None:
    lead = world.lead(world.lead_from(last_name="Example", phone="618-555-0142"))

    identity = world.services.vault.open_identity(lead)

    assert (identity.email, identity.phone) == ("maya@example.com", "+16185550142")
    assert (identity.first_name, identity.last_name) == ("Maya", "Example")
    assert lead["email_hash"] == world.services.vault.email_hash("maya@example.com")


# --- writing again ---


def test_a_later_form_fills_blanks_and_never_overwrites(world: World) -> None:
    first = world.lead_from(last_name=None, phone=None)

    again = world.lead_from(first_name="Someone", last_name="Example", phone="618-555-0142")

    identity = world.services.vault.open_identity(world.lead(again))
    assert again == first
    assert (identity.first_name, identity.last_name, identity.phone) == ("Maya", "Example", "+16185550142")
    assert [entry["detail"]["fields"] for entry in world.story(first, "identity_added")] == [["last_name", "phone"]]
    assert [entry["detail"]["fields"] for entry in world.story(first, "identity_differs")] == [["first_name"]]


def test_a_number_that_a_later_form_added_finds_the_lead_from_then_on(world: World) -> None:
    first = world.lead_from()
    world.post(phone="618-555-0142")

    assert world.lead_from(email=None, phone="(618) 555-0142") == first


def test_a_household_that_shares_a_number_stays_two_leads(world: World) -> None:
    first = world.lead_from(phone="618-555-0142")

    assert world.lead_from(email="jordan@example.com", phone="618-555-0142") != first


def test_a_later_form_about_something_else_is_noted_and_does_not_move_the_lead(world: World) -> None:
    lead_id = world.lead_from()
    world.post(location="albany", condition="ptsd")

    lead = world.lead(lead_id)

    assert (lead["location"], lead["condition"], lead["sequence"]) == ("carbondale", "depression", "depression")
    assert [
        (entry["detail"]["location"], entry["detail"]["condition"])
        for entry in world.story(lead_id, "routed")
        if entry["detail"].get("kept")
    ] == [("albany", "ptsd")]


def test_within_a_day_a_person_is_acknowledged_once_and_after_a_day_again(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump(timedelta(hours=23, minutes=59))
    world.post(message="one more thing")
    assert len([send for send in world.sends(lead_id) if send["kind"] == "acknowledgement"]) == 1

    world.jump(timedelta(minutes=1))
    world.post(message="and another")

    assert len([send for send in world.sends(lead_id) if send["kind"] == "acknowledgement"]) == 2


def test_staff_are_told_of_a_new_lead_and_of_one_who_wrote_again(world: World) -> None:
    world.post()
    world.post(message="one more thing")

    assert sorted(row["kind"] for row in world.rows(tables.alerts)) == ["new_lead", "wrote_again"]


def test_undecided_then_decided_moves_the_lead_and_repeats_no_email(world: World) -> None:
    lead_id = world.lead_from(location=None)
    assert world.lead(lead_id)["location"] == "undecided"
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    had = {send["email"] for send in world.sends(lead_id) if send["state"] == "sent"}

    world.post(location="albany")
    world.run()

    lead, enrolled = world.lead(lead_id), world.rows(tables.enrollments)
    assert (lead["location"], lead["location_reason"]) == ("albany", "choice")
    assert sorted((row["location"], row["cycle"], row["status"]) for row in enrolled) == [
        ("albany", 2, "completed"),
        ("undecided", 1, "exited"),
    ]
    sent = [send["email"] for send in world.sends(lead_id) if send["state"] == "sent" and send["kind"] == "nurture"]
    assert len(sent) == len(set(sent)) > len(had)
    assert [send["reason"] for send in world.sends(lead_id) if send["state"] == "cancelled"] == ["rerouted"]


def test_nothing_said_then_a_condition_moves_the_lead_to_its_sequence(world: World) -> None:
    lead_id = world.lead_from(condition=None)
    assert world.lead(lead_id)["sequence"] == "general"

    world.post(condition="social anxiety")

    assert world.lead(lead_id)["sequence"] == "social-anxiety"
    (active,) = [row for row in world.rows(tables.enrollments) if row["status"] == "active"]
    assert active["sequence"] == "social-anxiety"


def test_consent_that_comes_later_enrolls_then(world: World) -> None:
    lead_id = world.lead_from(consent_email=None)
    assert [entry["detail"]["reason"] for entry in world.story(lead_id, "not_enrolled")] == ["no_consent"]
    assert [send["kind"] for send in world.sends(lead_id)] == ["acknowledgement"]

    world.jump(timedelta(hours=5))
    world.post()

    (nurture,) = [send for send in world.sends(lead_id) if send["kind"] == "nurture"]
    assert nurture["due_at"] >= world.now + timedelta(days=1)
    assert world.count(tables.enrollments) == 1


def test_consent_once_given_is_not_taken_back_by_a_later_form_without_the_tick(world: World) -> None:
    lead_id = world.lead_from()
    world.post(consent_email=None)
    world.run()

    assert [row["status"] for row in world.rows(tables.enrollments)] == ["completed"]
    assert world.send("goodbye", lead_id)["state"] == "sent"


def test_a_repeated_form_does_not_start_a_finished_sequence_again(world: World) -> None:
    lead_id = world.lead_from()
    world.run()
    count = len([send for send in world.sends(lead_id) if send["kind"] == "nurture"])

    world.post(message="thank you")
    world.run()

    assert len([send for send in world.sends(lead_id) if send["kind"] == "nurture"]) == count
    assert world.count(tables.enrollments) == 1


# --- leads that are not nurtured ---


def test_a_lead_with_a_phone_only_is_stored_and_told_to_staff_and_not_mailed(world: World) -> None:
    lead_id = world.lead_from(email=None, phone="618-555-0142")
    world.deliver()
    world.tell_staff()

    assert world.sends(lead_id) == []
    assert world.mail == []
    assert [entry["detail"]["reason"] for entry in world.story(lead_id, "not_enrolled")] == ["no_email_address"]
    (alert,) = world.alert_files
    assert "phone number only" in alert
    assert "0142" not in alert


def test_someone_out_of_the_area_is_answered_and_not_nurtured(world: World) -> None:
    lead_id = world.lead_from(location=None, state="California")
    world.run()

    assert world.lead(lead_id)["location"] == "out_of_area"
    assert [entry["detail"]["reason"] for entry in world.story(lead_id, "not_enrolled")] == ["out_of_area"]
    (mail,) = world.mail
    body = mail.get_body(("plain",))
    assert body is not None
    assert "618-555-0142" in body.get_content()
    assert "518-555-0178" in body.get_content()


def test_a_post_of_the_practice_form_makes_a_test_lead(world: World) -> None:
    assert world.lead(world.lead_from(form="sandbox"))["is_test"] is True
    assert world.lead(world.lead_from(email="jordan@example.com"))["is_test"] is False


# --- crisis ---


def test_crisis_language_holds_nurture_pages_staff_and_is_still_answered(world: World) -> None:
    lead_id = world.lead_from(message="I want to die and nobody knows")
    world.deliver()
    world.jump(timedelta(days=3))
    world.deliver()
    world.tell_staff()

    assert world.lead(lead_id)["hold_reason"] == "crisis_acute"
    assert {send["kind"]: send["state"] for send in world.sends(lead_id)} == {
        "acknowledgement": "sent",
        "nurture": "held",
    }
    assert [alert for alert in world.alert_files if alert.startswith("URGENT")]
    assert [entry["detail"] for entry in world.story(lead_id, "crisis")] == [{"tier": "acute"}]


def test_a_later_milder_message_does_not_soften_a_crisis_hold(world: World) -> None:
    lead_id = world.lead_from(message="I want to die")

    world.post(message="I had a suicide attempt years ago")

    assert world.lead(lead_id)["hold_reason"] == "crisis_acute"


def test_a_crisis_in_quarantine_pages_staff_at_once_though_nothing_is_mailed(world: World) -> None:
    submission = world.post(message="I want to die", token=TOO_QUICK)

    assert [row["kind"] for row in world.rows(tables.alerts)] == ["crisis"]
    assert world.stored(submission)["status"] == "quarantined"
    assert world.count(tables.sends) == 0
    assert "alert" in world.queue.hints, "staff would wait for the next sweep"


# --- quarantine ---


@pytest.mark.parametrize("marks", [{"token": TOO_QUICK}, {"website": "https://spam.example.com"}])
def test_a_suspicious_submission_is_stored_and_mails_nothing(world: World, marks: dict[str, object]) -> None:
    submission = world.submission(**marks)  # type: ignore[arg-type]

    assert world.capture(world.envelope(submission)) == Captured(quarantined=1)
    assert world.deliver() == {}

    assert world.stored(submission)["status"] == "quarantined"
    assert world.count(tables.leads) == world.count(tables.sends) == 0
    with world.database.read() as connection:
        assert submissions.confirmed(connection, [submission.id]) == {submission.id}


def test_a_released_submission_is_admitted_as_if_just_captured(world: World) -> None:
    submission = world.post(token=TOO_QUICK)
    world.queue.hints.clear()

    lead_id = quarantine.release(world.services, submission.id, "jordan")

    assert world.stored(submission)["lead_id"] == lead_id
    assert world.queue.hints == ["deliver", "alert"]
    assert world.deliver() == {"sent": 1}
    assert [entry["actor"] for entry in world.story(lead_id, "released")] == ["jordan"]
    with pytest.raises(NotFound):
        quarantine.release(world.services, submission.id, "jordan")
    assert world.count(tables.leads) == 1


def test_a_dismissed_submission_is_kept_and_never_answered(world: World) -> None:
    submission = world.post(token=TOO_QUICK)

    quarantine.dismiss(world.services, submission.id, "jordan", "advertising")

    assert world.stored(submission)["status"] == "dismissed"
    assert world.deliver() == {}
    with pytest.raises(NotFound):
        quarantine.release(world.services, submission.id, "jordan")


@pytest.mark.parametrize("wrong", ["no-uuid-at-all", new_id()], ids=["not an id", "nobody's id"])
def test_an_id_that_is_not_in_quarantine_is_not_found(world: World, wrong: str) -> None:
    with pytest.raises(NotFound):
        quarantine.release(world.services, wrong, "jordan")
    with pytest.raises(NotFound):
        quarantine.dismiss(world.services, wrong, "jordan", "a slip")


# --- what can't be captured ---


def test_another_body_under_the_same_key_is_parked_and_the_first_stays(world: World) -> None:
    first = world.post(key="k1", message="the first")
    other = world.submission(key="k1", message="the second")
    assert other.id == first.id
    envelope = world.envelope(other)

    assert world.capture(envelope) == Captured(parked=1)
    assert world.capture(envelope) == Captured(parked=1)

    (item,) = world.rows(tables.parked)
    assert (item["code"], item["count"], item["state"]) == ("idempotency_conflict", 2, "open")
    assert submissions.open_stored(world.stored(first), RING).first("message") == "the first"
    assert world.count(tables.submissions) == 1


def test_the_same_body_under_the_same_key_is_a_repeat(world: World) -> None:
    world.post(key="k1")

    assert world.capture(world.envelope(world.submission(key="k1"))) == Captured(repeated=1)
    assert world.count(tables.parked) == 0


def sealed_elsewhere(world: World) -> str:
    """Sealed for another submission: a message that someone put together."""
    return f"{new_id()}:{world.envelope(world.submission()).partition(':')[2]}"


def sealed_with_a_lost_key(world: World) -> str:
    submission = world.submission()
    return submissions.envelope(submission, KeyRing({"lost1": bytes(32)}))


def sealed_but_not(text: str) -> Callable[[World], str]:
    def make(_world: World) -> str:
        submission_id = new_id()
        return f"{submission_id}:{RING.seal(text.encode(), f'submission/{submission_id}')}"

    return make


UNREADABLE: dict[str, Callable[[World], str]] = {
    "sealed for another submission": sealed_elsewhere,
    "sealed with a lost key": sealed_with_a_lost_key,
    "cut short": lambda world: world.envelope(world.submission())[:-9],
    "without a seal": lambda _: f"{new_id()}:",
    "not JSON": sealed_but_not("Maya"),
    "an empty object": sealed_but_not("{}"),
    "a list": sealed_but_not("[]"),
    "a text": sealed_but_not('"maya"'),
    "fields of the wrong kind": sealed_but_not(
        json.dumps(
            {"id": "x", "reference": "x", "received_at": "2026-03-02T16:00:00+00:00", "form": "clinic", "fields": 3}
        )
    ),
    "no id": lambda _: "nonsense",
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_parked_and_holds_nobody_else_up(world: World, kind: str) -> None:
    unreadable, good = UNREADABLE[kind](world), world.envelope(world.submission())

    assert world.capture(unreadable, good) == Captured(parked=1, stored=1)

    (item,) = world.rows(tables.parked)
    assert (item["state"], item["count"]) == ("open", 1)
    assert "submission_parked" in {row["kind"] for row in world.rows(tables.alerts)}


def test_a_process_that_can_not_read_what_is_published_leaves_people_to_one_that_can(world: World) -> None:
    """A worker of the release before, while a new one is rolled out and published: the relay offers them again."""
    good, too_new = (
        world.renderer,
        {**SHIPPED, "clinic.toml": SHIPPED["clinic.toml"] + "\n[teleportation]\nis_on = true\n"},
    )
    envelope = world.envelope(world.submission())
    with world.database.write() as connection:
        known, _ = world.services.content.renderer(connection)
        contents.store(connection, snapshot_hash(too_new), pack(too_new), world.now, "robin", "")
        installation.activate(connection, snapshot_hash(too_new))

    with pytest.raises(ContentInvalid):
        world.capture(envelope)
    assert world.rows(tables.parked) == []
    with world.database.write() as connection:
        installation.activate(connection, known)

    assert world.capture(envelope) == Captured(stored=1)
    assert world.renderer is good


def test_a_parked_submission_alone_nudges_the_alert(world: World) -> None:
    world.capture(sealed_with_a_lost_key(world))

    assert "alert" in world.queue.hints, "staff would wait for the next sweep"


def test_parked_submissions_are_confirmed_so_that_the_spool_may_let_go(world: World) -> None:
    envelope = sealed_with_a_lost_key(world)
    world.capture(envelope)

    with world.database.read() as connection:
        submission_id = submissions.envelope_id(envelope)
        assert submissions.confirmed(connection, [submission_id]) == {submission_id}


def test_confirming_asks_in_portions_and_finds_all(world: World) -> None:
    stored = {world.post(email=f"lead{number}@example.com").id for number in range(3)}

    with world.database.read() as connection:
        assert submissions.confirmed(connection, [*stored, *(new_id() for _ in range(1500))]) == stored
        assert connection.execute(select(func.count()).select_from(tables.submissions)).scalar_one() == 3


# --- many at once ---


def test_a_group_makes_the_same_rows_as_its_people_one_by_one(world: World, other_world: World) -> None:
    people: list[dict[str, str | None]] = [
        {},
        {"email": "sam@example.com", "location": "albany", "condition": "ptsd"},
        {"email": None, "phone": "618-555-0142"},
        {"email": "noor@example.com", "consent_email": None},
        {"email": "lee@example.com", "zip": "94103", "location": None},
        {"email": "ana@example.com", "message": "I want to die"},
        {"last_name": "Example", "message": "a second form of the first person"},
    ]
    for fields in people:
        world.capture(world.envelope(world.submission(**fields)))
    other_world.capture(*[other_world.envelope(other_world.submission(**fields)) for fields in people])

    for table in (tables.leads, tables.consents, tables.enrollments, tables.sends, tables.timeline, tables.alerts):
        assert _gist(world, table) == _gist(other_world, table), table.name


_VARIES = {"id", "reference", "submission_id", "lead_id", "enrollment_id", "received_at", "not_before", "detail"}


def _gist(world: World, table: Table) -> list[str]:
    """Rows without what differs from run to run: ids, nonces and real time."""
    return sorted(
        repr({name: value for name, value in row.items() if name not in _VARIES and not name.endswith("_sealed")})
        for row in world.rows(table)
    )


def test_however_many_share_a_number_the_next_one_reads_no_more_of_them(world: World) -> None:
    for number in range(9):
        world.post(email=f"desk{number}@example.com", phone="618-555-0123")
    fetched: list[int] = []

    def note(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if "FROM leads" in statement:
            fetched.append(len(cursor.fetchall()) if world.database.is_sqlite else cursor.rowcount)

    event.listen(world.database.engine, "after_cursor_execute", note)
    world.post(email="tenth@example.com", phone="618-555-0123")
    event.remove(world.database.engine, "after_cursor_execute", note)

    assert fetched
    assert max(fetched) <= 1


def test_a_group_costs_hardly_more_statements_than_one_person(world: World) -> None:
    asked: list[str] = []

    def note(*words: Any) -> None:
        asked.append(words[2])

    def statements(count: int) -> int:
        envelopes = [world.envelope(world.submission(email=f"{new_id()}@example.com")) for _ in range(count)]
        asked.clear()
        world.capture(*envelopes)
        return len(asked)

    event.listen(world.database.engine, "before_cursor_execute", note)
    assert 0 < statements(50) <= statements(1) + 2
    assert world.database.is_sqlite or statements(1) == 6, "each is a round trip, and a single lead's time is these"


def test_what_comes_while_intake_is_paused_is_stored_once_it_goes_on(world: World) -> None:
    pause(world.services, PauseScope.QUEUE, QueueName.INTAKE, "moving house", "Olive", timedelta(hours=1))
    envelope = world.envelope(world.submission())

    assert capture(world.services, [envelope], unless_paused=True) == Captured()
    assert world.count(tables.submissions) == 0
    world.jump(timedelta(hours=1))
    assert capture(world.services, [envelope], unless_paused=True).stored == 1


def test_what_a_person_puts_in_by_hand_is_stored_while_intake_is_paused(world: World) -> None:
    pause(world.services, PauseScope.QUEUE, QueueName.INTAKE, "moving house", "Olive", None)

    assert capture(world.services, [world.envelope(world.submission())]).stored == 1
