"""Erasure: whatever state a lead is in and whoever is mailing it, nothing of the person is left; all else is."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.support.world import ScriptedProvider, World, open_world
from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.events import LeadEvent
from worker.domain.forms import TokenCheck
from worker.domain.sends import SendState
from worker.errors import (
    AmbiguousDeliveryError,
    NamesPerson,
    NotFound,
    PermanentDeliveryError,
    TransientDeliveryError,
    WithProvider,
)
from worker.storage import claims, gate, parked, persons, tables
from worker.storage.database import real_now
from worker.storage.parked import ParkedKind
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.desk.find_lead import find_lead
from worker.usecases.events.record_event import record_event
from worker.usecases.privacy.erase import Erased, Erasure, erase_lead
from worker.usecases.privacy.finish_erasures import finish_erasures
from worker.usecases.sending.compose import make_token
from worker.usecases.sending.record_outcome import record_outcome
from worker.usecases.sweep import sweep

ASKED = Erasure(actor="jordan", reason="asked for it by phone")
NADIA: Mapping[str, str] = {
    "email": "nadia@example.com",
    "first_name": "Nadia",
    "last_name": "Fledermaus",
    "phone": "618-555-0173",
    "message": "A heliotrope question about sleep.",
}


def never(_seconds: float) -> None:
    raise AssertionError("nothing is in flight, so nothing is waited for")


def erase(world: World, lead_id: str, erasure: Erasure = ASKED) -> Erased:
    return erase_lead(world.services, lead_id, erasure, sleep=never)


def row_texts(world: World) -> dict[str, list[str]]:
    return {table.name: [str(row) for row in world.rows(table)] for table in tables.metadata.sorted_tables}


def assert_gone(world: World, lead_id: str, done: Erased) -> None:
    assert done.residue.found == ()
    assert done.residue.is_clean
    held = row_texts(world)
    assert not any(lead_id in text for texts in held.values() for text in texts)
    assert [name for name in ("leads", "submissions", "sends", "consents") if held[name]] == []


# --- every state ----------------------------------------------------------------------------------------------


def as_planned(world: World) -> str:
    return world.lead_from(**NADIA)


def as_claimed(world: World) -> str:
    lead_id = world.lead_from(**NADIA)
    with world.database.write() as connection:
        assert claims.claim_due(connection, world.now, real_now(connection), 10)
    return lead_id


def as_handed_over_by_a_worker_that_died(world: World) -> str:
    def die(_message: Message) -> Outcome:
        raise KeyboardInterrupt

    lead_id, outbox = world.lead_from(**NADIA), world.services.provider
    world.services.provider = ScriptedProvider(answer=die)
    with pytest.raises(KeyboardInterrupt):
        world.deliver()
    world.services.provider = outbox
    world.let_leases_lapse()
    return lead_id


def as_sent(world: World) -> str:
    lead_id = world.lead_from(**NADIA)
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    world.tell_staff()
    return lead_id


def answered_with(outcome: Outcome) -> Callable[[World], str]:
    def reach(world: World) -> str:
        lead_id, outbox = world.lead_from(**NADIA), world.services.provider
        world.services.provider = ScriptedProvider(answer=lambda _: outcome)
        world.deliver()
        world.services.provider = outbox
        world.sweep()
        return lead_id

    return reach


def as_held_in_crisis(world: World) -> str:
    lead_id = world.lead_from(**{**NADIA, "message": "I want to die"})
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    return lead_id


def as_unsubscribed(world: World) -> str:
    lead_id = world.lead_from(**NADIA)
    world.deliver()
    send = world.send("acknowledgement", lead_id)
    unsubscribe(world.services, make_token(send["id"], "unsubscribe", world.services.vault.lookup), "one_click")
    return lead_id


def as_booked(world: World) -> str:
    lead_id = as_sent(world)
    record_event(world.services, lead_id, LeadEvent.CONSULTATION_BOOKED, "jordan")
    return lead_id


def as_done(world: World) -> str:
    lead_id = world.lead_from(**NADIA)
    world.run()
    return lead_id


def as_known_by_phone_only(world: World) -> str:
    return world.lead_from(**{**NADIA, "email": None})


def as_having_written_twice_and_once_in_vain(world: World) -> str:
    lead_id = world.lead_from(**NADIA)
    world.post(**{**NADIA, "message": "Another heliotrope question."})
    quarantined = world.submission(**NADIA, token=TokenCheck(suspicion="token.forged"))
    world.capture(world.envelope(quarantined))
    world.post(**NADIA, key="k1")
    world.post(**{**NADIA, "message": "a third"}, key="k1")  # parked
    world.tell_staff()
    with world.database.write() as connection:
        raw = json.dumps({"body": base64.b64encode(world.envelope(quarantined).encode()).decode()}).encode()
        parked.park_message(connection, raw, "unknown_task", world.services.ring, world.now)
        webhook = b'{"recipient": "Nadia@Example.com"}'
        parked.park_message(connection, webhook, "unmapped", world.services.ring, world.now, ParkedKind.FEEDBACK)
    return lead_id


STATES: dict[str, Callable[[World], str]] = {
    "planned": as_planned,
    "claimed": as_claimed,
    "handed over by a worker that died": as_handed_over_by_a_worker_that_died,
    "sent": as_sent,
    "refused for now": answered_with(TransientDeliveryError("smtp_451")),
    "unknown": answered_with(AmbiguousDeliveryError("smtp_no_answer_after_data")),
    "refused for good": answered_with(PermanentDeliveryError("smtp_550", address_is_bad=True)),
    "held in crisis": as_held_in_crisis,
    "unsubscribed": as_unsubscribed,
    "booked": as_booked,
    "through with the sequence": as_done,
    "known by phone only": as_known_by_phone_only,
    "written twice, once in vain": as_having_written_twice_and_once_in_vain,
}


@pytest.mark.parametrize("state", sorted(STATES))
def test_a_person_is_erased_in_every_state(world: World, state: str) -> None:
    lead_id = STATES[state](world)

    done = erase(world, lead_id)

    assert_gone(world, lead_id, done)
    assert row_texts(world)["parked"] == []
    assert list((world.folder / "outbox").glob("*.eml")) == []
    (entry,) = [row for row in world.rows(tables.timeline) if row["kind"] == "erased"]
    assert (entry["lead_id"], entry["actor"], entry["detail"]["reason"]) == (None, "jordan", ASKED.reason)
    assert entry["detail"]["number"] == done.number
    world.deliver()
    world.sweep()
    world.tell_staff()
    with world.database.read() as connection, pytest.raises(NotFound):
        find_lead(connection, world.services.vault, "nadia@example.com")


def test_nobody_else_is_touched(world: World) -> None:
    other = world.lead_from(email="omar@example.com", phone=NADIA["phone"], message="Same household.")
    world.capture(world.envelope(world.submission(email="q@example.com", token=TokenCheck(suspicion="token.forged"))))
    lead_id = as_having_written_twice_and_once_in_vain(world)
    world.deliver()
    with world.database.read() as connection:
        before = persons.find(connection, other)
    mail_before = [mail["To"] for mail in world.mail if mail["To"] == "omar@example.com"]

    erase(world, lead_id)

    with world.database.read() as connection:
        assert persons.find(connection, other) == before
    assert [mail["To"] for mail in world.mail] == mail_before == ["omar@example.com"]
    assert [row["status"] for row in world.rows(tables.submissions)].count("quarantined") == 1


def test_a_reason_that_names_the_person_is_refused_before_anything_happens(world: World) -> None:
    lead_id = as_sent(world)
    before = row_texts(world)

    for reason in ("Nadia asked", "mail from NADIA@example.com", "call from (618) 555-0173", "ms. fledermaus rang"):
        with pytest.raises(NamesPerson):
            erase(world, lead_id, replace(ASKED, reason=reason))

    assert row_texts(world) == before


def test_a_lead_that_is_not_there_is_not_erased(world: World) -> None:
    with pytest.raises(NotFound):
        erase(world, "00000000-0000-7000-8000-000000000000")


def test_someone_whose_key_is_lost_can_be_erased_all_the_same(world: World) -> None:
    lead_id = as_sent(world)
    world.execute(update(tables.leads).values(email_sealed="s1.lost1.AAAA"))

    assert_gone(world, lead_id, erase(world, lead_id))


def test_an_erasure_that_was_interrupted_goes_on_when_asked_again(world: World) -> None:
    lead_id = as_handed_over_by_a_worker_that_died(world)
    world.execute(update(tables.sends).values(state=SendState.HANDED_OVER, lease_until=world.now.replace(year=2100)))

    def give_up(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        erase_lead(world.services, lead_id, ASKED, sleep=give_up)
    assert world.lead(lead_id)["status"] == "erasing"
    assert not [send for send in world.sends(lead_id) if send["state"] in {"planned", "claimed", "held"}]

    world.let_leases_lapse()
    assert_gone(world, lead_id, erase(world, lead_id))


def test_an_erasure_that_could_not_wait_is_finished_by_a_sweep(world: World) -> None:
    lead_id = as_handed_over_by_a_worker_that_died(world)
    world.execute(update(tables.sends).values(state=SendState.HANDED_OVER, lease_until=world.now.replace(year=2100)))

    with pytest.raises(WithProvider):
        erase_lead(world.services, lead_id, ASKED, patience=timedelta(0), sleep=never)
    assert finish_erasures(world.services) == 0, "whoever asked may still be at it"
    assert finish_erasures(world.services, timedelta(0)) == 0, "it is with the provider still"
    world.let_leases_lapse()

    assert finish_erasures(world.services, timedelta(0)) == 1
    assert world.rows(tables.leads) == []
    (entry,) = [row for row in world.rows(tables.timeline) if row["kind"] == "erased"]
    assert (entry["actor"], entry["detail"]["reason"]) == (ASKED.actor, ASKED.reason)
    assert sweep(world.services)["erased"] == 0


# --- while a worker is sending to them ------------------------------------------------------------------------


def test_what_was_claimed_before_the_erasure_does_not_pass_the_gate(world: World) -> None:
    lead_id = world.lead_from(**NADIA)
    with world.database.write() as connection:
        claimed = claims.claim_due(connection, world.now, real_now(connection), 10)
        snapshot, _ = world.services.content.renderer(connection)

    erase(world, lead_id)

    with world.database.write() as connection:
        assert gate.hand_over(connection, claimed, snapshot, world.now, real_now(connection)) == set()


@pytest.mark.parametrize(
    "outcome",
    [
        Receipt(provider="late"),
        TransientDeliveryError("smtp_451"),
        AmbiguousDeliveryError("smtp_no_answer_after_data"),
        PermanentDeliveryError("smtp_550", address_is_bad=True),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_a_late_outcome_of_an_erased_send_changes_nothing(world: World, outcome: Outcome) -> None:
    lead_id = as_handed_over_by_a_worker_that_died(world)
    (send,) = [send for send in world.sends(lead_id) if send["state"] == SendState.HANDED_OVER]
    erase(world, lead_id)
    before = row_texts(world)

    record_outcome(world.services, send, outcome)

    assert row_texts(world) == before


def test_a_hand_over_under_way_completes_before_anything_is_deleted(world: World, world_url: str) -> None:
    lead_id = world.lead_from(**NADIA)
    with_provider, may_answer = threading.Event(), threading.Event()

    def answer(_message: Message) -> Outcome:
        with_provider.set()
        assert may_answer.wait(30)
        return Receipt(provider="slow")

    slow = ScriptedProvider(answer=answer)
    with open_world(world_url, world.folder, provider=slow) as other:
        worker = threading.Thread(target=other.deliver)
        worker.start()
        assert with_provider.wait(30)
        waited: list[str] = []

        def look(_seconds: float) -> None:
            waited.append(world.send("acknowledgement", lead_id)["state"])
            may_answer.set()
            worker.join(timeout=30)

        done = erase_lead(world.services, lead_id, ASKED, sleep=look)

    assert waited == [SendState.HANDED_OVER]
    assert len(slow.messages) == 1
    assert_gone(world, lead_id, done)


def test_people_are_erased_one_after_another_while_workers_go_on_with_everything(world: World, world_url: str) -> None:
    """A thread delivers, sweeps, tells staff and captures late copies all the time; it must never stumble."""
    people = [world.submission(email=f"person{number}@example.com", key=f"k{number}") for number in range(12)]
    envelopes = [world.envelope(person) for person in people]
    world.capture(*envelopes)
    stop, troubles = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            with open_world(world_url, world.folder) as other:
                while not stop.is_set():
                    other.capture(*envelopes)
                    other.deliver()
                    other.sweep()
                    other.tell_staff()
                    other.jump_to_next_due()
        except BaseException as error:
            troubles.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    erased = []
    try:
        for person in people[:6]:
            lead_id = world.stored(person)["lead_id"]
            erased.append(erase_lead(world.services, lead_id, ASKED).rows)
    finally:
        stop.set()
        for worker in workers:
            worker.join(timeout=30)

    assert troubles == []
    assert len(erased) == 6
    assert {row["id"] for row in world.rows(tables.submissions)} == {person.id for person in people[6:]}
    world.capture(*envelopes)
    assert world.count(tables.leads) == 6
    hashes = {world.services.vault.email_hash(person.email) for person in people[:6]}
    assert {row["address_hash"] for row in world.rows(tables.suppressions)} == hashes
