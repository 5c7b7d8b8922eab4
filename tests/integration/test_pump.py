"""The pump: what was read once for a batch never sends what the moment itself forbids; a mark is all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, text, update

from tests.support.telling import add
from tests.support.world import ScriptedProvider, World
from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.ids import new_id
from worker.errors import AmbiguousDeliveryError
from worker.storage import claims, enrollments, gate, installation, tables
from worker.storage.database import is_one_of, real_now
from worker.storage.marks import Mark, group
from worker.storage.timeline import Entry, Happened
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.nurture.enroll import completion, following
from worker.usecases.sending.compose import make_token
from worker.usecases.sending.deliver import GROUP

RECEIPT = Receipt(provider="scripted", provider_message_id="taken-1")


def due_for_many(world: World, count: int) -> None:
    """So many leads, each with an educational email that is due."""
    world.capture(*[world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(count)])
    world.deliver()
    world.jump_to_next_due()


def once(world: World, act: Any) -> ScriptedProvider:
    """A provider that takes everything, while `act` happens as it takes the first."""
    left = [act]

    def answer(_: Message) -> Outcome:
        if left:
            left.pop()()
        return RECEIPT

    world.services.provider = provider = ScriptedProvider(answer=answer)
    return provider


def handed_over(world: World) -> Mapping[str, Any]:
    """The one send that is due, claimed and handed over."""
    with world.database.write() as connection:
        now, real = installation.product_now(connection), real_now(connection)
        (row,) = claims.claim_due(connection, now, real, 10)
        snapshot = installation.active_snapshot(connection)
        assert snapshot is not None
        assert gate.hand_over(connection, [row], snapshot, now, real) == {row["id"]}
    return row


def mark_of(world: World, row: Mapping[str, Any]) -> Mark:
    with world.database.read() as connection:
        enrollment = enrollments.for_sending(connection, [row["enrollment_id"]])[row["enrollment_id"]]
    return Mark(
        send=row,
        sent_at=world.now,
        provider="scripted",
        provider_message_id="taken-1",
        entry=Entry(kind=Happened.SENT, at=world.now, lead_id=row["lead_id"], detail={"send_id": row["id"]}),
        following=following(enrollment, row, frozenset(), world.catalog.clinic, world.now),
    )


def mark(world: World, it: Mark) -> bool:
    """Mark one; whether it was written."""
    with world.database.marking() as connection, group(connection) as marks:
        marks.add(it)
    assert marks.undone == ([] if marks.done else [it])
    return marks.done == 1


# --- a batch is read once, and each group is asked anew ---


def test_a_batch_stops_at_the_end_of_the_window_though_it_began_within(world: World) -> None:
    due_for_many(world, 2 * GROUP)
    provider = once(world, lambda: world.jump(timedelta(hours=12)))

    assert world.deliver() == {"sent": GROUP, "shift": GROUP}
    assert len(provider.messages) == GROUP
    assert {row["state"] for row in world.sends() if row["kind"] == "nurture"} == {"sent", "planned"}


def test_whoever_unsubscribes_while_an_earlier_group_is_sent_gets_nothing(world: World) -> None:
    due_for_many(world, 2 * GROUP)
    acknowledged = {row["lead_id"]: row["id"] for row in world.sends() if row["kind"] == "acknowledgement"}

    def everyone_leaves() -> None:
        for send_id in acknowledged.values():
            unsubscribe(world.services, make_token(send_id, "unsubscribe", world.services.vault.lookup), "link")

    provider = once(world, everyone_leaves)

    world.deliver()

    assert len(provider.messages) == GROUP, "those had passed the gate before"
    states = [row["state"] for row in world.sends() if row["kind"] == "nurture"]
    assert (states.count("sent"), states.count("cancelled")) == (GROUP, len(states) - GROUP)


def test_a_repeat_is_the_same_to_the_letter_though_the_clock_went_on_between_reading_and_the_gate(world: World) -> None:
    due_for_many(world, 2 * GROUP)
    answers: list[Outcome] = [RECEIPT] * GROUP + [AmbiguousDeliveryError("api_no_answer")] * GROUP

    def answer(_: Message) -> Outcome:
        if len(answers) == 2 * GROUP:
            world.jump(timedelta(seconds=90))
        return answers.pop(0) if answers else RECEIPT

    world.services.provider = provider = ScriptedProvider(answer=answer, key_ttl=timedelta(days=1), can_look_up=False)

    assert world.deliver() == {"sent": GROUP, "unknown": GROUP}
    world.let_retries_come_due()
    world.deliver()

    first, repeated = provider.messages[GROUP : 2 * GROUP], provider.messages[2 * GROUP :]
    assert {message.content for message in repeated} == {message.content for message in first}


def test_two_educational_emails_that_are_due_to_one_person_do_not_go_together(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    (first,) = [row for row in world.sends() if row["state"] == "planned"]
    (enrollment,) = world.rows(tables.enrollments)
    later = enrollment["plan"]["steps"][
        1
    ]  # as when a person sends again what was unknown, and the sequence has gone on
    again = {**first, "id": new_id(), "step": later["id"], "email": later["email"]}
    world.execute(tables.sends.insert().values(**again))

    world.deliver()

    nurture = [row for row in world.sends(lead_id) if row["kind"] == "nurture"]
    assert sorted(row["state"] for row in nurture) == ["planned", "sent"]


def test_content_is_noted_as_used_by_a_batch_that_sent_something(world: World) -> None:
    world.post()
    (before,) = world.rows(tables.snapshots)
    world.deliver()
    (after,) = world.rows(tables.snapshots)

    assert before["first_used_at"] is None
    assert after["first_used_at"] == after["last_used_at"] == world.now


# --- a mark ---


def test_a_mark_writes_the_receipt_the_entry_and_the_next_send(world: World) -> None:
    due_for_many(world, 1)
    row = handed_over(world)

    assert mark(world, mark_of(world, row))

    sent, planned = [send for send in world.sends() if send["kind"] == "nurture"]
    assert (sent["state"], sent["sent_at"], sent["lease_until"]) == ("sent", world.now, None)
    assert (sent["provider"], sent["provider_message_id"]) == ("scripted", "taken-1")
    assert (planned["state"], planned["enrollment_id"]) == ("planned", row["enrollment_id"])
    assert [entry["detail"] for entry in world.story(row["lead_id"], "sent")][-1:] == [{"send_id": row["id"]}]


def as_the_last(world: World, it: Mark) -> Mark:
    """The same mark, as if nothing came after it."""
    return replace(it, following=None, ending=completion(it.send["lead_id"], world.now))


def test_the_mark_of_the_last_email_completes_the_enrollment(world: World) -> None:
    due_for_many(world, 1)
    row = handed_over(world)

    assert mark(world, as_the_last(world, mark_of(world, row)))

    (enrollment,) = world.rows(tables.enrollments)
    assert (enrollment["status"], enrollment["ended_at"]) == ("completed", world.now)
    assert [entry["kind"] for entry in world.story(row["lead_id"])][-2:] == ["sent", "enrollment_ended"]
    assert [send["state"] for send in world.sends() if send["kind"] == "nurture"] == ["sent"]


def test_an_enrollment_that_ended_otherwise_meanwhile_is_not_said_to_be_completed(world: World) -> None:
    due_for_many(world, 1)
    row = handed_over(world)
    it = as_the_last(world, mark_of(world, row))
    world.execute(update(tables.enrollments).values(status="exited"))

    assert mark(world, it)
    assert [enrollment["status"] for enrollment in world.rows(tables.enrollments)] == ["exited"]
    assert world.story(row["lead_id"], "enrollment_ended") == []


@pytest.mark.parametrize("is_last", [False, True])
def test_a_mark_whose_claim_is_another_s_by_now_writes_nothing(world: World, *, is_last: bool) -> None:
    due_for_many(world, 1)
    row = handed_over(world)
    it = as_the_last(world, mark_of(world, row)) if is_last else mark_of(world, row)
    before, story, enrolled = world.sends(), world.story(row["lead_id"]), world.rows(tables.enrollments)

    assert not mark(world, replace(it, send={**row, "claim": new_id()}))

    assert world.sends() == before
    assert world.story(row["lead_id"]) == story
    assert world.rows(tables.enrollments) == enrolled


def test_a_second_mark_changes_nothing(world: World) -> None:
    due_for_many(world, 1)
    row = handed_over(world)
    it = mark_of(world, row)
    mark(world, it)
    before, story = world.sends(), world.story(row["lead_id"])

    assert not mark(world, it)
    assert world.sends() == before
    assert world.story(row["lead_id"]) == story


def test_a_late_mark_corrects_unknown(world: World) -> None:
    due_for_many(world, 1)
    row = handed_over(world)
    world.let_leases_lapse()
    world.sweep()

    assert mark(world, mark_of(world, row))
    assert {send["state"] for send in world.sends() if send["id"] == row["id"]} == {"sent"}


def test_nothing_follows_in_an_enrollment_that_ended_while_its_email_was_under_way(world: World) -> None:
    due_for_many(world, 1)
    row = handed_over(world)
    it = mark_of(world, row)
    world.execute(update(tables.enrollments).values(status="exited"))

    assert mark(world, it)
    assert [send["state"] for send in world.sends() if send["kind"] == "nurture"] == ["sent"]


def test_an_email_whose_mark_could_not_be_written_is_noted_the_longer_way(world: World) -> None:
    """Here because a system that is told was added while the group was under way."""
    due_for_many(world, 3)
    provider = once(world, lambda: add(world, "https://warehouse.example.com"))

    assert world.deliver() == {"sent": 3}

    assert len(provider.messages) == 3
    sent = [row for row in world.sends() if row["kind"] == "nurture" and row["state"] == "sent"]
    assert len(sent) == 3
    facts = world.rows(tables.outgoing_events)
    assert len([fact for fact in facts if fact["type"] == "email.sent"]) == 3


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_mark_whose_connection_breaks_is_written_over_another(world: World) -> None:
    due_for_many(world, GROUP)
    marking: list[int] = []
    event.listen(
        world.database._marking_engine, "checkout", lambda connection, *_: marking.append(connection.info.backend_pid)
    )

    def cut() -> None:
        with world.database.write() as connection:
            assert connection.execute(select(func.pg_terminate_backend(marking[-1]))).scalar_one()

    provider = once(world, cut)

    assert world.deliver() == {"sent": GROUP}

    assert len(provider.messages) == GROUP
    sent = [row for row in world.sends() if row["kind"] == "nurture" and row["state"] == "sent"]
    assert {row["id"] for row in sent} == {message.send_id for message in provider.messages}
    assert [mark["via"] for row in sent for mark in world.story(row["lead_id"], "sent")[1:]] == [None] * GROUP


@pytest.mark.parametrize("count", [0, 1, 3])
def test_rows_are_found_among_any_number_of_values(world: World, count: int) -> None:
    due_for_many(world, 4)
    ids = sorted(row["id"] for row in world.rows(tables.leads))
    with world.database.read() as connection:
        among = is_one_of(connection, tables.leads.c.id, ids[:count])
        found = connection.execute(select(tables.leads.c.id).where(among)).scalars().all()
        others = connection.execute(select(tables.leads.c.id).where(~among)).scalars().all()

    assert (sorted(found), sorted(others)) == (ids[:count], ids[count:])


def test_only_marks_do_not_wait_for_the_disk(world: World) -> None:
    """Claims and hand-overs do: what is sent twice can't be called back."""
    who_set_it = "select source from pg_settings where name = 'synchronous_commit' and setting = 'off'"
    asked = text("pragma synchronous" if world.database.is_sqlite else who_set_it)
    with world.database.write() as connection:
        writing = connection.execute(asked).scalar_one_or_none()
    with world.database.marking() as connection:
        marking = connection.execute(asked).scalar_one_or_none()

    assert marking == (1 if world.database.is_sqlite else "client"), "normal; off"
    assert writing == (2 if world.database.is_sqlite else "command line"), "full; as the server has it"
