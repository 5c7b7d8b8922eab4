"""A booking system tells what happened: with a token, in any order, twice, and without learning who is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.databases import Databases
from tests.support.serving import intake_of
from tests.support.world import World
from worker.domain.events import STATUS_AFTER, LeadEvent, status_after
from worker.domain.ids import new_id
from worker.domain.tokens import TokenScope
from worker.errors import NotFound
from worker.storage import tables
from worker.usecases.staff.tokens import add_token, check_token, revoke_token


@pytest.fixture(scope="module")
def databases(sqlite_databases: Databases) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return sqlite_databases


@pytest.fixture
def http(world: World) -> Iterator[TestClient]:
    with intake_of(world) as client:
        yield client


@pytest.fixture
def token(world: World) -> str:
    return add_token(world.services, "booking system", TokenScope.EVENTS, "Jordan Example")[1]


def tell(http: TestClient, token: str | None, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return http.post("/v1/events", json=body, headers=headers)


def kind(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


def pending(world: World, lead_id: str) -> list[str]:
    return [row["email"] for row in world.sends(lead_id) if row["kind"] == "nurture" and row["state"] == "planned"]


@pytest.mark.parametrize("by", ["lead_id", "reference", "email", "phone"])
def test_a_booking_ends_the_sequence_by_whatever_name_the_lead_is_known(
    world: World, http: TestClient, token: str, by: str
) -> None:
    lead_id = world.lead_from(phone="618-555-0133")
    names = {
        "lead_id": lead_id,
        "reference": str(world.lead(lead_id)["reference"]).lower(),
        "email": "Maya@Example.com",
        "phone": "(618) 555-0133",
    }

    answer = tell(http, token, event="consultation_booked", **{by: names[by]})

    assert (answer.status_code, answer.json()) == (200, {"status": "recorded", "event": "consultation_booked"})
    assert pending(world, lead_id) == []
    assert world.lead(lead_id)["status"] == "booked"
    (entry,) = world.story(lead_id, "event")
    assert entry["actor"].startswith("token ")
    assert token not in entry["actor"]


def test_an_event_told_again_under_its_id_happened_once(world: World, http: TestClient, token: str) -> None:
    lead_id = world.lead_from()
    body = {"event": "consultation_booked", "email": "maya@example.com", "event_id": "booking-4711"}

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: tell(http, token, **body), range(6)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(world.story(lead_id, "event")) == 1


def test_the_id_of_one_event_can_not_tell_another(world: World, http: TestClient, token: str) -> None:
    world.lead_from()
    tell(http, token, event="replied", email="maya@example.com", event_id="one")

    answer = tell(http, token, event="became_patient", email="maya@example.com", event_id="one")

    assert (answer.status_code, kind(answer)) == (422, "idempotency-conflict")


def test_two_programs_may_use_the_same_ids(world: World, http: TestClient, token: str) -> None:
    lead_id = world.lead_from()
    _, other = add_token(world.services, "another", TokenScope.EVENTS, "Jordan Example")

    for each, event in ((token, "replied"), (other, "became_patient")):
        assert tell(http, each, event=event, email="maya@example.com", event_id="1").status_code == 200

    assert world.lead(lead_id)["status"] == "patient"


def test_an_id_that_no_lead_has_is_not_found(world: World, http: TestClient, token: str) -> None:
    answer = tell(http, token, event="replied", lead_id=new_id())

    assert (answer.status_code, kind(answer)) == (404, "no-lead")
    assert world.count(tables.parked) == 0


@pytest.mark.parametrize(
    "names", [{"email": "nobody@example.com"}, {"phone": "618-555-0199"}, {"reference": "TAC-0000-0000"}]
)
def test_of_somebody_unknown_it_is_kept_sealed_and_nothing_is_said(
    world: World, http: TestClient, token: str, names: Mapping[str, str]
) -> None:
    world.lead_from()

    answer = tell(http, token, event="replied", **names)

    assert (answer.status_code, answer.json()) == (202, {"status": "waiting", "event": "replied"})
    (item,) = world.rows(tables.parked)
    assert (item["kind"], item["state"]) == ("booking", "waiting")
    assert not any(value in answer.text + str(item) for value in names.values())


def test_what_is_told_before_its_lead_is_captured_counts_once_it_is(world: World, http: TestClient, token: str) -> None:
    """A program posts a form and tells of the booking at once: the post may still be in the spool."""
    submission = world.submission()
    for _ in range(2):
        told = tell(http, token, event="consultation_booked", reference=submission.reference, event_id="4711")
        assert told.status_code == 202

    world.capture(world.envelope(submission))
    (lead,) = world.rows(tables.leads)
    assert pending(world, lead["id"]) != []
    world.jump(timedelta(minutes=1))
    world.sweep()

    assert pending(world, lead["id"]) == []
    assert len(world.story(lead["id"], "event")) == 1
    assert {row["state"] for row in world.rows(tables.parked)} == {"replayed"}


def test_of_several_names_the_first_that_is_known_counts(world: World, http: TestClient, token: str) -> None:
    lead_id = world.lead_from(phone="618-555-0133")

    answer = tell(http, token, event="replied", email="other@example.com", phone="618-555-0133")

    assert answer.status_code == 200
    assert world.lead(lead_id)["status"] == "replied"


def test_a_phone_that_a_household_shares_is_never_guessed_at(world: World, http: TestClient, token: str) -> None:
    people = [world.lead_from(email=f"{name}@example.com", phone="618-555-0133") for name in ("ana", "ben")]

    answer = tell(http, token, event="replied", phone="618-555-0133")

    assert (answer.status_code, kind(answer)) == (409, "several-leads")
    assert not any(lead_id in answer.text for lead_id in people)
    assert [world.lead(lead_id)["status"] for lead_id in people] == ["new", "new"]


def test_without_a_token_in_force_nothing_is_told(world: World, http: TestClient, token: str) -> None:
    lead_id = world.lead_from()
    ended_id, ended = add_token(world.services, "old", TokenScope.EVENTS, "Jordan Example")
    revoke_token(world.services, ended_id, "Jordan Example")
    _, hooks = add_token(world.services, "form vendor", TokenScope.HOOKS, "Jordan Example", form="clinic")

    told = {"event": "replied", "email": "maya@example.com"}
    refused = [tell(http, each, **told) for each in (None, "", "nurture_x", token[:-1], ended)]

    assert [(answer.status_code, kind(answer)) for answer in refused] == [(401, "token")] * 5
    assert all(answer.headers["WWW-Authenticate"] == "Bearer" for answer in refused)
    other = tell(http, hooks, **told)
    assert (other.status_code, kind(other)) == (403, "token-scope")
    assert world.lead(lead_id)["status"] == "new"


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, {"event.unknown", "lead.missing"}),
        ({"event": "replied"}, {"lead.missing"}),
        ({"event": "exploded", "email": "maya@example.com"}, {"event.unknown"}),
        ({"event": "replied", "email": "maya"}, {"email.syntax"}),
        ({"event": "replied", "lead_id": "7"}, {"lead.syntax"}),
        ({"event": "replied", "reference": "7"}, {"reference.syntax"}),
        ({"event": "replied", "phone": "618-555-0133", "event_id": "x" * 201}, {"text.too_long"}),
    ],
)
def test_every_mistake_is_named_at_once(http: TestClient, token: str, body: Mapping[str, str], codes: set[str]) -> None:
    answer = tell(http, token, **body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["code"] for error in answer.json()["errors"]} == codes


def test_what_can_not_be_read_is_refused(http: TestClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    assert (
        http.post("/v1/events", content=b"{", headers={**headers, "Content-Type": "application/json"}).status_code
        == 400
    )
    assert http.post("/v1/events", content=b"x", headers={**headers, "Content-Type": "text/plain"}).status_code == 415
    assert http.post("/v1/events", json={"a": "x" * 70_000}, headers=headers).status_code == 413


def test_only_the_hash_of_a_token_is_kept_and_its_last_use(world: World, http: TestClient, token: str) -> None:
    world.lead_from()
    (before,) = world.rows(tables.tokens)

    tell(http, token, event="replied", email="maya@example.com")

    (row,) = world.rows(tables.tokens)
    assert token not in str(world.rows(tables.tokens)) + str(world.rows(tables.timeline))
    assert (before["last_used_at"], row["last_used_at"]) == (None, world.now)
    assert check_token(world.services, token, TokenScope.HOOKS) == (row["id"], False)
    with pytest.raises(NotFound):
        revoke_token(world.services, new_id(), "Jordan Example")


def test_a_status_never_falls_back_whatever_the_order_of_the_news() -> None:
    order = list(STATUS_AFTER.values())
    for before in ("new", *order):
        for event in LeadEvent:
            after = status_after(before, event)
            assert before == "new" or order.index(after) >= order.index(before)
            assert after in {before, STATUS_AFTER.get(event)}


def test_the_description_for_programs_says_that_a_token_is_needed(http: TestClient) -> None:
    described = http.get("/openapi.json").json()

    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    operation = described["paths"]["/v1/events"]["post"]
    assert operation["security"] == [{"token": []}]
    assert set(operation["responses"]) >= {"200", "202", "401", "403", "404", "409", "422"}
