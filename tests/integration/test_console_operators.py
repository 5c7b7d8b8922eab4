"""What operators do in the console: pause, resume, retry, dismiss, settle a doubtful send, look ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.support.console import Console, Person, open_console, text_of
from tests.support.world import ScriptedProvider, World
from worker.delivery.base import Receipt
from worker.domain.staff import PROOF_LASTS, Role
from worker.errors import AmbiguousDeliveryError
from worker.storage import parked, pauses, submissions, tables
from worker.storage.pauses import PauseScope
from worker.storage.sealing import KeyRing
from worker.storage.timeline import SYSTEM
from worker.usecases.sending.pausing import pause

LOST = KeyRing({"gone7": bytes(32)})


@pytest.fixture
def console(world: World, tmp_path: Path) -> Console:
    return open_console(world, tmp_path)


@pytest.fixture
def olive(console: Console) -> Person:
    return console.person(Role.OPERATOR, "olive")


def read(person: Person, path: str) -> str:
    answer = person.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


def let_the_password_be_old(world: World) -> None:
    for row in world.rows(tables.staff_sessions):
        old = row["proved_at"] - PROOF_LASTS - timedelta(seconds=1)
        world.execute(update(tables.staff_sessions).values(proved_at=old))


def after(person: Person, answer: object) -> str:
    """What stands on the page that an act leads to."""
    assert answer.status_code == 303, answer.text  # type: ignore[attr-defined]
    return read(person, answer.headers["location"].removeprefix("/console"))  # type: ignore[attr-defined]


# --- the big switch -------------------------------------------------------------------------------------------


def test_a_pause_holds_at_once_says_who_and_why_and_ends_by_a_press(world: World, olive: Person) -> None:
    world.lead_from(location="albany")
    assert "Nothing is paused." in read(olive, "/pauses")

    said = after(olive, olive.post("/pauses/add", what="location:albany", reason="phones are down", lasts="2h"))

    assert "Paused: location Albany, for 2 hours." in said
    assert "phones are down" in said
    assert "olive" in said
    assert "1 email held" in said, "also before a worker has come to it"
    assert world.deliver() == {"hold": 1}
    said = after(olive, olive.post("/pauses/lift", what="location:albany"))
    assert "1 held email will go out" in said
    assert world.deliver() == {"sent": 1}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"what": "all", "reason": " ", "lasts": ""}, "Please say why"),
        ({"what": "location:paris", "reason": "why not", "lasts": ""}, "Please choose what to pause"),
        ({"what": "all", "reason": "why not", "lasts": "9y"}, "Please choose what to pause"),
    ],
)
def test_a_pause_that_is_not_clear_pauses_nothing(
    world: World, olive: Person, fields: dict[str, str], says: str
) -> None:
    answer = olive.post("/pauses/add", **fields)

    assert answer.status_code == 422
    assert says in text_of(answer.text)
    assert world.rows(tables.pauses) == []


@pytest.mark.parametrize("what", ["all", "sequence:depression", "queue:send"])
def test_everything_that_can_be_paused_can_be_resumed(world: World, olive: Person, what: str) -> None:
    after(olive, olive.post("/pauses/add", what=what, reason="a test", lasts=""))
    after(olive, olive.post("/pauses/lift", what=what))

    assert [row["lifted_at"] is not None for row in world.rows(tables.pauses)] == [True]


def test_a_database_in_doubt_is_confirmed_only_after_the_password(world: World, olive: Person) -> None:
    with world.database.write() as connection:
        pauses.add(connection, PauseScope.EPOCH, None, "older", SYSTEM, world.now, None)
    world.lead_from()
    assert "1 email would be due" in read(olive, "/pauses")
    let_the_password_be_old(world)
    assert olive.get("/pauses/confirm").status_code == 303, "the password is asked for"

    olive.post("/prove", password="three green teapots", next="/pauses/confirm")
    assert "Shall this database send?" in read(olive, "/pauses/confirm")
    assert "Confirmed" in after(olive, olive.post("/pauses/confirm"))
    assert world.deliver() == {"sent": 1}


# --- parked ---------------------------------------------------------------------------------------------------


def park(world: World, count: int) -> list[str]:
    for number in range(count):
        world.capture(submissions.envelope(world.submission(email=f"lead{number}@example.com"), LOST))
    with world.database.read() as connection:
        return [item["id"] for item in parked.of_cause(connection, "submission", "UnknownSealKey", 99)]


def test_parked_items_show_their_cause_and_what_mends_it_and_never_their_contents(world: World, olive: Person) -> None:
    assert "Nothing is parked." in read(olive, "/parked")
    ids = park(world, 2)

    assert "Put that key back" in read(olive, "/parked")
    cause = read(olive, "/parked/cause?kind=submission&code=UnknownSealKey")
    assert "Item 2" in cause
    assert all(item_id in cause for item_id in ids)
    page = read(olive, f"/parked/items/{ids[0]}")
    assert "gone7" in page
    assert "example.com" not in page


def test_only_the_ticked_items_are_retried(console: Console, world: World, olive: Person) -> None:
    first, second = park(world, 2)
    assert "still can't be opened" in after(olive, olive.post("/parked/decide", ids=first, do="replay"))

    services = console.world.services
    with_key = replace(services, ring=KeyRing({**services.ring.keys, **LOST.keys}))
    mended = open_console(replace(world, services=with_key), world.folder).person(Role.OPERATOR, "omar")
    assert "1 handled now" in after(mended, mended.post("/parked/decide", ids=first, do="replay"))

    states = {row["id"]: row["state"] for row in world.rows(tables.parked)}
    assert (states[first], states[second]) == (parked.REPLAYED, parked.OPEN)


def test_nothing_is_ticked_unless_a_person_ticks_it(world: World, olive: Person) -> None:
    first, second = park(world, 2)
    address = "/parked/cause?kind=submission&code=UnknownSealKey"
    assert " checked" not in olive.get(address).text
    assert olive.get(f"{address}&all=1").text.count(" checked") == 2

    fields = {"kind": "submission", "code": "UnknownSealKey", "do": "dismiss"}
    again = olive.post("/parked/decide", ids=second, **fields).text
    assert f'value="{second}" checked' in again
    assert f'value="{first}" checked' not in again


def test_dismissing_wants_a_reason_and_something_ticked(world: World, olive: Person) -> None:
    (item,) = park(world, 1)
    for fields in ({"do": "dismiss", "ids": item}, {"do": "dismiss", "reason": "a test"}, {"do": "replay"}):
        answer = olive.post("/parked/decide", kind="submission", code="UnknownSealKey", **fields)
        assert answer.status_code == 422

    assert "1 item dismissed" in after(olive, olive.post("/parked/decide", ids=item, do="dismiss", reason="a test"))
    (entry,) = [row for row in world.rows(tables.timeline) if row["kind"] == "dismissed"]
    assert (entry["actor"], entry["detail"]["reason"]) == ("olive", "a test")


# --- unknown --------------------------------------------------------------------------------------------------


@pytest.fixture
def provider(world: World) -> ScriptedProvider:
    scripted = ScriptedProvider(answer=lambda _: AmbiguousDeliveryError("no_reply"))
    world.services.provider = scripted
    return scripted


def doubtful(world: World) -> str:
    lead_id = world.lead_from()
    world.deliver()
    (send,) = [row for row in world.sends(lead_id) if row["state"] == "unknown"]
    return str(send["id"])


def test_the_provider_is_asked_before_anyone_decides(world: World, olive: Person, provider: ScriptedProvider) -> None:
    assert "The outcome of every email is known." in read(olive, "/unknown")
    send = doubtful(world)
    assert "no reply" in read(olive, "/unknown")
    assert "It was not asked yet." in read(olive, f"/unknown/{send}")

    assert "does not know this email" in text_of(olive.post(f"/unknown/{send}/ask").text)
    provider.known[send] = Receipt(provider="scripted")
    assert "It has taken this email." in text_of(olive.post(f"/unknown/{send}/ask").text)


@pytest.mark.parametrize(("press", "state"), [("sent", "sent"), ("not_sent", "failed")])
def test_a_person_settles_it_with_a_reason(
    world: World, olive: Person, provider: ScriptedProvider, press: str, state: str
) -> None:
    send = doubtful(world)
    assert olive.post(f"/unknown/{send}/decide", do=press).status_code == 422

    after(olive, olive.post(f"/unknown/{send}/decide", do=press, reason="the log of the provider"))

    assert {row["id"]: row["state"] for row in world.sends()}[send] == state
    assert olive.get(f"/unknown/{send}").status_code == 404


def test_sending_again_is_asked_for_twice(world: World, olive: Person, provider: ScriptedProvider) -> None:
    send = doubtful(world)
    assert olive.post(f"/unknown/{send}/decide", do="resend", reason="please").status_code == 409
    let_the_password_be_old(world)
    assert olive.post(f"/unknown/{send}/resend", reason="please").status_code == 303
    assert {row["id"]: row["state"] for row in world.sends()}[send] == "unknown", "without the password nothing happens"

    olive.post("/prove", password="three green teapots", next=f"/unknown/{send}/resend")
    assert "gets the same email twice" in read(olive, f"/unknown/{send}/resend")
    after(olive, olive.post(f"/unknown/{send}/resend", reason="nothing came, she says"))

    assert {row["id"]: row["state"] for row in world.sends()}[send] == "planned"


# --- upcoming -------------------------------------------------------------------------------------------------


def test_the_calendar_leads_to_the_day_and_the_lead(world: World, console: Console) -> None:
    viewer = console.person(Role.VIEWER)
    assert "Nothing is planned" in read(viewer, "/upcoming")
    lead_id = world.lead_from()
    world.deliver()
    (planned,) = [row for row in world.sends(lead_id) if row["state"] == "planned"]
    day = planned["due_at"].date().isoformat()

    assert f"/console/upcoming/{day}" in viewer.get("/upcoming").text
    assert world.catalog.emails[planned["email"]].subject in read(viewer, f"/upcoming/{day}")
    assert f"/console/leads/{lead_id}" in viewer.get(f"/upcoming/{day}").text
    assert "paused" not in read(viewer, "/upcoming")
    pause(world.services, PauseScope.LOCATION, "carbondale", "phones are down", "jordan", None)
    assert "by jordan: phones are down" in read(viewer, "/upcoming")
    assert "location Carbondale is paused" in read(viewer, f"/upcoming/{day}")
    world.jump(planned["due_at"] - world.now - timedelta(hours=2))
    assert "1, 1 of them paused" in read(viewer, "/live")
    world.jump(timedelta(hours=3))
    assert "of them paused" not in read(viewer, "/live"), "it is due by now, and none of those ahead"
    world.jump(timedelta(hours=-3))
    assert "Nothing is planned" in read(viewer, f"/upcoming/{day}?location=albany")
    assert "Nothing is planned" in read(viewer, "/upcoming?location=albany")


@pytest.mark.parametrize("day", ["tomorrow", "2026-02-30", "0000-00-00"])
def test_a_day_that_is_none_is_not_found(olive: Person, day: str) -> None:
    assert olive.get(f"/upcoming/{day}").status_code == 404


def test_a_calendar_starts_with_today_in_a_row_of_its_week(world: World, olive: Person) -> None:
    world.lead_from()
    world.jump(timedelta(days=2))

    assert "4 Mar" in read(olive, "/upcoming")
