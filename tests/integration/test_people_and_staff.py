"""What recipients and staff do: stop, choose, confirm, correct, look up, explain, publish, look at the whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.world import PUBLIC_URL, SHIPPED, World
from worker.domain.events import EXIT_REASON, LeadEvent
from worker.domain.ids import new_id
from worker.domain.leads import Condition, Location, Treatment
from worker.errors import ContentInvalid, NotFound, TemplateError
from worker.runtime.valkey import EmbeddedValkey
from worker.storage import suppressions, tables
from worker.storage.broker import Broker
from worker.storage.spool import Spool
from worker.usecases.choices.choose_location import choose_location, lead_of_choice
from worker.usecases.choices.confirm_consent import confirm_consent
from worker.usecases.choices.unsubscribe import is_unsubscribe_token, unsubscribe
from worker.usecases.content import publish as publishing
from worker.usecases.desk.correct import correct_lead
from worker.usecases.desk.explain import explain
from worker.usecases.desk.find_lead import find_lead
from worker.usecases.events.record_event import record_event
from worker.usecases.health.status import read_status
from worker.usecases.sending.compose import make_token


def token_for(world: World, subject: str, purpose: str) -> str:
    return make_token(subject, purpose, world.services.vault.lookup)


def nurture(world: World, lead_id: str, state: str) -> list[str]:
    return [row["email"] for row in world.sends(lead_id) if row["kind"] == "nurture" and row["state"] == state]


def a_day_into_the_sequence(world: World) -> tuple[str, str]:
    """A lead that has had its first nurture email: its id, and that send's unsubscribe token."""
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    return lead_id, token_for(world, world.send("depression-options", lead_id)["id"], "unsubscribe")


# --- unsubscribe ---


def test_unsubscribing_stops_nurture_at_once_for_good_and_as_often_as_one_likes(world: World) -> None:
    lead_id, token = a_day_into_the_sequence(world)

    assert all(unsubscribe(world.services, token, "one_click") for _ in range(3))
    world.run()

    assert nurture(world, lead_id, "sent") == ["depression-options"]
    assert [row["reason"] for row in world.sends(lead_id) if row["state"] == "cancelled"] == ["unsubscribed"]
    assert [(row["status"], row["exit_reason"]) for row in world.rows(tables.enrollments)] == [
        ("exited", "unsubscribed")
    ]
    assert len(world.story(lead_id, "unsubscribed")) == 1
    assert world.count(tables.suppressions) == 1


def test_the_link_in_the_header_and_in_the_text_is_the_one_that_works(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    (mail,) = world.mail
    url = mail["List-Unsubscribe"].strip("<>")
    assert url.startswith(f"{PUBLIC_URL}/u/")
    body = mail.get_body(("plain",))
    assert body is not None
    assert url in body.get_content()

    assert unsubscribe(world.services, urlsplit(url).path.removeprefix("/u/"), "one_click")

    assert nurture(world, lead_id, "planned") == []


def test_eight_clicks_at_once_are_one_unsubscribe(world: World) -> None:
    lead_id, token = a_day_into_the_sequence(world)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: unsubscribe(world.services, token, "one_click"), range(8)))

    assert answers == [True] * 8
    assert world.count(tables.suppressions) == 1
    assert len(world.story(lead_id, "unsubscribed")) == 1


def test_an_unsubscribe_outlives_its_lead(world: World) -> None:
    _, token = a_day_into_the_sequence(world)
    unsubscribe(world.services, token, "one_click")
    address = world.services.vault.email_hash("maya@example.com")
    for table in (tables.timeline, tables.alerts, tables.consents, tables.sends, tables.enrollments):
        world.execute(table.delete())
    for table in (tables.submissions, tables.leads):
        world.execute(table.delete())

    assert unsubscribe(world.services, token, "one_click"), "erased since: the answer is yes all the same"
    lead_id = world.lead_from()
    world.run()

    assert nurture(world, lead_id, "sent") == []
    assert [entry["detail"]["reason"] for entry in world.story(lead_id, "not_enrolled")] == ["suppressed"]
    with world.database.read() as connection:
        assert suppressions.scopes(connection, [str(address)])[str(address)] == {"nurture"}


FORGED = ["", ".", "nonsense", "AAAA.BBBB", "é.é", "a" * 5000, "%00", "AZIAAAAAAAAAAAAAAAAAAA.", "AZI.é"]


@pytest.mark.parametrize("token", FORGED)
def test_a_forged_link_changes_nothing(world: World, token: str) -> None:
    a_day_into_the_sequence(world)

    assert not is_unsubscribe_token(world.services, token)
    assert not unsubscribe(world.services, token, "one_click")
    assert not choose_location(world.services, token, Location.ALBANY)
    assert not confirm_consent(world.services, token)
    assert world.count(tables.suppressions) == 0


def test_a_link_for_one_thing_does_no_other_and_a_changed_one_nothing(world: World) -> None:
    lead_id, token = a_day_into_the_sequence(world)
    packed, _, signature = token.partition(".")
    other = token_for(world, new_id(), "unsubscribe").partition(".")[0]

    assert not choose_location(world.services, token, Location.ALBANY)
    assert not confirm_consent(world.services, token)
    assert not unsubscribe(world.services, token_for(world, lead_id, "choose"), "one_click")
    assert not unsubscribe(world.services, f"{other}.{signature}", "one_click")
    assert not unsubscribe(world.services, f"{packed}.é{signature[1:]}", "one_click")
    assert world.count(tables.suppressions) == 0


# --- asking again after an unsubscribe ---


def test_someone_who_unsubscribed_and_asks_again_is_answered_and_not_nurtured(world: World) -> None:
    lead_id, token = a_day_into_the_sequence(world)
    unsubscribe(world.services, token, "one_click")
    world.jump(timedelta(days=3))

    world.post(consent_email=None)
    world.run()

    assert [row["email"] for row in world.sends(lead_id) if row["state"] == "sent"] == [
        "acknowledgement",
        "depression-options",
        "acknowledgement",
    ]


def test_a_new_tick_alone_resumes_nothing_and_a_click_on_top_of_it_does(world: World) -> None:
    lead_id, token = a_day_into_the_sequence(world)
    unsubscribe(world.services, token, "one_click")
    world.jump(timedelta(days=3))
    world.post()
    world.deliver()
    assert world.send("acknowledgement-confirm", lead_id)["state"] == "sent"
    assert nurture(world, lead_id, "planned") == []

    confirm = token_for(world, lead_id, "confirm")
    assert confirm_consent(world.services, confirm)
    assert confirm_consent(world.services, confirm), "pressing twice is fine"
    world.run()

    sent = nurture(world, lead_id, "sent")
    assert len(sent) == len(set(sent)) > 4, "it goes on, and repeats nothing"
    assert world.count(tables.suppressions) == 0


def test_an_old_confirmation_link_does_nothing_after_a_later_unsubscribe(world: World) -> None:
    lead_id, token = a_day_into_the_sequence(world)
    unsubscribe(world.services, token, "one_click")
    world.jump(timedelta(days=3))
    world.post()
    confirm = token_for(world, lead_id, "confirm")
    confirm_consent(world.services, confirm)
    world.jump(timedelta(hours=1))
    unsubscribe(world.services, token, "one_click")

    assert confirm_consent(world.services, confirm)

    assert nurture(world, lead_id, "planned") == []
    assert world.count(tables.suppressions) == 1


def test_a_confirmation_without_any_new_tick_does_nothing(world: World) -> None:
    lead_id, token = a_day_into_the_sequence(world)
    unsubscribe(world.services, token, "one_click")
    world.jump(timedelta(hours=1))

    assert confirm_consent(world.services, token_for(world, lead_id, "confirm"))

    assert nurture(world, lead_id, "planned") == []
    assert world.count(tables.suppressions) == 1


# --- choose and correct ---


def test_an_undecided_person_chooses_and_is_taught_what_holds_there(world: World) -> None:
    lead_id = world.lead_from(location=None)
    world.deliver()
    token = token_for(world, lead_id, "choose")
    assert lead_of_choice(world.services, token) == lead_id
    assert world.lead(lead_id)["location"] == "undecided", "looking at the page changes nothing"

    assert choose_location(world.services, token, Location.CARBONDALE)
    assert choose_location(world.services, token, Location.CARBONDALE)

    lead = world.lead(lead_id)
    assert (lead["location"], lead["location_reason"]) == ("carbondale", "choice")
    assert [row["status"] for row in world.rows(tables.enrollments)].count("active") == 1
    assert [entry["actor"] for entry in world.story(lead_id, "routed")] == ["system", "recipient"]
    world.run()
    assert {row["location"] for row in world.sends(lead_id) if row["state"] == "sent" and row["enrollment_id"]} == {
        "carbondale"
    }


def test_staff_correct_a_lead_which_is_routed_and_planned_anew(world: World) -> None:
    lead_id, _ = a_day_into_the_sequence(world)

    correct_lead(
        world.services,
        lead_id,
        location=Location.ALBANY,
        condition=Condition.PTSD,
        treatment=None,
        reason="they said so on the phone",
        actor="jordan",
    )

    lead, entry = world.lead(lead_id), world.story(lead_id, "routed")[-1]
    assert (lead["location"], lead["location_reason"], lead["sequence"]) == ("albany", "staff", "ptsd")
    assert (entry["actor"], entry["detail"]["note"]) == ("jordan", "they said so on the phone")
    assert entry["detail"]["before"] == {"location": "carbondale", "condition": "depression", "sequence": "depression"}
    (planned,) = [row for row in world.sends(lead_id) if row["state"] == "planned"]
    first = world.send("depression-options", lead_id)["sent_at"]
    assert (planned["sequence"], planned["location"]) == ("ptsd", "albany")
    assert planned["due_at"] >= first + timedelta(hours=48)


def test_a_correction_that_changes_no_email_leaves_the_sequence_running(world: World) -> None:
    lead_id, _ = a_day_into_the_sequence(world)
    before = world.rows(tables.enrollments), world.sends(lead_id)

    correct_lead(world.services, lead_id, location=None, condition=Condition.TREATMENT_RESISTANT_DEPRESSION,
                 treatment=Treatment.IV_KETAMINE, reason="a call", actor="jordan")  # fmt: skip

    assert (world.rows(tables.enrollments), world.sends(lead_id)) == before


@pytest.mark.parametrize("wrong", ["nobody", new_id()], ids=["not an id", "nobody's id"])
def test_an_unknown_lead_cannot_be_corrected_or_booked(world: World, wrong: str) -> None:
    with pytest.raises(NotFound):
        correct_lead(world.services, wrong, location=Location.ALBANY, condition=None, treatment=None, reason="",
                     actor="jordan")  # fmt: skip
    with pytest.raises(NotFound):
        record_event(world.services, wrong, LeadEvent.CONSULTATION_BOOKED, "jordan")


@pytest.mark.parametrize("event", EXIT_REASON)
def test_what_happened_elsewhere_ends_the_sequence_and_a_later_form_starts_none(world: World, event: LeadEvent) -> None:
    lead_id, _ = a_day_into_the_sequence(world)

    record_event(world.services, lead_id, event, "jordan")
    record_event(world.services, lead_id, event, "jordan")
    world.post(condition="ptsd")
    world.run()

    assert nurture(world, lead_id, "sent") == ["depression-options"]
    assert [row["status"] for row in world.rows(tables.enrollments)] == ["exited"]


# --- find and explain ---


def test_a_lead_is_found_by_all_that_people_have_at_hand(world: World) -> None:
    lead_id = world.lead_from(phone="618-555-0142")
    lead = world.lead(lead_id)
    again = world.post(message="again")

    with world.database.read() as connection:
        for wanted in (
            lead_id, lead_id.upper(), lead["reference"], lead["reference"].lower(), again.reference,
            "maya@example.com", " Maya@Example.com ", "618-555-0142", "(618) 555 0142", "+1 618 555 0142",
        ):  # fmt: skip
            assert find_lead(connection, world.services.vault, wanted) == lead_id, wanted


@pytest.mark.parametrize("wanted", ["", "nobody@example.com", "TAC-0000-0000", "518-555-0100", "what?", "é"])
def test_what_names_nobody_is_not_found(world: World, wanted: str) -> None:
    world.post(phone="618-555-0142")

    with world.database.read() as connection, pytest.raises(NotFound):
        find_lead(connection, world.services.vault, wanted)


def test_a_number_of_several_people_asks_for_an_id(world: World) -> None:
    first = world.lead_from(phone="618-555-0142")
    second = world.lead_from(email="jordan@example.com", phone="618-555-0142")

    with world.database.read() as connection, pytest.raises(NotFound) as caught:
        find_lead(connection, world.services.vault, "618-555-0142")

    assert first in str(caught.value)
    assert second in str(caught.value)


def explained(world: World, lead_id: str) -> Mapping[str, object]:
    with world.database.read() as connection:
        found = explain(connection, lead_id)
    json.dumps(found)
    return found


def test_the_story_of_a_lead_tells_what_happened_why_and_what_comes_next(world: World) -> None:
    lead_id, _ = a_day_into_the_sequence(world)

    found = explained(world, lead_id)

    assert found["route"] == {
        "location": "carbondale",
        "sequence": "depression",
        "reason": "location by choice; sequence: depression",
    }
    told = [entry["what"] for entry in found["timeline"]]  # type: ignore[attr-defined]
    assert told == ["received", "consent", "routed", "enrolled", "sent", "sent"]
    assert found["next"]["email"] == "spravato"  # type: ignore[index]
    said = json.dumps(found)
    assert "maya" not in said.casefold()


@pytest.mark.parametrize(
    ("fields", "nothing"),
    [
        ({"consent_email": None}, "no_consent"),
        ({"email": None, "phone": "618-555-0142"}, "no_email_address"),
        ({"location": None, "state": "CA"}, "out_of_area"),
    ],
)
def test_where_nothing_comes_next_the_story_says_why(world: World, fields: dict[str, str | None], nothing: str) -> None:
    lead_id = world.lead_from(**fields)
    world.deliver()

    assert explained(world, lead_id)["next"] == {"nothing": nothing}


def test_a_finished_and_an_ended_sequence_say_so(world: World) -> None:
    lead_id, token = a_day_into_the_sequence(world)
    other = world.lead_from(email="jordan@example.com")
    unsubscribe(world.services, token, "link")
    world.run()

    assert explained(world, lead_id)["next"] == {"nothing": "unsubscribed"}
    assert explained(world, other)["next"] == {"nothing": "completed"}


# --- publish ---


def edited(path: str, old: str, new: str) -> dict[str, str]:
    assert old in SHIPPED[path]
    return {**SHIPPED, path: SHIPPED[path].replace(old, new)}


def test_publishing_the_same_content_twice_changes_nothing(world: World) -> None:
    published = publishing.publish(world.database, SHIPPED, "jordan")

    assert published.changed is False
    assert world.count(tables.snapshots) == 1


def test_published_content_is_what_is_sent_from_then_on_and_the_old_is_kept(world: World) -> None:
    changed = edited("emails/acknowledgement.md", "{{ greeting }}", "{{ greeting }}\n\nA sentence that is new.")
    world.post()
    world.deliver()
    diff = publishing.diff(world.database, changed)
    published = publishing.publish(world.database, changed, "jordan", "friendlier")
    world.post(email="jordan@example.com")
    world.deliver()

    assert "+A sentence that is new." in diff
    assert diff.count("\n--- published/") + diff.startswith("--- published/") == 1
    assert published.changed
    old, new = world.mail
    bodies = [mail.get_body(("plain",)) for mail in (old, new)]
    assert ["A sentence that is new." in body.get_content() for body in bodies if body] == [False, True]
    row = next(row for row in world.rows(tables.snapshots) if row["hash"] == published.snapshot)
    assert (row["approved_by"], row["note"], row["first_used_at"]) == ("jordan", "friendlier", world.now)
    assert world.count(tables.snapshots) == 2
    assert publishing.diff(world.database, changed) == ""

    publishing.publish(world.database, SHIPPED, "riley", "back")
    kept = next(row for row in world.rows(tables.snapshots) if row["hash"] == published.snapshot)
    assert kept == row, "a snapshot is never changed, nor forgotten"


BROKEN = {
    "a variable that is not there": edited("emails/depression-options.md", "{{ greeting }}", "{{ nobody.knows }}"),
    "raw HTML": edited("emails/depression-options.md", "{{ greeting }}", "<b>{{ greeting }}</b>"),
    "TOML that is none": edited("clinic.toml", "[brand]", "[brand"),
    "an email that is missing": {p: t for p, t in SHIPPED.items() if p != "emails/spravato.md"},
    "nothing at all": {},
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_content_is_refused_and_changes_nothing(world: World, kind: str) -> None:
    before = world.rows(tables.installation), world.count(tables.snapshots)

    with pytest.raises(TemplateError) as caught:
        publishing.publish(world.database, BROKEN[kind], "jordan")

    assert isinstance(caught.value, ContentInvalid)
    assert (world.rows(tables.installation), world.count(tables.snapshots)) == before
    world.post()
    assert world.deliver() == {"sent": 1}


# --- the whole at one look ---


def test_the_status_counts_what_there_is(world: World, valkey: EmbeddedValkey, tmp_path: Path) -> None:
    spool, broker = Spool(tmp_path / "spool"), Broker(valkey.url)
    lead_id, token = a_day_into_the_sequence(world)
    unsubscribe(world.services, token, "link")
    world.post(email="jordan@example.com")
    world.post(email="riley@example.com", website="https://spam.example.com")
    world.capture("nonsense")
    spool.begin(["a:1"]).close()
    world.sweep()

    found = read_status(world.database, broker, spool).to_json()
    broker.close()

    assert found["due_sends"] == {"count": 1, "oldest_due_at": world.now.isoformat()}
    assert {state: count for state, count in found["sends"].items() if count} == {
        "sent": 2,
        "cancelled": 1,
        "planned": 2,
    }
    assert (found["parked"], found["quarantined"], found["suppressions"]) == (1, 1, 1)
    assert found["enrollments_active"] == 1
    assert found["active_snapshot"] == world.rows(tables.snapshots)[0]["hash"]
    assert found["broker"] is True
    assert set(found["queues"]) == {"intake", "send", "alerts", "tick", "webhooks"}
    assert 0 <= found["beat_age_s"] < 10
    assert found["spool"]["waiting"] == 1
    assert found["next_due_at"] is not None
    assert found["product_now"] == world.now.isoformat()
    assert isinstance(found["verdict"], str)
    assert world.lead(lead_id)["reference"] not in json.dumps(found)


def test_the_status_of_a_product_whose_broker_is_away_says_so(world: World, tmp_path: Path) -> None:
    broker = Broker(f"unix://{tmp_path / 'nobody.sock'}")

    found = read_status(world.database, broker, Spool(tmp_path / "spool"))
    broker.close()

    assert found.to_json()["broker"] is False
    assert not found.verdict.ok
