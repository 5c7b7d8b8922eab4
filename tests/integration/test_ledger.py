"""The send ledger under rivals, crashes and late answers: at most one hand-over, every doubt visible (I2, I3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.support.world import START, ScriptedProvider, World, open_world
from worker.delivery.base import Message, Outcome, Receipt
from worker.delivery.outbox import OutboxProvider
from worker.domain.consent import SuppressionReason
from worker.domain.ids import new_id
from worker.domain.sends import CancelReason, SendState
from worker.errors import AmbiguousDeliveryError, NotFound, PermanentDeliveryError, TransientDeliveryError
from worker.storage import claims, enrollments, gate, installation, leads, sends, suppressions, tables
from worker.storage.database import real_now
from worker.usecases.sending.record_outcome import MAX_ATTEMPTS, record_outcome
from worker.usecases.sending.resolve_send import Resolution, resolve_send

TRANSIENT = TransientDeliveryError("smtp_451", is_about_recipient=True)
AMBIGUOUS = AmbiguousDeliveryError("smtp_no_answer_after_data")
RECEIPT = Receipt(provider="scripted")


def claim(world: World, limit: int = 50) -> list[Mapping[str, Any]]:
    with world.database.write() as connection:
        return claims.claim_due(connection, installation.product_now(connection), real_now(connection), limit)


def hand_over(world: World, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    with world.database.write() as connection:
        snapshot = installation.active_snapshot(connection)
        assert snapshot is not None
        return gate.hand_over(connection, rows, snapshot, installation.product_now(connection), real_now(connection))


def finish(world: World, row: Mapping[str, Any], state: SendState) -> bool:
    with world.database.write() as connection:
        return sends.finish(connection, row, state)


def post_many(world: World, count: int) -> None:
    world.capture(*[world.envelope(world.submission(email=f"lead{number}@example.com")) for number in range(count)])


def answering(*answers: Outcome) -> ScriptedProvider:
    """A provider that gives these answers in turn, the last one for ever."""
    left = list(answers)
    return ScriptedProvider(answer=lambda _: left.pop(0) if len(left) > 1 else left[0])


# --- rivals ---


def test_workers_that_claim_at_once_never_hold_the_same_send(world_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(open_world(world_url, tmp_path)) for _ in range(6)]
        post_many(workers[0], 40)

        def claim_all(worker: World) -> list[str]:
            mine: list[str] = []
            while batch := claim(worker, 3):
                mine += [row["id"] for row in batch]
            return mine

        with ThreadPoolExecutor(len(workers)) as threads:
            claimed = [send_id for mine in threads.map(claim_all, workers) for send_id in mine]

    assert len(claimed) == len(set(claimed)) == 40


def test_workers_that_deliver_at_once_hand_over_each_send_once(world_url: str, tmp_path: Path) -> None:
    provider = ScriptedProvider()
    with ExitStack() as stack:
        workers = [stack.enter_context(open_world(world_url, tmp_path, provider=provider)) for _ in range(4)]
        post_many(workers[0], 60)

        with ThreadPoolExecutor(len(workers)) as threads:
            counts = sum(threads.map(World.deliver, workers), Counter[str]())

        assert {row["state"] for row in workers[0].sends() if row["kind"] == "acknowledgement"} == {"sent"}
    assert counts["sent"] == 60
    assert sorted(Counter(message.send_id for message in provider.messages).values()) == [1] * 60


def test_a_claim_takes_the_longest_due_first_and_no_more_than_asked_for(world: World) -> None:
    first = world.lead_from(email="first@example.com")
    world.jump(timedelta(minutes=1))
    second = world.lead_from(email="second@example.com")

    assert [row["lead_id"] for row in claim(world, 1)] == [first]
    assert [row["lead_id"] for row in claim(world, 1)] == [second]
    assert claim(world, 1) == []


def test_what_is_not_due_yet_is_not_claimed(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    (nurture,) = [row for row in world.sends(lead_id) if row["kind"] == "nurture"]

    world.jump(nurture["due_at"] - timedelta(microseconds=1))
    assert claim(world) == []
    world.jump(nurture["due_at"])
    assert [row["id"] for row in claim(world)] == [nurture["id"]]


# --- workers that die, and workers that wake up again ---


def test_a_lapsed_claim_is_taken_back_and_sent_by_someone_else(world: World) -> None:
    world.post()
    claim(world)
    assert world.deliver() == {}, "it is someone else's"

    assert world.sweep()["taken_back"] == 0, "the lease has not lapsed yet"
    world.let_leases_lapse()
    assert world.sweep()["taken_back"] == 1
    assert world.deliver() == {"sent": 1}


def test_a_lapsed_hand_over_is_unknown_is_told_to_staff_and_is_never_sent_again(world: World) -> None:
    world.services.provider = provider = ScriptedProvider()
    lead_id = world.lead_from()
    rows = claim(world)
    assert hand_over(world, rows) == {rows[0]["id"]}

    world.let_leases_lapse()
    assert world.sweep()["unknown"] == 1
    for _ in range(3):
        world.jump(timedelta(hours=8))
        world.sweep()
        world.deliver()

    (acknowledgement,) = [row for row in world.sends(lead_id) if row["kind"] == "acknowledgement"]
    assert (acknowledgement["state"], acknowledgement["attempts"]) == ("unknown", 1)
    assert acknowledgement["id"] not in {message.send_id for message in provider.messages}
    assert [row["kind"] for row in world.rows(tables.alerts)].count("send_unknown") == 1
    assert [entry["detail"]["code"] for entry in world.story(lead_id, "unknown")] == ["lease_lapsed"]


def test_a_late_receipt_corrects_unknown_and_the_sequence_goes_on_from_it(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    (row,) = claim(world)
    hand_over(world, [row])
    world.let_leases_lapse()
    world.sweep()

    assert record_outcome(world.services, row, RECEIPT) == "sent"

    states = {send["email"]: send["state"] for send in world.sends(lead_id)}
    assert states == {"acknowledgement": "sent", "depression-options": "sent", "spravato": "planned"}


def test_a_late_certain_refusal_corrects_unknown_and_is_tried_again(world: World) -> None:
    world.post()
    (row,) = claim(world)
    hand_over(world, [row])
    world.let_leases_lapse()
    world.sweep()

    assert record_outcome(world.services, row, TRANSIENT) == "planned"
    world.let_retries_come_due()
    assert world.deliver() == {"sent": 1}


def test_a_worker_that_slept_past_its_claim_can_neither_hand_over_nor_put_aside(world: World) -> None:
    world.post()
    (zombie,) = claim(world)
    world.let_leases_lapse()
    world.sweep()
    assert hand_over(world, [zombie]) == set(), "it was taken back"

    (living,) = claim(world)

    assert hand_over(world, [zombie]) == set(), "it is another's claim now"
    with world.database.write() as connection:
        assert not sends.put_aside(connection, zombie, SendState.SKIPPED, reason="too_late")
    assert hand_over(world, [living]) == {living["id"]}


def test_a_worker_that_slept_past_its_claim_cannot_finish_what_another_handed_over(world: World) -> None:
    world.post()
    (zombie,) = claim(world)
    world.let_leases_lapse()
    world.sweep()
    (living,) = claim(world)
    hand_over(world, [living])

    assert not finish(world, zombie, SendState.FAILED)
    assert finish(world, living, SendState.SENT)
    assert not finish(world, living, SendState.PLANNED), "what is sent stays sent"


def test_a_second_outcome_of_one_hand_over_changes_nothing(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    (row,) = claim(world)
    hand_over(world, [row])
    record_outcome(world.services, row, RECEIPT)
    before, story = world.sends(lead_id), world.story(lead_id)

    for outcome in (RECEIPT, TRANSIENT, AMBIGUOUS, PermanentDeliveryError("smtp_550", address_is_bad=True)):
        record_outcome(world.services, row, outcome)

    assert world.sends(lead_id) == before
    assert world.story(lead_id) == story
    assert world.count(tables.suppressions) == 0


# --- what the provider answers ---


def test_a_temporary_refusal_backs_off_and_is_tried_again_with_the_same_message_id(world: World) -> None:
    world.services.provider = provider = answering(TRANSIENT, RECEIPT)
    world.post()

    assert world.deliver() == {"planned": 1}
    assert world.deliver() == {}, "it waits"
    (row,) = [row for row in world.sends() if row["kind"] == "acknowledgement"]
    assert row["not_before"] is not None
    assert row["last_code"] == "smtp_451"

    world.let_retries_come_due()
    assert world.deliver() == {"sent": 1}

    first, second = provider.messages
    assert (first.send_id, first.content) == (second.send_id, second.content)
    assert f"Message-ID: <{row['id']}@".encode() in first.content
    assert world.send("acknowledgement")["attempts"] == 2


def test_back_off_doubles_from_one_minute_to_six_hours(world: World) -> None:
    world.services.provider = answering(TRANSIENT)
    world.post()
    waits: list[float] = []
    for _ in range(MAX_ATTEMPTS - 1):
        world.deliver()
        row = world.send("acknowledgement")
        with world.database.read() as connection:
            waits.append((row["not_before"] - real_now(connection)).total_seconds() / 60)
        world.let_retries_come_due()

    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360], abs=0.2)


def test_a_provider_that_names_a_wait_is_given_it(world: World) -> None:
    world.services.provider = answering(TransientDeliveryError("smtp_450", timedelta(minutes=5)))
    world.post()
    world.deliver()

    with world.database.read() as connection:
        wait = world.send("acknowledgement")["not_before"] - real_now(connection)
    assert timedelta(minutes=4) < wait <= timedelta(minutes=5)


def test_a_refusal_that_stays_temporary_fails_in_the_end_and_the_sequence_goes_on(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.services.provider = answering(TRANSIENT)
    for _ in range(MAX_ATTEMPTS):
        world.deliver()
        world.let_retries_come_due()

    assert world.send("depression-options", lead_id)["state"] == "failed"
    assert world.send("depression-options", lead_id)["attempts"] == MAX_ATTEMPTS
    assert world.send("spravato", lead_id)["state"] == "planned"


def test_a_refused_mailbox_is_suppressed_and_its_lead_leaves_the_sequence(world: World) -> None:
    world.services.provider = answering(PermanentDeliveryError("smtp_550", address_is_bad=True))
    lead_id = world.lead_from()

    assert world.deliver() == {"failed": 1}

    (suppressed,) = world.rows(tables.suppressions)
    assert (suppressed["address_hash"], suppressed["scope"], suppressed["reason"]) == (
        world.lead(lead_id)["email_hash"],
        "all",
        "hard_bounce",
    )
    assert {row["email"]: (row["state"], row["reason"]) for row in world.sends(lead_id)} == {
        "acknowledgement": ("failed", None),
        "depression-options": ("cancelled", "hard_bounce"),
    }
    assert [row["status"] for row in world.rows(tables.enrollments)] == ["exited"]

    world.jump(timedelta(days=2))
    world.post(message="hello?")
    assert world.deliver() == {"skip": 1}, "not even an acknowledgement goes to a dead address"


def test_a_refused_message_fails_without_blame_on_the_address(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.services.provider = answering(PermanentDeliveryError("smtp_552"))

    assert world.deliver() == {"failed": 1}

    assert world.count(tables.suppressions) == 0
    assert world.send("spravato", lead_id)["state"] == "planned"
    assert [row["status"] for row in world.rows(tables.enrollments)] == ["active"]


def test_a_doubtful_end_is_unknown_and_tells_staff(world: World) -> None:
    world.services.provider = provider = answering(AMBIGUOUS)
    lead_id = world.lead_from()

    assert world.deliver() == {"unknown": 1}
    world.sweep()
    world.deliver()

    assert len(provider.messages) == 1
    assert world.send("acknowledgement", lead_id)["last_code"] == "smtp_no_answer_after_data"
    assert "send_unknown" in {row["kind"] for row in world.rows(tables.alerts)}


def test_a_provider_that_can_tell_resolves_unknown_and_the_next_step_is_planned(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.services.provider = provider = answering(AMBIGUOUS)
    world.deliver()
    row = world.send("depression-options", lead_id)

    assert world.deliver()["resolved"] == 0, "it can't tell yet"
    provider.known[row["id"]] = Receipt(provider="scripted", provider_message_id="q1")
    world.jump(timedelta(hours=3))
    assert world.deliver()["resolved"] == 0, "it was asked a moment ago"
    world.let_retries_come_due()
    assert world.deliver()["resolved"] == 1

    found = world.send("depression-options", lead_id)
    assert (found["state"], found["provider_message_id"]) == ("sent", "q1")
    assert found["sent_at"] == row["handed_over_at"], "it left when it was handed over, not when we asked"
    assert world.send("spravato", lead_id)["state"] == "planned"


def test_the_outbox_can_tell_what_was_written_before_a_crash(world: World) -> None:
    """Killed between writing the file and noting it: the file is found, and is not written again."""

    class Killed(Exception):
        """As good as SIGKILL: nothing after it runs."""

    outbox = OutboxProvider(world.folder / "outbox")

    def write_and_die(message: Message) -> Outcome:
        list(outbox.deliver([message]))
        raise Killed

    world.services.provider = ScriptedProvider(answer=write_and_die, account=outbox.account)
    world.post()
    with pytest.raises(Killed):
        world.deliver()
    assert world.send("acknowledgement")["state"] == "handed_over"

    world.services.provider = outbox
    world.let_leases_lapse()

    assert world.sweep()["unknown"] == 1
    assert world.deliver()["resolved"] == 1
    assert world.send("acknowledgement")["state"] == "sent"
    assert len(world.mail) == 1


def test_a_crash_leaves_no_more_unknown_than_were_with_the_provider(world: World) -> None:
    class Killed(Exception):
        """As good as SIGKILL."""

    answers: list[Message] = []

    def die_at_the_fifteenth(message: Message) -> Outcome:
        answers.append(message)
        if len(answers) == 15:
            raise Killed
        return RECEIPT

    world.services.provider = ScriptedProvider(answer=die_at_the_fifteenth)
    post_many(world, 30)
    with pytest.raises(Killed):
        world.deliver()
    world.let_leases_lapse()
    world.sweep()

    states = Counter(row["state"] for row in world.sends() if row["kind"] == "acknowledgement")
    assert states == {"sent": 14, "unknown": 6, "planned": 10}
    world.services.provider = rest = ScriptedProvider()
    world.deliver()
    assert len(rest.messages) == 10
    assert not {message.send_id for message in rest.messages} & {message.send_id for message in answers}


def test_after_a_day_an_unknown_send_holds_its_sequence_up_no_longer(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.services.provider = answering(AMBIGUOUS, RECEIPT)
    world.deliver()
    handed_over_at = world.send("depression-options", lead_id)["handed_over_at"]

    world.jump(handed_over_at + timedelta(hours=23, minutes=59))
    assert world.sweep()["repaired"] == 0
    world.jump(handed_over_at + timedelta(hours=24))
    assert world.sweep()["repaired"] == 1

    following = world.send("spravato", lead_id)
    assert following["due_at"] >= handed_over_at + timedelta(days=4) - timedelta(minutes=1)
    world.run()
    assert world.send("depression-options", lead_id)["state"] == "unknown"
    assert [row["status"] for row in world.rows(tables.enrollments)] == ["completed"]


@pytest.mark.parametrize(
    ("resolution", "state"),
    [(Resolution.SENT, "sent"), (Resolution.NOT_SENT, "failed"), (Resolution.RESEND, "planned")],
)
def test_a_person_decides_about_an_unknown_send(world: World, resolution: Resolution, state: str) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.services.provider = provider = answering(AMBIGUOUS, RECEIPT)
    world.deliver()
    row = world.send("depression-options", lead_id)

    resolve_send(world.services, row["id"], resolution, "jordan", "the provider's log shows it")

    assert world.send("depression-options", lead_id)["state"] == state
    assert [entry["actor"] for entry in world.story(lead_id, "resolved")] == ["jordan"]
    if resolution is Resolution.RESEND:
        assert world.deliver() == {"sent": 1}
        assert [message.send_id for message in provider.messages] == [row["id"]] * 2
    assert world.send("spravato", lead_id)["state"] == "planned"
    with pytest.raises(NotFound):
        resolve_send(world.services, row["id"], resolution, "jordan", "again")


def test_only_an_unknown_send_can_be_resolved(world: World) -> None:
    world.post()

    for wrong in ("no-uuid-at-all", new_id(), world.send("acknowledgement")["id"]):
        with pytest.raises(NotFound):
            resolve_send(world.services, wrong, Resolution.RESEND, "jordan", "a slip")


# --- the gate ---


def unsubscribe_all(world: World, lead_id: str) -> None:
    address = world.lead(lead_id)["email_hash"]
    with world.database.write() as connection:
        suppressions.add(connection, address, SuppressionReason.COMPLAINED, "test", START)


def hold_lead(world: World, lead_id: str) -> None:
    with world.database.write() as connection:
        leads.change(connection, lead_id, hold_reason="staff")


def end_enrollment(world: World, lead_id: str) -> None:
    with world.database.write() as connection:
        active = enrollments.active_of(connection, lead_id)
        assert active is not None
        enrollments.end(connection, active["id"], enrollments.EXITED, CancelReason.BOOKED, START)


def withdraw(world: World, lead_id: str) -> None:
    with world.database.write() as connection:
        sends.cancel_pending(connection, lead_id, CancelReason.UNSUBSCRIBED)


def publish_other(world: World, lead_id: str) -> None:
    del lead_id
    world.execute(update(tables.installation).values(active_snapshot=None))


@pytest.mark.parametrize("change", [unsubscribe_all, hold_lead, end_enrollment, withdraw, publish_other])
def test_the_gate_refuses_what_changed_since_the_claim(world: World, change: Callable[[World, str], None]) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    (row,) = claim(world)
    with world.database.read() as connection:
        snapshot = installation.active_snapshot(connection)
    assert snapshot is not None
    change(world, lead_id)

    with world.database.write() as connection:
        now = installation.product_now(connection)
        assert gate.hand_over(connection, [row], snapshot, now, real_now(connection)) == set()


def test_the_gate_refuses_an_email_that_this_person_has_had(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    world.jump_to_next_due()
    (row,) = claim(world)
    world.execute(update(tables.sends).where(tables.sends.c.id == row["id"]).values(email="depression-options"))

    assert hand_over(world, [row]) == set()
    assert len([send for send in world.sends(lead_id) if send["state"] == "sent"]) == 2


def test_the_gate_lets_an_acknowledgement_of_a_held_or_unsubscribed_lead_through(world: World) -> None:
    lead_id = world.lead_from()
    hold_lead(world, lead_id)
    with world.database.write() as connection:
        address = world.lead(lead_id)["email_hash"]
        suppressions.add(connection, address, SuppressionReason.UNSUBSCRIBED, "test", START)
    rows = claim(world)

    assert hand_over(world, rows) == {row["id"] for row in rows}


def test_a_hand_over_writes_down_the_attempt_the_instant_and_the_content(world: World) -> None:
    world.post()
    (row,) = claim(world)
    hand_over(world, [row])

    stored = world.send("acknowledgement")
    with world.database.read() as connection:
        active, real = installation.active_snapshot(connection), real_now(connection)
    assert (stored["state"], stored["attempts"], stored["snapshot"]) == ("handed_over", 1, active)
    assert stored["handed_over_at"] == START
    assert isinstance(stored["lease_until"], datetime)
    assert timedelta(seconds=80) < stored["lease_until"] - real <= sends.HAND_OVER_LEASE
