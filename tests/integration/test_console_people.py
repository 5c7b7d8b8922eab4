"""The pages about people: what each shows, what each act does, and that a viewer never sees how to reach anyone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import Console, Person, open_console, text_of
from tests.support.world import World
from worker.console import story
from worker.domain.staff import Role
from worker.runtime.demo import FOR_STAFF
from worker.storage.tables import leads, sends, submissions, timeline
from worker.storage.timeline import Happened

CANARY = {
    "email": "canary.wren@example.com",
    "phone": "217-555-0163",
    "first_name": "Wrenna",
    "last_name": "Canarybird",
    "message": "could you call me after the harvest",
    "mystery_field": "unheard-of-answer",
}
SECRETS = ("canary.wren", "5550163", "555-0163", "Wrenna", "Canarybird", "harvest", "unheard-of")


@pytest.fixture
def console(world: World, tmp_path: Path) -> Console:
    return open_console(world, tmp_path)


@pytest.fixture
def desk(console: Console) -> Person:
    return console.person(Role.FRONT_DESK, "jordan")


def suspect(world: World, **fields: str) -> str:
    """A post in quarantine; its id."""
    posted: dict[str, Any] = {**CANARY, **fields}
    submission = replace(world.submission(**posted), suspicions=("honeypot",))
    world.capture(world.envelope(submission))
    return str(submission.id)


def shown(answer: Any) -> str:
    assert answer.status_code == 200, text_of(answer.text)
    return text_of(answer.text)


def follow(person: Person, answer: Any) -> str:
    """Where an act leads, as it reads."""
    assert answer.status_code == 303, text_of(answer.text)
    return shown(person.get(answer.headers["location"].removeprefix("/console")))


# --- nobody sees how to reach anyone unless they ask ---


def every_page(world: World, lead_id: str, suspect_id: str) -> Iterator[str]:
    yield from ("/", "/front-desk", "/front-desk/live", "/leads", f"/leads/{lead_id}", "/quarantine")
    yield f"/quarantine/{suspect_id}"
    for send in world.sends(lead_id):
        if send["sent_at"] is not None:
            yield f"/leads/{lead_id}/emails/{send['id']}"
            yield f"/leads/{lead_id}/emails/{send['id']}/frame"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MARKETER])
def test_whoever_may_not_see_contact_data_sees_none_on_any_page(console: Console, role: Role) -> None:
    world = console.world
    lead_id, suspect_id = world.lead_from(**CANARY), suspect(world, email="canary.wren+two@example.com")
    desk = console.person(Role.FRONT_DESK, "jordan")
    desk.post(f"/leads/{lead_id}/hold", until="2027-01-01", reason="Wrenna is at the harvest")
    desk.post(f"/leads/{lead_id}/release", reason="Wrenna is back from the harvest")
    world.deliver()
    person = console.person(role)
    pages = list(every_page(world, lead_id, suspect_id))

    found = {path: [word for word in SECRETS if word in person.get(path).text] for path in pages}

    assert len(pages) > 8
    assert {path: words for path, words in found.items() if words} == {}
    refused = [person.post(f"/leads/{lead_id}/reveal"), person.post(f"/quarantine/{suspect_id}/reveal")]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert world.story(lead_id, "revealed") == []


def test_contact_data_is_shown_once_to_who_asks_and_the_look_is_written_down(console: Console, desk: Person) -> None:
    lead_id = console.world.lead_from(**CANARY)
    assert not any(word in desk.get(f"/leads/{lead_id}").text for word in SECRETS)

    revealed = shown(desk.post(f"/leads/{lead_id}/reveal"))

    assert all(word in revealed for word in ("canary.wren@example.com", "+12175550163", "Wrenna Canarybird", "harvest"))
    (look,) = console.world.story(lead_id, "revealed")
    assert look["actor"] == "jordan"
    assert str(look["via"] if "via" in look else look["detail"].get("via")) not in {"", "None"}
    assert not any(word in desk.get(f"/leads/{lead_id}").text for word in SECRETS)


# --- the front desk ---


def test_the_front_desk_tells_who_may_be_in_danger_who_was_set_aside_and_who_waits(
    console: Console, desk: Person
) -> None:
    world = console.world
    assert "Nobody waits for an answer." in shown(desk.get("/front-desk"))
    world.lead_from(email="late@example.com")
    world.jump(timedelta(minutes=40))
    world.lead_from(email="new@example.com", location="albany")
    world.lead_from(email="danger@example.com", message="I want to die")
    suspect(world)

    page = shown(desk.get("/front-desk"))

    assert (
        page.index("Held until someone has looked") < page.index("in quarantine") < page.index("Waiting for an answer")
    )
    assert "waits for 40 min of working time" in page
    assert "answer by 12:10" in page, "in Albany's own time"
    assert "may be in danger now" in page
    albany = shown(desk.get("/front-desk?location=albany"))
    assert "answer by 12:10" in albany
    assert "waits for 40 min" not in albany
    assert "waits for 40 min" in shown(desk.get("/front-desk/live"))


def test_one_click_says_that_someone_called_or_has_an_urgent_message(console: Console, desk: Person) -> None:
    world = console.world
    lead_id = world.lead_from(message="I want to die")
    assert "I have it" in shown(desk.get("/front-desk"))

    has_it = follow(desk, desk.post(f"/front-desk/{lead_id}/acknowledge", location="carbondale"))
    called = follow(desk, desk.post(f"/front-desk/{lead_id}/called"))

    assert "You have it" in has_it
    assert "someone has it" in has_it
    assert "Nobody waits for an answer" in called
    assert world.lead(lead_id)["hold_reason"] == "crisis_acute"
    assert [entry["actor"] for entry in world.story(lead_id, "acknowledged")] == ["jordan"]


# --- one lead ---


def test_the_lead_page_tells_why_what_was_sent_and_what_comes_next(console: Console, desk: Person) -> None:
    world = console.world
    lead_id = world.lead_from(zip="12207", **CANARY)
    world.deliver()
    world.jump_to_next_due()
    world.deliver()

    page = shown(desk.get(f"/leads/{lead_id}"))

    assert "The 2nd email goes out on" in page
    assert "Their form arrived" in page
    assert "Belongs to Carbondale" in page
    assert "but their ZIP code says Albany" in page
    assert page.count("will go out") > 3
    assert "CST" in page


def test_every_act_on_a_lead_does_it_and_says_so(console: Console, desk: Person) -> None:
    world = console.world
    lead_id = world.lead_from()
    world.deliver()

    def act(name: str, **fields: str) -> str:
        return follow(desk, desk.post(f"/leads/{lead_id}/{name}", **fields))

    assert "goes out on" in act("send-now")
    assert "no educational email before Tuesday 1 December 2026" in act("hold", until="2026-12-01", reason="travels")
    assert "Nothing was changed: it would not go out" in act("send-now")
    assert "Released" in act("release", reason="back early")
    assert "Belongs to Albany" in act("route", location="albany", reason="said so on the phone")
    assert "“said so on the phone”" in act("event", event="contacted")
    assert "Nothing more goes out: they booked a consultation" in act("event", event="consultation_booked")
    assert {entry["actor"] for entry in world.story(lead_id, "event")} == {"jordan"}
    assert world.lead(lead_id)["location"] == "albany"


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("hold", {"until": "tomorrow", "reason": "x"}, "year-month-day"),
        ("hold", {"until": "2026-03-01", "reason": "x"}, "begun"),
        ("hold", {"until": "2026-12-01"}, "say why"),
        ("route", {"reason": "x"}, "choose what to correct"),
        ("route", {"location": "atlantis", "reason": "x"}, "there is not"),
        ("event", {"event": "abducted"}, "did not say"),
    ],
)
def test_an_act_that_can_t_be_done_changes_nothing_and_says_why(
    console: Console, desk: Person, name: str, fields: dict[str, str], says: str
) -> None:
    lead_id = console.world.lead_from()
    before = console.world.lead(lead_id)

    page = follow(desk, desk.post(f"/leads/{lead_id}/{name}", **fields))

    assert "Nothing was changed" in page
    assert says in page
    assert console.world.lead(lead_id) == before


def test_a_lead_that_is_not_there_is_a_page_of_our_own(desk: Person) -> None:
    for path in ("/leads/nonsense", "/leads/0195d3a0-0000-7000-8000-000000000000", "/quarantine/nonsense"):
        answer = desk.get(path)
        assert answer.status_code == 404
        assert "It is not there" in answer.text


# --- the exact copy ---


def test_the_copy_is_the_one_that_went_out_and_greets_by_name_only_who_may_know_it(
    console: Console, desk: Person
) -> None:
    world = console.world
    lead_id = world.lead_from(**CANARY)
    world.deliver()
    (send,) = [row for row in world.sends(lead_id) if row["sent_at"]]
    sent = world.mail[0].get_body(("html",))
    assert sent is not None
    path = f"/leads/{lead_id}/emails/{send['id']}"

    page = desk.get(path)
    frame = re.search(r'<iframe[^>]+src="/console([^"]+)"', page.text)
    assert frame
    html = desk.get(frame[1].replace("&amp;", "&"))
    viewer = console.person(Role.VIEWER)

    without_links = re.compile(r"/(?:u|choose|confirm)/[\w.-]+")
    assert without_links.sub("", html.text).split() == without_links.sub("", sent.get_content()).split()
    assert "sandbox" in html.headers["content-security-policy"]
    assert "Hello Wrenna," in text_of(page.text)
    assert world.services.vault.lookup.sign(send["id"], "unsubscribe") not in html.text + page.text
    assert [entry["detail"]["send_id"] for entry in world.story(lead_id, "revealed")] == [send["id"]]
    assert "Hello," in viewer.get(path).text
    for key in ("", frame[1].partition("key=")[2]):
        assert "Wrenna" not in viewer.get(f"{path}/frame?key={key}").text
    assert "Wrenna" not in desk.get(f"{path}/frame").text, "no look goes unseen"


def test_nobody_finds_a_copy_under_another_lead(console: Console, desk: Person) -> None:
    world = console.world
    lead_id, other = world.lead_from(**CANARY), world.lead_from(email="other@example.com")
    world.deliver()
    send = next(row for row in world.sends(lead_id) if row["sent_at"])

    assert desk.get(f"/leads/{other}/emails/{send['id']}").status_code == 404
    assert desk.get(f"/leads/{lead_id}/emails/nonsense").status_code == 404


# --- the list and the search ---


@pytest.mark.parametrize("wanted", ["CANARY.WREN@example.com", "(217) 555-0163", "reference", "id"])
def test_a_lead_is_found_by_whatever_people_have_at_hand_and_nothing_of_it_stands_in_an_address(
    console: Console, desk: Person, wanted: str
) -> None:
    lead_id = console.world.lead_from(**CANARY)
    lead = console.world.lead(lead_id)

    answer = desk.post("/leads", wanted={"reference": lead["reference"], "id": lead_id}.get(wanted, wanted))

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/console/leads/{lead_id}"
    (entry,) = [row for row in console.world.rows(timeline) if row["kind"] == Happened.SEARCHED]
    assert (entry["lead_id"], entry["actor"], entry["detail"]) == (lead_id, "jordan", {}), "who was found, not by what"


def test_people_with_one_number_are_offered_to_choose_from_and_a_miss_says_so(console: Console, desk: Person) -> None:
    one = console.world.lead_from(**CANARY)
    two = console.world.lead_from(**{**CANARY, "email": "mate@example.com"})

    answer = desk.post("/leads", wanted="217-555-0163")
    miss = desk.post("/leads", wanted="nobody@example.com")

    assert "Several leads match" in shown(answer)
    assert all(f"/console/leads/{lead_id}" in answer.text for lead_id in (one, two))
    assert miss.status_code == 404
    assert "No lead has this" in miss.text
    assert "nobody@example.com" not in miss.headers.get("location", "")


def test_the_list_goes_through_everyone_once_newest_first_and_narrows(
    console: Console, desk: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.console.pages.leads._SHOWN", 3)
    for number in range(8):
        console.world.lead_from(email=f"person{number}@example.com", location=("albany", "carbondale")[number % 2])
    seen: list[str] = []
    path: str | None = "/leads"
    while path:
        html = desk.get(path).text
        seen += re.findall(r"/console/leads/([0-9a-f-]{36})", html)
        older = re.search(r'href="/console([^"]+)">Older', html)
        path = older[1].replace("&amp;", "&") if older else None

    by_age = sorted(console.world.rows(leads), key=lambda row: (row["created_at"], row["id"]), reverse=True)
    assert seen == [row["id"] for row in by_age]
    assert desk.get("/leads?location=albany&status=new").text.count("/console/leads/0") == 3
    assert "No leads are like that." in shown(desk.get("/leads?status=patient"))
    assert desk.get("/leads?after=nonsense").status_code == 200


# --- quarantine ---


def test_a_suspect_is_explained_read_acknowledged_and_released_to_become_a_lead(console: Console, desk: Person) -> None:
    world = console.world
    item = suspect(world, message="I want to die")
    suspect(world, email="other@example.com")

    listed = shown(desk.get("/quarantine"))
    page = shown(desk.get(f"/quarantine/{item}"))
    read = shown(desk.post(f"/quarantine/{item}/reveal"))
    has_it = follow(desk, desk.post(f"/quarantine/{item}/acknowledge"))
    lead = follow(desk, desk.post(f"/quarantine/{item}/release"))

    assert listed.index("may be in danger") < listed.rindex("a field that people can't see")
    assert "as programs do" in page
    assert "I want to die" not in page
    assert "I want to die" in read
    assert "You have it" in has_it
    assert "may be in danger now" in lead
    assert [row["actor"] for row in world.rows(timeline) if row["kind"] == Happened.REVEALED] == ["jordan"]


def test_a_suspect_is_dismissed_with_a_reason_only(console: Console, desk: Person) -> None:
    item = suspect(console.world)

    assert desk.post(f"/quarantine/{item}/dismiss").status_code == 409
    assert "Dismissed" in follow(desk, desk.post(f"/quarantine/{item}/dismiss", reason="sells watches"))
    assert [row["status"] for row in console.world.rows(submissions)] == ["dismissed"]
    assert console.world.rows(sends) == []


# --- what a person may ask of us ---


def test_who_someone_is_is_corrected_with_a_reason_and_no_notice_repeats_what_was_typed(
    console: Console, desk: Person
) -> None:
    world = console.world
    lead_id = world.lead_from(**CANARY)
    world.lead_from(email="taken@example.com")

    def correct(**fields: str) -> str:
        return follow(desk, desk.post(f"/leads/{lead_id}/identity", **fields))

    assert "Nothing was changed" in correct(email="other@example.com")
    assert "Nothing was changed: another lead" in correct(email="taken@example.com", reason="said so")
    assert "Nothing was changed" in correct(email="not an address", reason="said so")
    done = correct(email="wren.right@example.com", reason="a typing error")
    assert "Corrected: email." in done
    assert "Staff corrected who they are" in done
    assert "wren.right" not in done
    assert "wren.right@example.com" in shown(desk.post(f"/leads/{lead_id}/reveal"))


def test_an_admin_exports_and_erases_and_nobody_else(console: Console, desk: Person) -> None:
    world = console.world
    lead_id = world.lead_from(**CANARY)
    world.deliver()
    admin = console.person(Role.ADMIN, "robin")

    assert "Everything held about" in shown(admin.get(f"/leads/{lead_id}/export"))
    export = admin.post(f"/leads/{lead_id}/export")
    unsaid = admin.post(f"/leads/{lead_id}/erase")
    named = admin.post(f"/leads/{lead_id}/erase", reason="Canarybird asked")
    kept = world.lead(lead_id)
    erased = admin.post(f"/leads/{lead_id}/erase", reason="asked for it by phone")

    assert "attachment" in export.headers["content-disposition"]
    assert "canary.wren@example.com" in export.text
    assert (unsaid.status_code, named.status_code, kept["status"]) == (422, 422, "new")
    assert "Audit entry" in shown(erased)
    assert world.rows(leads) == []
    assert admin.get(f"/leads/{lead_id}").status_code == 404
    assert desk.get(f"/leads/{lead_id}/erase").status_code == 403


def test_someone_erased_who_writes_anew_is_answered_when_the_front_desk_says_how_they_asked(
    console: Console, desk: Person
) -> None:
    world = console.world
    console.person(Role.ADMIN, "robin").post(f"/leads/{world.lead_from(**CANARY)}/erase", reason="asked by phone")
    world.jump(timedelta(hours=1))
    lead_id = world.lead_from(**CANARY)
    world.run()
    assert world.mail == []

    assert "They were erased once" in shown(desk.get(f"/leads/{lead_id}"))
    assert "please say how" in follow(desk, desk.post(f"/leads/{lead_id}/allow"))
    assert "They are answered now" in follow(desk, desk.post(f"/leads/{lead_id}/allow", reason="at the desk"))
    world.run()

    assert [mail["To"] for mail in world.mail] == [CANARY["email"]]
    assert "Nothing was changed" in follow(desk, desk.post(f"/leads/{lead_id}/allow", reason="again"))


# --- the demonstration ---


def test_the_demonstration_leaves_the_front_desk_something_to_decide(console: Console, desk: Person) -> None:
    for number, fields in enumerate(FOR_STAFF.values()):
        posted: dict[str, Any] = {**fields, "email": f"staff{number}@example.com", "consent_email": "yes"}
        console.world.post(**posted)

    page = shown(desk.get("/front-desk"))

    assert "may be in danger now" in page
    assert "1 form in quarantine" in page


# --- words ---

OF_NO_LEAD = {
    Happened.QUARANTINED, Happened.PAUSED, Happened.RESUMED, Happened.REPLAYED, Happened.DISMISSED, Happened.PUBLISHED,
    Happened.KEYS_ROTATED, Happened.TOKEN, Happened.USER_ADDED, Happened.USER_CHANGED, Happened.USER_LINKED,
    Happened.ENDPOINT,
    Happened.ERASED, Happened.PASSWORD_SET, Happened.SIGNED_IN, Happened.SIGNED_OUT, Happened.SIGN_IN_REFUSED,
}  # fmt: skip


def test_every_kind_of_entry_of_a_lead_has_a_sentence() -> None:
    assert set(Happened) - set(story._SENTENCES) == OF_NO_LEAD
