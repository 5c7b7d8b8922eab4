"""Webhooks in the console: an admin adds a system, sees how it does, and acts on it; a secret is shown once."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook

from tests.support.console import Person, open_console, text_of
from tests.support.databases import Databases
from tests.support.telling import EVERYTHING, add, let_waits_end, listening, tell
from tests.support.world import World
from worker.delivery.hubspot import HUBSPOT_EVENTS
from worker.domain.outgoing_events import Tell
from worker.domain.redelivery import MAX_TRIES
from worker.domain.staff import Role
from worker.storage import tables
from worker.storage.endpoints import EndpointKind, open_access
from worker.usecases.webhooks.list_endpoints import Endpoint, list_endpoints
from worker.usecases.webhooks.manage import Agreement, add_endpoint

PATH = "/hook-that-is-secret"


@pytest.fixture(scope="module")
def databases(sqlite_databases: Databases) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return sqlite_databases


@pytest.fixture
def alex(world: World, tmp_path: Path) -> Person:
    return open_console(world, tmp_path).person(Role.ADMIN, "alex")


def only(world: World) -> Endpoint:
    (one,) = list_endpoints(world.services)
    return one


def press(person: Person, world: World, button: str, **fields: str) -> str:
    """A button on the page of the only system, and what the next page says."""
    answer = person.post(f"/webhooks/{only(world).id}", do=button, **fields)
    assert answer.status_code == 303, answer.text
    return text_of(person.get(f"/webhooks/{only(world).id}").text)


def secret_in(answer: Any) -> str:
    found = re.search(r"whsec_[\w+/=]+", answer.text)
    assert found, answer.text
    return found[0]


def test_nobody_is_told_at_first_and_the_page_says_what_it_is_for(alex: Person) -> None:
    assert "Nobody is told yet" in text_of(alex.get("/webhooks").text)


def test_a_system_is_added_tried_paused_and_told_later(world: World, alex: Person) -> None:
    with listening(world, 200) as server:
        url = server.url.replace("/hook", PATH)
        secret = secret_in(alex.post("/webhooks/add", url=url, name="warehouse", events="lead.created"))
        assert "It took the test event" in press(alex, world, "test")
        Webhook(secret).verify(server.requests[0].body, dict(server.requests[0].headers))

        assert "Paused" in press(alex, world, "pause")
        world.post()
        assert tell(world) == {}
        assert "1 event" in text_of(alex.get(f"/webhooks/{only(world).id}").text)
        press(alex, world, "resume")
        assert tell(world) == {"taken": 1}

    seen = alex.get("/webhooks").text + alex.get(f"/webhooks/{only(world).id}").text
    assert "warehouse" in seen
    assert [word for word in (PATH, secret) if word in seen] == []
    assert {entry["detail"]["what"] for entry in world.story(None, "endpoint")} == {"added", "paused", "resumed"}


def test_what_one_did_not_take_is_told_by_a_button(world: World, alex: Person) -> None:
    with listening(world, 500, 200) as server:
        add(world, server.url, events=("lead.created",))
        world.post()
        world.execute(update(tables.outgoing_events).values(attempts=MAX_TRIES - 1))
        assert tell(world) == {"away": 1}
        said = text_of(alex.get("/webhooks").text)
        assert "failing it answered 500 0 – 1 nothing" in said

        assert "1 parked event will be told again" in press(alex, world, "replay")
        let_waits_end(world)
        assert tell(world) == {"taken": 1}


def test_more_than_ids_wants_an_agreement_and_what_was_typed_stays(world: World, alex: Person) -> None:
    typed = {"url": "https://crm.example.com/in", "events": "lead.created", "tells": "contact"}

    refused = alex.post("/webhooks/add", **typed)
    assert refused.status_code == 422
    assert "say who agreed, and on which day" in text_of(refused.text)
    assert 'value="https://crm.example.com/in"' in refused.text
    assert list_endpoints(world.services) == []

    assert alex.post("/webhooks/add", **typed, agreed_by="Jordan Example", agreed_on="2026-01-05").status_code == 200
    assert "contact, agreed by Jordan Example on 2026-01-05" in text_of(alex.get(f"/webhooks/{only(world).id}").text)


def test_an_agreement_is_changed_from_the_page_and_the_audit_trail_says_by_whom_and_what_it_was(
    world: World, alex: Person
) -> None:
    endpoint_id, _ = add(world, "https://hooks.example.com", events=("lead.*",), agreement=EVERYTHING)
    path, typed = f"/webhooks/{endpoint_id}/change", {"agreed_by": "Robin Example", "agreed_on": "2026-02-03"}
    asked = alex.get(path).text
    assert re.findall(r'value="([a-z.*]+)" checked', asked) == ["lead.*", "contact", "condition"]
    assert 'value="Jordan Example"' in asked

    refused = alex.post(path, events="lead.*", tells="contact", agreed_by="", agreed_on="2026-02-03")
    assert refused.status_code == 422
    assert re.findall(r'value="([a-z.*]+)" checked', refused.text) == ["lead.*", "contact"], "what was typed stays"

    assert alex.post(path, events="lead.created", tells="contact", **typed).status_code == 303
    assert "contact, agreed by Robin Example on 2026-02-03" in text_of(alex.get(f"/webhooks/{endpoint_id}").text)
    assert only(world).events == ("lead.created",)
    entry = world.story(None, "endpoint")[-1]
    assert (entry["actor"], entry["detail"]["what"], entry["detail"]["tells"]) == ("alex", "changed", ["contact"])
    assert entry["detail"]["was"] == {
        "events": ["lead.*"], "tells": ["condition", "contact"],
        "agreed_by": "Jordan Example", "agreed_on": "2026-01-05",
    }  # fmt: skip


def test_another_secret_is_shown_once_and_a_removed_one_is_gone(world: World, alex: Person) -> None:
    with listening(world, 200) as server:
        endpoint_id, old = add(world, server.url)
        answer = alex.post(f"/webhooks/{endpoint_id}", do="rotate")
    assert secret_in(answer) != old
    assert "24 more hours" in text_of(answer.text)

    assert alex.post(f"/webhooks/{endpoint_id}/remove").status_code == 303
    assert list_endpoints(world.services) == []
    assert alex.get(f"/webhooks/{endpoint_id}").status_code == 404


def test_a_crm_gets_its_new_token_from_the_page_and_nobody_reads_it_there(world: World, alex: Person) -> None:
    agreement = Agreement(tells=frozenset({Tell.CONTACT}), by="Jordan Example", on=date(2026, 1, 5))
    endpoint_id, _ = add_endpoint(
        world.services, "HubSpot", "https://api.hubapi.com", HUBSPOT_EVENTS, agreement, "alex",
        kind=EndpointKind.HUBSPOT, secret="the old token",
    )  # fmt: skip

    assert "The new token is used" in press(alex, world, "rotate", token="the new token")
    refused = alex.post(f"/webhooks/{endpoint_id}/change", tells="condition", agreed_by="R", agreed_on="2026-02-03")
    assert "the agreement must cover contact data" in text_of(refused.text)
    assert only(world).tells == ("contact",)
    page = alex.get(f"/webhooks/{endpoint_id}").text
    (row,) = world.rows(tables.endpoints)

    assert open_access(row, world.services.ring).secret == "the new token"
    assert "the new token" not in page
    assert "Make another secret" not in page


def test_a_button_that_nobody_made_changes_nothing(world: World, alex: Person) -> None:
    endpoint_id, _ = add(world, "https://hooks.example.com")

    assert alex.post(f"/webhooks/{endpoint_id}", do="explode").status_code == 409
