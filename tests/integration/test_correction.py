"""A corrected identity counts at once, for finding, mailing and suppression; wishes move with the person."""

from __future__ import annotations

import threading

import pytest

from tests.support.command import run_nurture
from tests.support.world import ScriptedProvider, World, open_world
from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.consent import SuppressionReason
from worker.errors import (
    BelongsToAnother,
    NamesPerson,
    NotFound,
    PermanentDeliveryError,
    UnusableContact,
)
from worker.storage import claims, gate, suppressions, tables
from worker.storage.database import real_now
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.desk.find_lead import find_lead
from worker.usecases.privacy.correct_identity import IdentityCorrected, correct_identity
from worker.usecases.sending.compose import make_token

WHY = "a typing error, told on the phone"


def correct(world: World, lead_id: str, reason: str = WHY, **wanted: str) -> IdentityCorrected:
    return correct_identity(world.services, lead_id, wanted, reason=reason, actor="jordan")


def identity(world: World, lead_id: str) -> tuple[str | None, ...]:
    known = world.services.vault.open_identity(world.lead(lead_id))
    return known.email, known.phone, known.first_name, known.last_name


def find(world: World, wanted: str) -> str:
    with world.database.read() as connection:
        return find_lead(connection, world.services.vault, wanted)


def test_what_is_given_changes_and_the_rest_stays(world: World) -> None:
    lead_id = world.lead_from(last_name="Example", phone="618-555-0101")

    done = correct(world, lead_id, email="  Maja@Example.com ", first_name="Maja", phone="(618) 555-0199")

    assert set(done.changed) == {"email", "first_name", "phone"}
    assert identity(world, lead_id) == ("maja@example.com", "+16185550199", "Maja", "Example")
    (entry,) = world.story(lead_id, "identity_corrected")
    assert (entry["actor"], entry["detail"]["reason"]) == ("jordan", WHY)
    assert sorted(entry["detail"]["fields"]) == ["email", "first_name", "phone"]
    assert "maja" not in str(world.story(lead_id)).lower()


def test_they_are_found_by_the_new_address_and_number_and_not_by_the_old(world: World) -> None:
    lead_id = world.lead_from(phone="618-555-0101")
    correct(world, lead_id, email="maja@example.com", phone="618-555-0199")

    assert find(world, "maja@example.com") == find(world, "618-555-0199") == lead_id
    for old in ("maya@example.com", "618-555-0101"):
        with pytest.raises(NotFound):
            find(world, old)
    assert world.lead_from(email="maja@example.com") == lead_id


def test_what_was_posted_stays_as_it_was_posted(world: World) -> None:
    submission = world.post()
    before = world.stored(submission)
    correct(world, before["lead_id"], email="maja@example.com", first_name="Maja")

    assert world.stored(submission) == before


def test_what_is_planned_goes_to_the_new_address(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    correct(world, lead_id, email="maja@example.com", first_name="Maja")
    world.jump_to_next_due()
    world.deliver()

    assert [mail["To"] for mail in world.mail] == ["maya@example.com", "maja@example.com"]
    body = world.mail[1].get_body(("plain",))
    assert body is not None
    assert "Maja" in body.get_content()


def test_what_was_composed_for_the_old_address_does_not_pass_the_gate(world: World, world_url: str) -> None:
    """A worker has claimed it; the correction comes before the hand-over."""
    lead_id = world.lead_from()
    with open_world(world_url, world.folder) as other, other.database.write() as connection:
        claimed = claims.claim_due(connection, world.now, real_now(connection), 10)
        snapshot, _ = other.services.content.renderer(connection)

    correct(world, lead_id, email="maja@example.com")

    with world.database.write() as connection:
        assert gate.hand_over(connection, claimed, snapshot, world.now, real_now(connection)) == set()
    world.deliver()
    assert [mail["To"] for mail in world.mail] == ["maja@example.com"]


def test_a_hand_over_under_way_ends_as_it_began(world: World, world_url: str) -> None:
    lead_id = world.lead_from()
    begun, go_on = threading.Event(), threading.Event()

    def answer(_message: Message) -> Outcome:
        begun.set()
        assert go_on.wait(30)
        return Receipt(provider="slow")

    with open_world(world_url, world.folder, provider=ScriptedProvider(answer=answer)) as other:
        worker = threading.Thread(target=other.deliver)
        worker.start()
        assert begun.wait(30)
        correct(world, lead_id, email="maja@example.com")
        go_on.set()
        worker.join(timeout=30)

    assert world.send("acknowledgement", lead_id)["state"] == "sent"


def test_a_suppression_of_the_new_address_counts_at_once(world: World) -> None:
    lead_id = world.lead_from()
    suppressed = world.services.vault.email_hash("maja@example.com")
    assert suppressed
    with world.database.write() as connection:
        suppressions.add(connection, suppressed, SuppressionReason.COMPLAINED, "webhook", world.now)

    assert correct(world, lead_id, email="maja@example.com").is_suppressed
    world.run()

    assert world.mail == []


def test_who_unsubscribed_stays_so_under_the_new_address(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    token = make_token(world.send("acknowledgement", lead_id)["id"], "unsubscribe", world.services.vault.lookup)
    unsubscribe(world.services, token, "one_click")

    assert correct(world, lead_id, email="maja@example.com").is_suppressed

    hashes = {world.services.vault.email_hash(f"{name}@example.com") for name in ("maya", "maja")}
    assert {row["address_hash"] for row in world.rows(tables.suppressions)} == hashes
    world.run()
    assert len(world.mail) == 1


def test_that_the_old_address_bounced_says_nothing_about_the_new_one(world: World) -> None:
    lead_id = world.lead_from()
    outbox = world.services.provider
    world.services.provider = ScriptedProvider(answer=lambda _: PermanentDeliveryError("smtp_550", address_is_bad=True))
    world.deliver()
    world.services.provider = outbox

    assert not correct(world, lead_id, email="maja@example.com").is_suppressed
    assert world.lead_from(email="maja@example.com") == lead_id


def test_someone_known_by_phone_gets_what_they_agreed_to_once_there_is_an_address(world: World) -> None:
    lead_id = world.lead_from(email=None, phone="618-555-0101")
    assert world.sends(lead_id) == []

    correct(world, lead_id, email="maya@example.com")
    world.jump_to_next_due()
    world.deliver()

    assert [mail["To"] for mail in world.mail] == ["maya@example.com"]


@pytest.mark.parametrize("wanted", [{"email": "omar@example.com"}, {"email": "OMAR@example.com"}])
def test_an_address_of_another_lead_is_refused_and_the_other_one_named(world: World, wanted: dict[str, str]) -> None:
    other, lead_id = world.lead_from(email="omar@example.com"), world.lead_from()
    before = world.rows(tables.leads), world.rows(tables.timeline)

    with pytest.raises(BelongsToAnother, match=other):
        correct(world, lead_id, **wanted)

    assert (world.rows(tables.leads), world.rows(tables.timeline)) == before


def test_people_of_one_household_may_share_a_number_but_not_when_it_is_all_there_is(world: World) -> None:
    first = world.lead_from(email=None, phone="618-555-0101")
    second = world.lead_from(email=None, phone="618-555-0102")
    third = world.lead_from(phone="618-555-0103")

    with pytest.raises(BelongsToAnother, match=first):
        correct(world, second, phone="618-555-0101")
    assert correct(world, third, phone="618-555-0101").changed == ("phone",)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"email": "not an address"}, "email.syntax"),
        ({"phone": "12"}, "phone.too_short"),
        ({"email": ""}, "contact.missing"),
    ],
)
def test_what_can_t_be_used_is_refused_with_a_reason(world: World, wanted: dict[str, str], code: str) -> None:
    lead_id = world.lead_from()

    with pytest.raises(UnusableContact) as caught:
        correct(world, lead_id, **wanted)

    assert caught.value.code == code
    assert identity(world, lead_id)[0] == "maya@example.com"


@pytest.mark.parametrize("reason", ["Maya rang", "was maya@example.com", "now maja@example.com"])
def test_a_reason_that_names_them_is_refused(world: World, reason: str) -> None:
    with pytest.raises(NamesPerson):
        correct(world, world.lead_from(), reason, email="maja@example.com")


def test_correcting_to_what_it_is_changes_and_notes_nothing(world: World) -> None:
    lead_id = world.lead_from()

    assert correct(world, lead_id, email="MAYA@example.com").changed == ()
    assert world.story(lead_id, "identity_corrected") == []


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)  # the use case is tried on both
def test_the_command_corrects_and_says_what(world: World, world_url: str) -> None:
    lead_id = world.lead_from()

    done = run_nurture(world_url, world.folder, "leads", "correct", lead_id, "--last-name", "Example", "--reason", WHY)

    assert done.stdout == "Corrected: last_name.\n"
    assert identity(world, lead_id)[3] == "Example"
    nothing = run_nurture(world_url, world.folder, "leads", "correct", lead_id, "--reason", WHY)
    assert nothing.returncode == 1
    assert "Nothing to correct" in nothing.stderr
