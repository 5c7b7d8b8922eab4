"""What comes back, and what it does: each event once, in any order, to the right person, and never too much."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.support import feedback as posts
from tests.support.world import ScriptedProvider, World, acknowledged, alerts_of, scopes
from worker.domain.feedback import FAULTS, SOFT_BOUNCES, DeliveryEvent, EventKind
from worker.domain.sends import SendState
from worker.errors import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from worker.feedback.base import Reading
from worker.intake.metrics import Looked, render_metrics
from worker.storage import delivery_events, pauses, tables
from worker.storage.broker import Broker
from worker.storage.pauses import PauseScope
from worker.storage.spool import Spool
from worker.usecases.feedback.receive_feedback import REPEATED, UNMATCHED, receive_reading
from worker.usecases.health.status import read_status
from worker.usecases.sending import record_outcome
from worker.usecases.sending.pausing import resume


def tell(world: World, kind: EventKind, send_id: str, code: str = "", key: str | None = None) -> dict[str, int]:
    """One event from a provider; without a key it is another one each time."""
    key = key or f"event-{world.count(tables.delivery_events)}"
    event = DeliveryEvent(event_id=key, kind=kind, code=code, send_id=send_id)
    return dict(receive_reading(world.services, "stub", Reading(events=(event,)), b""))


def paused(world: World) -> list[tuple[str, str | None]]:
    with world.database.read() as connection:
        return [(row["scope"], row["value"]) for row in pauses.active(connection, world.now)]


# --- once, in any order ---------------------------------------------------------------------------------------


def test_an_event_is_recorded_once_however_often_it_comes(world: World) -> None:
    lead_id, send_id = acknowledged(world)

    answers = [tell(world, EventKind.DELIVERED, send_id, key="one") for _ in range(3)]

    assert answers == [{"delivered": 1}, {REPEATED: 1}, {REPEATED: 1}]
    assert [entry["detail"]["event"] for entry in world.story(lead_id, "feedback")] == ["delivered"]
    assert [(row["kind"], row["count"]) for row in world.rows(tables.feedback_counts)] == [("delivered", 1)]


def test_an_event_of_a_send_that_we_do_not_know_is_counted_and_hurts_nobody(world: World) -> None:
    acknowledged(world)

    assert tell(world, EventKind.HARD_BOUNCE, posts.SEND) == {UNMATCHED: 1}

    assert world.count(tables.suppressions) == 0
    assert {row["kind"]: row["count"] for row in world.rows(tables.feedback_counts)} == {"hard_bounce": 1, UNMATCHED: 1}


def test_without_our_id_the_provider_s_own_finds_the_send(world: World) -> None:
    _, send_id = acknowledged(world)
    world.execute(update(tables.sends).where(tables.sends.c.id == send_id).values(provider_message_id="abc-123"))
    event = DeliveryEvent(event_id="e", kind=EventKind.COMPLAINED, provider_message_id="abc-123")

    receive_reading(world.services, "stub", Reading(events=(event,)), b"")

    assert scopes(world) == {"all"}


def test_a_provider_s_id_that_two_sends_share_finds_neither(world: World) -> None:
    acknowledged(world)
    acknowledged(world, email="noor@example.com")
    world.execute(update(tables.sends).values(provider_message_id="250"))
    event = DeliveryEvent(event_id="e", kind=EventKind.COMPLAINED, provider_message_id="250")

    assert receive_reading(world.services, "stub", Reading(events=(event,)), b"") == {UNMATCHED: 1}


@pytest.mark.parametrize("kind", [EventKind.DELIVERED, EventKind.DEFERRED, EventKind.HARD_BOUNCE])
def test_whatever_comes_back_proves_that_an_unknown_send_went_out(world: World, kind: EventKind) -> None:
    lead_id, send_id = a_nurture_send(world)
    put(world, send_id, SendState.UNKNOWN)

    tell(world, kind, send_id)

    send = world.send("depression-options", lead_id)
    assert send["state"] == "sent"
    assert send["sent_at"] == send["handed_over_at"] is not None
    (resolved,) = world.story(lead_id, "resolved")
    assert resolved["detail"]["by_feedback"]


def a_nurture_send(world: World, **fields: Any) -> tuple[str, str]:
    """A lead whose first educational email was sent, with nothing planned after it yet."""
    lead_id, _ = acknowledged(world, **fields)
    world.jump_to_next_due()
    world.deliver()
    return lead_id, world.send("depression-options", lead_id)["id"]


def put(world: World, send_id: str, state: SendState) -> None:
    """As if its worker had died: the next step was not planned."""
    later = (tables.sends.c.state == SendState.PLANNED) & (tables.sends.c.kind == "nurture")
    world.execute(tables.sends.delete().where(later))
    world.execute(update(tables.sends).where(tables.sends.c.id == send_id).values(state=state, sent_at=None))


def test_a_settled_send_goes_on_with_the_sequence(world: World) -> None:
    lead_id, send_id = a_nurture_send(world)
    put(world, send_id, SendState.UNKNOWN)

    tell(world, EventKind.DELIVERED, send_id)
    world.run()

    sent = [row["email"] for row in world.sends(lead_id) if row["state"] == "sent"]
    assert len(sent) == len(set(sent)) > 4


def test_news_that_come_before_our_own_record_settle_the_send_when_its_worker_has_died(world: World) -> None:
    lead_id, send_id = a_nurture_send(world)
    put(world, send_id, SendState.HANDED_OVER)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)

    tell(world, EventKind.DELIVERED, send_id)
    assert world.send("depression-options", lead_id)["state"] == "handed_over", "its worker may still record it"
    world.execute(update(tables.sends).where(tables.sends.c.id == send_id).values(lease_until=long_ago))
    world.sweep()

    assert world.send("depression-options", lead_id)["state"] == "sent"
    assert alerts_of(world, "send_unknown") == 0, "there was never anything to ask a person"
    assert [row["email"] for row in world.sends(lead_id) if row["state"] == "planned"] != []


def test_a_bounce_then_a_late_delivered_leave_the_person_suppressed(world: World) -> None:
    _, send_id = acknowledged(world)

    tell(world, EventKind.HARD_BOUNCE, send_id, "5.1.1")
    tell(world, EventKind.DELIVERED, send_id)

    assert scopes(world) == {"all"}


def test_news_of_an_erased_person_change_nothing(world: World) -> None:
    lead_id, send_id = acknowledged(world)
    nothing = dict.fromkeys(("email_hash", "email_sealed", "first_name_sealed", "last_name_sealed"))
    world.execute(update(tables.leads).where(tables.leads.c.id == lead_id).values(**nothing, phone_hash="f" * 64))

    assert tell(world, EventKind.COMPLAINED, send_id) == {"complained": 1}

    assert world.count(tables.suppressions) == 0


# --- what it does to a person ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "reason", "exit_reason"),
    [
        (EventKind.HARD_BOUNCE, "5.1.1", "hard_bounce", "hard_bounce"),
        (EventKind.COMPLAINED, "", "complained", "complained"),
        (EventKind.UNSUBSCRIBED, "", "unsubscribed", "unsubscribed"),
    ],
)
def test_it_stops_the_sequence_at_once(world: World, kind: EventKind, code: str, reason: str, exit_reason: str) -> None:
    lead_id, send_id = acknowledged(world)

    tell(world, kind, send_id, code)
    world.run()

    assert [row["reason"] for row in world.rows(tables.suppressions)] == [reason]
    assert [row["exit_reason"] for row in world.rows(tables.enrollments)] == [exit_reason]
    assert [row["email"] for row in world.sends(lead_id) if row["state"] == "sent"] == ["acknowledgement"]


def test_after_a_hard_bounce_the_front_desk_is_asked_to_call_once(world: World) -> None:
    _, send_id = acknowledged(world)

    for code in ("5.1.1", "5.1.1", "5.2.1"):
        tell(world, EventKind.HARD_BOUNCE, send_id, code)

    assert alerts_of(world, "address_bad") == 1


def test_a_mailbox_refused_during_delivery_is_told_to_the_front_desk_too(world: World) -> None:
    """The other way by which the same news come: see test_deliver."""
    world.services.provider = ScriptedProvider(lambda _: PermanentDeliveryError("smtp_550", address_is_bad=True))
    world.lead_from()
    world.deliver()

    assert alerts_of(world, "address_bad") == 1
    assert scopes(world) == {"all"}
    (event,) = world.rows(tables.delivery_events)
    assert (event["kind"], event["code"]) == ("hard_bounce", "smtp_550")


def soft_bounces(world: World, count: int) -> str:
    """So many emails of one lead, each of which bounced softly, days apart."""
    lead_id, send_id = acknowledged(world)
    for number in range(count):
        if number:
            world.jump_to_next_due()
            world.deliver()
            send_id = [row["id"] for row in world.sends(lead_id) if row["state"] == "sent"][-1]
        for _ in range(3):  # as providers repeat themselves
            tell(world, EventKind.SOFT_BOUNCE, send_id, "4.2.2")
    return send_id


def test_one_email_that_bounces_softly_again_and_again_counts_once(world: World) -> None:
    soft_bounces(world, SOFT_BOUNCES - 1)

    assert scopes(world) == set()


def test_several_emails_in_a_row_that_bounce_softly_stop_all(world: World) -> None:
    soft_bounces(world, SOFT_BOUNCES)

    assert scopes(world) == {"all"}


@pytest.mark.parametrize(
    "refusal",
    [
        PermanentDeliveryError("smtp_552", status="5.2.2"),
        TransientDeliveryError("smtp_452", timedelta(minutes=1), is_about_recipient=True),
    ],
    ids=["at once", "until we gave up"],
)
def test_a_full_mailbox_at_the_door_is_a_soft_bounce_like_one_that_is_told_later(
    world: World, refusal: DeliveryError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_outcome, "MAX_ATTEMPTS", 1)
    world.services.provider = ScriptedProvider(lambda _: refusal)
    world.lead_from()
    for _ in range(SOFT_BOUNCES):
        assert scopes(world) == set(), "it may be emptied"
        world.jump_to_next_due()
        world.deliver()

    assert scopes(world) == {"all"}
    assert {row["kind"] for row in world.rows(tables.delivery_events)} == {"soft_bounce"}


def test_an_email_that_arrives_in_between_starts_the_count_anew(world: World) -> None:
    send_id = soft_bounces(world, SOFT_BOUNCES - 1)
    world.jump(timedelta(hours=1))
    tell(world, EventKind.DELIVERED, send_id)
    world.jump(timedelta(hours=1))
    tell(world, EventKind.SOFT_BOUNCE, send_id, "4.2.2")

    assert scopes(world) == set()


def test_a_full_mailbox_long_ago_is_forgotten(world: World) -> None:
    send_id = soft_bounces(world, SOFT_BOUNCES - 1)
    world.jump(timedelta(days=60))
    tell(world, EventKind.SOFT_BOUNCE, send_id, "4.2.2")

    assert scopes(world) == set()


# --- what is our fault ----------------------------------------------------------------------------------------


def test_failed_authentication_stops_all_sending_at_once_and_punishes_nobody(world: World) -> None:
    _, send_id = acknowledged(world)

    tell(world, EventKind.OUR_FAULT, send_id, "5.7.26")
    tell(world, EventKind.OUR_FAULT, send_id, "5.7.26")

    assert paused(world) == [(PauseScope.ALL, None)]
    assert alerts_of(world, "sending_stopped") == 1
    assert world.count(tables.suppressions) == 0
    world.lead_from(email="noor@example.com")
    assert world.deliver()["sent"] == 0


def test_other_refusals_of_us_stop_all_sending_when_several_people_s_servers_agree(world: World) -> None:
    sent = [acknowledged(world, email=f"person{number}@example.com")[1] for number in range(FAULTS)]

    for _ in range(5):
        tell(world, EventKind.OUR_FAULT, sent[0], "5.7.1")
    assert paused(world) == [], "one server may dislike one email"
    for send_id in sent[1:]:
        tell(world, EventKind.OUR_FAULT, send_id, "5.7.1")

    assert paused(world) == [(PauseScope.ALL, None)]


def test_refusals_of_us_during_delivery_stop_all_sending_when_several_people_s_servers_agree(world: World) -> None:
    world.services.provider = ScriptedProvider(lambda _: PermanentDeliveryError("smtp_550", status="5.7.1"))
    for number in range(FAULTS):
        assert paused(world) == [], "one server may dislike one email"
        world.lead_from(email=f"person{number}@example.com")
        world.deliver()

    assert paused(world) == [(PauseScope.ALL, None)]
    assert alerts_of(world, "sending_stopped") == 1
    assert world.count(tables.suppressions) == 0
    assert {(row["kind"], row["code"]) for row in world.rows(tables.delivery_events)} == {("our_fault", "5.7.1")}


def test_a_message_refused_for_itself_is_nobody_s_bounce(world: World) -> None:
    world.services.provider = ScriptedProvider(lambda _: PermanentDeliveryError("smtp_552", status="5.3.4"))
    for number in range(FAULTS):
        world.lead_from(email=f"person{number}@example.com")
        world.deliver()

    assert paused(world) == []
    assert world.count(tables.delivery_events) == 0


def test_once_resumed_old_refusals_do_not_stop_it_again(world: World) -> None:
    sent = [acknowledged(world, email=f"person{number}@example.com")[1] for number in range(FAULTS + 1)]
    for send_id in sent[:FAULTS]:
        tell(world, EventKind.OUR_FAULT, send_id, "5.7.1")
    world.jump(timedelta(hours=1))

    resume(world.services, PauseScope.ALL, None, "Jordan Example")
    world.jump(timedelta(minutes=1))
    tell(world, EventKind.OUR_FAULT, sent[FAULTS], "5.7.1")

    assert paused(world) == []


# --- a sequence with bad figures ------------------------------------------------------------------------------


def many_sent(world: World, count: int) -> list[str]:
    """A sequence of which so many emails were sent: copies of one real send."""
    lead_id, send_id = a_nurture_send(world)
    (row,) = [row for row in world.sends(lead_id) if row["id"] == send_id]
    copies = [
        {**row, "id": f"00000000-0000-5000-8000-{number:012d}", "enrollment_id": None, "step": None, "claim": None}
        for number in range(count)
    ]
    with world.database.write() as connection:
        connection.execute(tables.sends.insert(), copies)
    return [copy["id"] for copy in copies]


def test_too_many_bounces_pause_their_sequence_and_only_that(world: World) -> None:
    sent = many_sent(world, 99)

    for send_id in sent[:5]:
        tell(world, EventKind.HARD_BOUNCE, send_id, "5.1.1")

    assert paused(world) == [(PauseScope.SEQUENCE, "depression")]
    assert alerts_of(world, "sequence_stopped") == 1
    (entry,) = [row for row in world.rows(tables.timeline) if row["kind"] == "paused"]
    assert entry["detail"]["reason"] == "bounces: 5 of 100 emails (5.0%)"


def test_addresses_refused_during_delivery_pause_the_sequence_as_later_bounces_do(world: World) -> None:
    sent = many_sent(world, 94)
    for send_id in sent[:4]:
        tell(world, EventKind.HARD_BOUNCE, send_id, "5.1.1")
    lead_id, _ = acknowledged(world, email="gone@example.com")
    world.services.provider = ScriptedProvider(lambda _: PermanentDeliveryError("smtp_550", address_is_bad=True))
    world.jump_to_next_due()
    world.deliver()

    assert [row["state"] for row in world.sends(lead_id)][-1] == "failed"
    assert paused(world) == [(PauseScope.SEQUENCE, "depression")]
    (entry,) = [row for row in world.rows(tables.timeline) if row["kind"] == "paused"]
    assert entry["detail"]["reason"].startswith("bounces: 5 of ")


def test_staff_hear_of_a_complaint_before_the_sequence_must_stop_and_once_a_week(world: World) -> None:
    sent = many_sent(world, 999)
    tell(world, EventKind.COMPLAINED, sent[0])
    tell(world, EventKind.COMPLAINED, sent[1])

    assert paused(world) == []
    assert alerts_of(world, "sequence_annoys") == 1


def test_a_handful_of_emails_says_nothing(world: World) -> None:
    for send_id in many_sent(world, 20):
        tell(world, EventKind.HARD_BOUNCE, send_id, "5.1.1")

    assert paused(world) == []


def test_one_bounce_told_in_many_ways_counts_once(world: World) -> None:
    sent = many_sent(world, 99)

    for _ in range(10):
        tell(world, EventKind.HARD_BOUNCE, sent[0], "5.1.1")

    assert paused(world) == []


def test_two_complaints_of_a_hundred_pause_the_sequence_until_a_person_resumes_it_for_good(world: World) -> None:
    sent = many_sent(world, 99)
    for send_id in sent[:2]:
        tell(world, EventKind.COMPLAINED, send_id)
    assert paused(world) == [(PauseScope.SEQUENCE, "depression")]

    world.jump(timedelta(hours=1))
    resume(world.services, PauseScope.SEQUENCE, "depression", "Jordan Example")
    world.jump(timedelta(minutes=1))
    tell(world, EventKind.COMPLAINED, sent[3])

    assert paused(world) == [], "what was counted before a person looked is not counted again"


def test_counts_are_read_without_looking_at_a_single_event(world: World) -> None:
    _, send_id = acknowledged(world)
    for _ in range(3):
        tell(world, EventKind.DELIVERED, send_id)

    with world.database.read() as connection:
        (row,) = delivery_events.counts(connection)
    assert (row["source"], row["kind"], row["count"]) == ("stub", "delivered", 3)


def test_the_status_says_what_came_back_and_which_sequence_stopped_itself(world: World) -> None:
    for send_id in many_sent(world, 99)[:5]:
        tell(world, EventKind.HARD_BOUNCE, send_id, "5.1.1")

    with closing(Broker("redis://127.0.0.1:1")) as broker:
        status = read_status(world.database, broker, Spool(world.folder / "spool"))

    assert status.sequences_stopped == {"depression": "bounces: 5 of 100 emails (5.0%)"}
    assert "1 sequence stopped by itself" in status.verdict.sentence
    assert status.feedback.events["hard_bounce"] == 5
    age = status.to_json()["feedback"]["last_event_age_s"]
    assert age is not None
    assert age >= 0
    text = render_metrics(Looked(status=status, vitals=None, disk_free=1.0)).decode()
    assert 'nurture_feedback_events{kind="hard_bounce"} 5.0' in text
    assert "nurture_sequences_stopped 1.0" in text
