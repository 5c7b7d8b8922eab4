"""A calendar tells of a booking: it ends the emails of the one who booked, once, and of nobody else."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.command import run_nurture
from tests.support.console import open_console, text_of
from tests.support.databases import Databases, SqliteDatabases
from tests.support.serving import intake_of
from tests.support.world import World
from worker.domain.staff import Role
from worker.domain.tokens import TokenScope
from worker.domain.waiting_bookings import WAITS_FOR
from worker.storage import tables
from worker.usecases.desk import unpark
from worker.usecases.events import receive_booking
from worker.usecases.events.receive_booking import Received, receive_again
from worker.usecases.privacy.erase import Erasure, erase_lead
from worker.usecases.staff.tokens import add_token, revoke_token

KEY = "3f0c2d4e5a69788796a5b4c3d2e1f0000102030405060708090a0b0c0d0e0f10"
URI = "https://api.calendly.com/scheduled_events/AAAAAAAAAAAAAAAA/invitees/BBBBBBBBBBBBBBBB"


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def http(world: World) -> Iterator[TestClient]:
    with intake_of(world) as client:
        yield client


@pytest.fixture
def calendly(world: World) -> str:
    return add_token(world.services, "Calendly", TokenScope.EVENTS, "Jordan Example", secret=KEY)[1]


@pytest.fixture
def calendar(world: World) -> str:
    return add_token(world.services, "a calendar", TokenScope.EVENTS, "Jordan Example")[1]


def invitee(event: str = "invitee.created", **changes: Any) -> dict[str, Any]:
    """As Calendly writes it; our own parts of it."""
    payload = {
        "uri": URI,
        "email": "maya@example.com",
        "name": "Maya Example",
        "first_name": None,
        "last_name": None,
        "status": "active",
        "text_reminder_number": None,
        "timezone": "America/Chicago",
        "event": URI.partition("/invitees")[0],
        "questions_and_answers": [{"question": "What brings you here?", "answer": "Sleep", "position": 0}],
        "tracking": {"utm_campaign": None, "utm_source": None, "utm_content": None, "salesforce_uuid": None},
        "rescheduled": False,
        "old_invitee": None,
        "new_invitee": None,
        "scheduled_event": {"name": "Consultation", "start_time": "2026-03-05T15:00:00.000000Z", "status": "active"},
        **changes,
    }
    return {
        "event": event,
        "created_at": "2026-03-02T16:00:00.000000Z",
        "created_by": "https://api.calendly.com/users/CCCCCCCCCCCCCCCC",
        "payload": payload,
    }


def signature(body: bytes, key: str = KEY, at: datetime | None = None) -> str:
    moment = str(int((at or datetime.now(UTC)).timestamp()))
    mac = hmac.new(key.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


def post(http: TestClient, token: str, content: dict[str, Any], signed: str | None = None) -> Any:
    body = json.dumps(content).encode()
    headers = {"Content-Type": "application/json", "Calendly-Webhook-Signature": signed or signature(body)}
    return http.post(f"/v1/hooks/calendly/{token}", content=body, headers=headers)


def planned(world: World, lead_id: str) -> list[str]:
    return [row["email"] for row in world.sends(lead_id) if row["kind"] == "nurture" and row["state"] == "planned"]


def test_a_booking_at_calendly_ends_the_emails_of_whoever_booked(world: World, http: TestClient, calendly: str) -> None:
    maya, other = world.lead_from(), world.lead_from(email="other@example.com")

    answer = post(http, calendly, invitee())
    again = post(http, calendly, invitee())

    assert [(each.status_code, each.json()) for each in (answer, again)] == [(200, {"status": "recorded"})] * 2
    assert planned(world, maya) == []
    assert planned(world, other) != []
    assert [entry["detail"]["event"] for entry in world.story(maya, "event")] == ["consultation_booked"]


def test_our_reference_in_the_link_is_surer_than_the_address(world: World, http: TestClient, calendly: str) -> None:
    maya, other = world.lead_from(), world.lead_from(email="other@example.com")
    tracking = {"utm_content": world.lead(maya)["reference"]}

    post(http, calendly, invitee(email="other@example.com", tracking=tracking))

    assert (planned(world, maya) == [], planned(world, other) == []) == (True, False)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda body: signature(body, "another key"),
        lambda body: signature(body + b" "),
        lambda body: signature(body, at=datetime.now(UTC) - timedelta(minutes=6)),
        lambda _: "t=,v1=",
        lambda _: "rubbish",
        lambda _: "t=99999999999999999999,v1=00",
    ],
)
def test_a_post_that_is_not_signed_with_the_key_silences_nobody(
    world: World, http: TestClient, calendly: str, wrong: Any
) -> None:
    lead_id = world.lead_from()

    answer = post(http, calendly, invitee(), wrong(json.dumps(invitee()).encode()))

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (401, "signature")
    assert planned(world, lead_id) != []


def test_a_cancellation_changes_nothing(world: World, http: TestClient, calendly: str) -> None:
    lead_id = world.lead_from()

    assert post(http, calendly, invitee("invitee.canceled", status="canceled")).json() == {"status": "not_needed"}
    assert planned(world, lead_id) != []


def test_who_never_wrote_to_us_is_left_alone(world: World, http: TestClient, calendly: str) -> None:
    assert post(http, calendly, invitee()).json() == {"status": "waiting"}
    world.jump(WAITS_FOR)

    assert (world.sweep()["heard"], world.sweep()["heard"]) == (1, 0)
    assert [row["state"] for row in world.rows(tables.parked)] == ["dismissed"]
    assert world.count(tables.alerts) == 0


def test_a_booking_that_comes_before_its_lead_is_heard_once_the_lead_is_there(
    world: World, http: TestClient, calendly: str
) -> None:
    post(http, calendly, invitee())
    assert world.sweep()["heard"] == 0
    maya = world.lead_from()
    assert planned(world, maya) != []
    world.jump(timedelta(minutes=1))

    assert (world.sweep()["heard"], world.sweep()["heard"]) == (1, 0)

    assert planned(world, maya) == []
    assert [entry["detail"]["event"] for entry in world.story(maya, "event")] == ["consultation_booked"]
    assert [row["state"] for row in world.rows(tables.parked)] == ["replayed"]


def test_an_event_that_came_too_early_is_heard_by_the_next_sweep_once_its_lead_is_there_and_once_only(
    world: World, http: TestClient, calendar: str
) -> None:
    """However short a time that is. The event has no id of its own."""
    for who in ("stranger", "maya"):
        http.post(f"/v1/hooks/booking/{calendar}", json={"email": f"{who}@example.com"})
    stranger, early = sorted(world.rows(tables.parked), key=lambda row: str(row["id"]))
    assert world.sweep()["heard"] == 0
    maya = world.lead_from()

    assert (world.sweep()["heard"], world.sweep()["heard"]) == (1, 0)
    assert receive_again(world.services, early) is Received.RECORDED, "by a worker that had read it before"

    assert planned(world, maya) == []
    assert [entry["detail"]["event"] for entry in world.story(maya, "event")] == ["consultation_booked"]
    left = {row["id"]: row for row in world.rows(tables.parked)}
    assert left[early["id"]]["state"] == "replayed"
    assert left[stranger["id"]] == stranger, "it was only looked at"


def test_a_new_booking_is_heard_however_many_of_strangers_wait_for_longer(
    world: World, http: TestClient, calendly: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive_booking, "_LOOK_AT", 3)
    for number in range(4):
        post(http, calendly, invitee(email=f"stranger{number}@example.com"))
    for minutes in (1, 1, 10, 10):
        world.jump(timedelta(minutes=minutes))
        world.sweep()
    world.jump(timedelta(minutes=1))
    post(http, calendly, invitee())
    world.lead_from()
    world.jump(timedelta(minutes=1))

    assert world.sweep()["heard"] == 1


def test_what_waits_is_counted_and_listed_and_says_nothing_about_whom(
    world: World, http: TestClient, calendly: str, tmp_path: Path
) -> None:
    olive = open_console(world, tmp_path).person(Role.OPERATOR, "olive")
    assert "Told early" not in olive.get("/parked").text
    post(http, calendly, invitee())
    world.jump(timedelta(minutes=5))

    listed = run_nurture(str(world.database.url), world.folder, "parked", "list", "--waiting", "--json")
    seen = [olive.get(path).text for path in ("/", "/parked", f"/parked/items/{world.rows(tables.parked)[0]['id']}")]

    assert [item["code"] for item in json.loads(listed.stdout)["parked"]] == ["booking_no_lead"]
    assert "Events told before their lead 1" in text_of(seen[0])
    assert "Events that wait for their lead" in seen[1]
    assert "Nothing is to be done" in seen[2]
    assert "maya" not in "".join(seen) + listed.stdout


def test_a_waiting_booking_that_turns_out_to_mean_several_is_for_a_person(
    world: World, http: TestClient, calendar: str
) -> None:
    http.post(f"/v1/hooks/booking/{calendar}", json={"phone": "618-555-0133"})
    for name in ("ana", "ben"):
        world.lead_from(email=f"{name}@example.com", phone="618-555-0133")
    world.jump(timedelta(minutes=1))

    world.sweep()

    (item,) = world.rows(tables.parked)
    assert (item["state"], item["code"]) == ("open", "booking_several_leads")
    assert "booking_parked" in [row["kind"] for row in world.rows(tables.alerts)]


def test_the_example_of_the_page_ends_the_emails_at_any_calendar(world: World, http: TestClient, calendar: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "integrators" / "bookings.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```json run=booking\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lead_id = world.lead_from()

    answer = http.post(f"/v1/hooks/booking/{calendar}", content=example.encode())
    form = http.post(f"/v1/hooks/booking/{calendar}", data={"email": "maya@example.com", "event_id": "booking-4711"})

    assert answer.json() == form.json() == {"status": "recorded"}
    assert planned(world, lead_id) == []
    assert len(world.story(lead_id, "event")) == 1


@pytest.mark.parametrize("body", [b"", b"\x00", b"[]", b"{}", b'{"email": {"a": 1}}', b'{"event": "x", "phone": "1"}'])
def test_what_can_not_be_read_is_kept_and_told(world: World, http: TestClient, calendar: str, body: bytes) -> None:
    answer = http.post(f"/v1/hooks/booking/{calendar}", content=body)

    assert (answer.status_code, answer.json()) == (200, {"status": "parked"})
    (item,) = world.rows(tables.parked)
    assert item["kind"] == "booking"
    assert [row["kind"] for row in world.rows(tables.alerts)] == ["booking_parked"]
    assert unpark.replay(world.services, item["id"], "Jordan Example").parked == 1


def test_a_household_s_phone_is_for_a_person_to_decide_and_is_read_again(
    world: World, http: TestClient, calendar: str
) -> None:
    ana, ben = (world.lead_from(email=f"{name}@example.com", phone="618-555-0133") for name in ("ana", "ben"))

    answer = http.post(f"/v1/hooks/booking/{calendar}", json={"phone": "618-555-0133"})
    assert answer.json() == {"status": "parked"}
    assert (planned(world, ana) != [], planned(world, ben) != []) == (True, True)

    erase_lead(world.services, ben, Erasure(actor="Jordan Example", reason="asked"))
    (item,) = world.rows(tables.parked)
    assert unpark.replay(world.services, item["id"], "Jordan Example").parked == 0
    assert planned(world, ana) == []


def test_only_a_token_for_events_that_is_in_force_is_heard(world: World, http: TestClient, calendar: str) -> None:
    lead_id = world.lead_from()
    ended_id, ended = add_token(world.services, "old", TokenScope.EVENTS, "Jordan Example")
    revoke_token(world.services, ended_id, "Jordan Example")
    _, form = add_token(world.services, "a form", TokenScope.HOOKS, "Jordan Example", form="clinic")

    for token in (ended, form, "nurture_x", calendar[:-1]):
        answer = http.post(f"/v1/hooks/booking/{token}", json={"email": "maya@example.com"})
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "hook-unknown")
    assert planned(world, lead_id) != []
