"""HubSpot: one contact for each person, however often and in whatever order it is told, and no health without word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.support.databases import Databases, SqliteDatabases
from tests.support.providers.hubspot import HubSpotStub
from tests.support.telling import HERE, SECRET, let_waits_end, tell
from tests.support.world import World
from worker.domain.events import LeadEvent
from worker.domain.outgoing_events import Tell
from worker.domain.redelivery import Fate
from worker.errors import Refused
from worker.storage import tables
from worker.storage.endpoints import EndpointKind
from worker.usecases.events.record_event import record_event
from worker.usecases.privacy.erase import Erasure, erase_lead
from worker.usecases.webhooks import manage
from worker.usecases.webhooks.manage import LEAD_EVENTS, Agreement


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def hubspot() -> Iterator[HubSpotStub]:
    stub = HubSpotStub()
    yield stub
    stub.close()


def connect(world: World, stub: HubSpotStub, *tells: Tell, token: str = "") -> str:
    world.services.reach = HERE
    agreement = Agreement(tells=frozenset(tells), by="Jordan Example", on=date(2026, 1, 5))
    return manage.add_endpoint(
        world.services, "", stub.endpoint, LEAD_EVENTS, agreement, "Jordan Example",
        kind=EndpointKind.HUBSPOT, secret=token or stub.credentials,
    )[0]  # fmt: skip


def contact(stub: HubSpotStub) -> dict[str, Any]:
    (found,) = stub.contacts.values()
    return found


def test_a_lead_becomes_one_contact_that_follows_what_happens(world: World, hubspot: HubSpotStub) -> None:
    connect(world, hubspot, Tell.CONTACT)
    lead_id = world.lead_from(**SECRET)
    world.deliver()
    tell(world)
    asked = dict(contact(hubspot))
    record_event(world.services, lead_id, LeadEvent.CONSULTATION_BOOKED, "Jordan Example")
    tell(world)

    assert asked == {
        "email": SECRET["email"], "firstname": "Zebedee", "lastname": "Quillfeather", "phone": "+16185550173",
        "clinic_reference": world.lead(lead_id)["reference"], "clinic_location": "carbondale", "clinic_stage": "asked",
    }  # fmt: skip
    assert contact(hubspot) == {**asked, "clinic_stage": "booked"}
    assert {row["state"] for row in world.rows(tables.outgoing_events)} == {"taken"}


def test_who_is_erased_here_is_deleted_there(world: World, hubspot: HubSpotStub) -> None:
    connect(world, hubspot, Tell.CONTACT)
    gone, stays = world.lead_from(**SECRET), world.lead_from(email="other@example.com")
    tell(world)
    reference = world.lead(stays)["reference"]

    erase_lead(world.services, gone, Erasure(actor="Jordan Example", reason="asked"))
    tell(world)

    assert contact(hubspot)["clinic_reference"] == reference


def test_who_is_a_contact_already_is_updated(world: World, hubspot: HubSpotStub) -> None:
    hubspot.contacts["77"] = {"email": "maya@example.com", "firstname": "M.", "company": "Example Bakery"}
    connect(world, hubspot, Tell.CONTACT)
    world.post()
    tell(world)

    assert (
        contact(hubspot).items() >= {"firstname": "Maya", "company": "Example Bakery", "clinic_stage": "asked"}.items()
    )


def test_health_is_told_only_where_that_was_agreed(world: World, hubspot: HubSpotStub) -> None:
    hubspot.properties |= {"clinic_condition", "clinic_treatment"}
    plain = connect(world, hubspot, Tell.CONTACT)
    world.post(**SECRET)
    tell(world)
    said = str([request.body for request in hubspot.requests])
    assert [word for word in ("ptsd", "spravato", "worries") if word in said.lower()] == []

    manage.remove_endpoint(world.services, plain, "Jordan Example")
    connect(world, hubspot, Tell.CONTACT, Tell.CONDITION)
    world.post(**{**SECRET, "email": "other@example.com"})
    tell(world)
    assert hubspot.contacts["502"].items() >= {"clinic_condition": "ptsd", "clinic_treatment": "spravato"}.items()


def test_without_an_agreement_on_contact_data_there_is_nothing_to_connect(world: World, hubspot: HubSpotStub) -> None:
    with pytest.raises(Refused, match="contact"):
        connect(world, hubspot, Tell.CONDITION)


@pytest.mark.parametrize("fields", [{"email": None, "phone": "618-555-0142"}, {"form": "sandbox"}])
def test_nobody_becomes_a_contact_without_an_address_or_as_a_test(
    world: World, hubspot: HubSpotStub, fields: dict[str, str | None]
) -> None:
    connect(world, hubspot, Tell.CONTACT)
    world.post(**fields)

    assert tell(world).keys() == {"taken"}
    assert hubspot.contacts == {}


def test_no_address_stands_in_a_url(world: World, hubspot: HubSpotStub) -> None:
    connect(world, hubspot, Tell.CONTACT)
    world.post()
    tell(world)

    assert [request.target for request in hubspot.requests if "maya" in request.target] == []


@pytest.mark.parametrize("deed", ["500_before", "drop_after", "429", "garbage"])
def test_whatever_hubspot_does_there_is_one_contact_in_the_end(world: World, hubspot: HubSpotStub, deed: str) -> None:
    connect(world, hubspot, Tell.CONTACT)
    hubspot.next = [deed]
    world.post()
    for _ in range(3):
        tell(world)
        let_waits_end(world)

    assert contact(hubspot)["clinic_stage"] == "asked"
    assert {row["state"] for row in world.rows(tables.outgoing_events)} == {"taken"}


def test_a_contact_that_hubspot_refuses_is_parked_and_holds_up_nobody(world: World, hubspot: HubSpotStub) -> None:
    hubspot.bad_addresses = {"odd@example.com"}
    connect(world, hubspot, Tell.CONTACT)
    world.post(email="odd@example.com")
    world.post()
    tell(world)

    assert {(row["kind"], row["code"]) for row in world.rows(tables.parked)} == {("event", "hubspot_400")}
    assert contact(hubspot)["email"] == "maya@example.com"


def test_a_test_finds_a_wrong_token_and_missing_properties(world: World, hubspot: HubSpotStub) -> None:
    endpoint_id = connect(world, hubspot, Tell.CONTACT, token="pat-wrong")
    assert manage.try_endpoint(world.services, endpoint_id).code == "hubspot_401"

    manage.rotate_secret(world.services, endpoint_id, "Jordan Example", hubspot.credentials)
    assert manage.try_endpoint(world.services, endpoint_id).fate is Fate.TAKEN
    hubspot.properties = set()
    assert manage.try_endpoint(world.services, endpoint_id).code == "hubspot_property_missing"
    world.post()
    assert tell(world) == {"away": 1}, "it is the same for every contact, so all wait until it is mended"
    with pytest.raises(Refused, match="token"):
        manage.rotate_secret(world.services, endpoint_id, "Jordan Example")
