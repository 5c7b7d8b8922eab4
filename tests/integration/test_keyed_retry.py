"""A provider that honours our key is offered an unknown send again, the very same message, and nobody gets two (I2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from tests.support.world import SHIPPED, START, ScriptedProvider, World
from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.consent import SuppressionReason
from worker.domain.events import LeadEvent
from worker.domain.keyed_retry import key_ends, next_try_after
from worker.domain.manners import Manners
from worker.domain.rates import Rate
from worker.errors import AmbiguousDeliveryError, PermanentDeliveryError, TransientDeliveryError
from worker.storage import suppressions, tables
from worker.storage.database import real_now
from worker.storage.pauses import PauseScope
from worker.usecases.content.publish import publish
from worker.usecases.events.record_event import record_event
from worker.usecases.sending.pausing import pause, resume
from worker.usecases.sending.resolve_send import Resolution, resolve_send

DAY = timedelta(hours=24)
RECEIPT = Receipt(provider="keyed", provider_message_id="k1")
DOUBT = AmbiguousDeliveryError("http_500")


def keyed(*answers: Outcome, account: str = "keyed.1", ttl: timedelta | None = DAY) -> ScriptedProvider:
    """A provider that honours keys and gives these answers in turn, the last one for ever."""
    left = list(answers)
    provider = ScriptedProvider(answer=lambda _: left.pop(0) if len(left) > 1 else left[0])
    provider.account, provider.key_ttl, provider.can_look_up = account, ttl, False
    return provider


def in_doubt(world: World, *then: Outcome) -> tuple[ScriptedProvider, str]:
    """A first nurture email whose outcome is unknown; what the provider answers from now on is `then`."""
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.services.provider = provider = keyed(DOUBT, *then)
    assert world.deliver() == {"unknown": 1}
    return provider, lead_id


def again(world: World) -> dict[str, int]:
    world.let_retries_come_due()
    world.sweep()
    return dict(world.deliver())


def unknown_alerts(world: World) -> int:
    return [row["kind"] for row in world.rows(tables.alerts)].count("send_unknown")


def test_an_unknown_send_goes_out_again_with_the_same_key_and_the_same_bytes_and_the_sequence_goes_on(
    world: World,
) -> None:
    provider, lead_id = in_doubt(world, RECEIPT)
    world.jump(timedelta(minutes=7))

    assert again(world) == {"sent": 1}

    first, second = provider.messages
    assert first == second
    row = world.send("depression-options", lead_id)
    assert (row["state"], row["attempts"], row["provider_message_id"]) == ("sent", 2, "k1")
    assert world.send("spravato", lead_id)["state"] == "planned"
    assert unknown_alerts(world) == 0, "there was nothing for a person to decide"


def test_a_hand_over_whose_worker_died_goes_out_again(world: World) -> None:
    class Killed(Exception):
        """As good as SIGKILL."""

    def die(_: Message) -> Outcome:
        raise Killed

    world.post()
    world.services.provider = provider = keyed(RECEIPT)
    usual, provider.answer = provider.answer, die
    with pytest.raises(Killed):
        world.deliver()
    provider.answer = usual
    world.let_leases_lapse()

    assert world.sweep()["unknown"] == 1
    assert world.deliver()["sent"] >= 1
    first, second = [found for found in provider.messages if found.send_id == provider.messages[0].send_id]
    assert first == second


def test_the_message_stays_the_same_when_other_content_is_published_meanwhile(world: World) -> None:
    provider, _ = in_doubt(world, RECEIPT)
    path = "emails/depression-options.md"
    publish(world.database, {**SHIPPED, path: SHIPPED[path] + "\nOne more line.\n"}, "jordan")

    assert again(world) == {"sent": 1}
    assert provider.messages[0] == provider.messages[1]


def test_any_answer_but_a_receipt_leaves_it_unknown_to_be_tried_later(world: World) -> None:
    refusals = [
        DOUBT,
        TransientDeliveryError("http_429", timedelta(minutes=20)),
        PermanentDeliveryError("http_422"),
        TransientDeliveryError("http_401", is_our_fault=True),
    ]
    provider, lead_id = in_doubt(world, *refusals, RECEIPT)

    for refusal in refusals:
        before = len(provider.messages)
        assert again(world) == {"unknown": 1}
        row = world.send("depression-options", lead_id)
        assert (row["state"], row["last_code"]) == ("unknown", refusal.code)
        assert row["not_before"] > datetime.now(row["not_before"].tzinfo)
        assert world.deliver() == {}, "not before its time"
        assert len(provider.messages) == before + 1
    assert again(world) == {"sent": 1}


def test_a_wait_that_the_provider_names_is_given(world: World) -> None:
    provider, lead_id = in_doubt(world, TransientDeliveryError("http_429", timedelta(minutes=20)))
    again(world)

    with world.database.read() as connection:
        wait = world.send("depression-options", lead_id)["not_before"] - real_now(connection)
    assert timedelta(minutes=19) < wait <= timedelta(minutes=20)
    assert len(provider.messages) == 2


def unsubscribe(world: World, lead_id: str) -> None:
    with world.database.write() as connection:
        address = str(world.lead(lead_id)["email_hash"])
        suppressions.add(connection, address, SuppressionReason.UNSUBSCRIBED, "test", START)


def book(world: World, lead_id: str) -> None:
    record_event(world.services, lead_id, LeadEvent.CONSULTATION_BOOKED, "test")


@pytest.mark.parametrize("happened", [unsubscribe, book])
def test_whoever_may_not_be_mailed_any_more_is_not_handed_over_again_and_stays_unknown(
    world: World, happened: Callable[[World, str], None]
) -> None:
    provider, lead_id = in_doubt(world, RECEIPT)
    happened(world, lead_id)

    for _ in range(3):
        again(world)

    assert len(provider.messages) == 1
    assert world.send("depression-options", lead_id)["state"] == "unknown"
    assert unknown_alerts(world) == 1, "a person decides"


def test_a_pause_is_waited_for(world: World) -> None:
    provider, lead_id = in_doubt(world, RECEIPT)
    pause(world.services, PauseScope.ALL, None, "test", "test", None)
    again(world)
    assert len(provider.messages) == 1
    assert world.send("depression-options", lead_id)["state"] == "unknown"

    resume(world.services, PauseScope.ALL, None, "test")
    assert again(world) == {"sent": 1}


def test_a_repeat_counts_to_the_rate_and_waits_for_it(world: World) -> None:
    provider, _ = in_doubt(world, RECEIPT)
    world.services.manners = Manners(provider=Rate(count=1, seconds=1e9))
    world.post(email="someone.else@example.com")
    assert world.deliver()["sent"] == 1, "which uses up what the rate allows"

    again(world)

    assert len(provider.messages) == 2, "the one in doubt, and the answer; no repeat"


def test_outside_the_window_it_waits_for_the_next_morning(world: World) -> None:
    provider, lead_id = in_doubt(world, RECEIPT)
    world.jump(world.now.replace(hour=4) + timedelta(days=1))  # ten in the evening in Carbondale
    again(world)
    assert len(provider.messages) == 1
    assert world.send("depression-options", lead_id)["state"] == "unknown"


@pytest.mark.parametrize(("account", "ttl"), [("keyed.2", DAY), ("smtp", None)])
def test_a_key_is_never_used_at_another_account_and_a_person_is_told_at_once(
    world: World, account: str, ttl: timedelta | None
) -> None:
    _, lead_id = in_doubt(world)
    world.services.provider = other = keyed(RECEIPT, account=account, ttl=ttl)

    for _ in range(3):
        again(world)

    assert other.messages == []
    assert world.send("depression-options", lead_id)["state"] == "unknown"
    assert unknown_alerts(world) == 1


def test_a_key_that_the_provider_may_have_forgotten_is_not_used_and_a_person_is_told(world: World) -> None:
    provider, lead_id = in_doubt(world, RECEIPT)
    with world.database.read() as connection:
        now = real_now(connection)
    left = world.send("depression-options", lead_id)["key_until"] - now
    assert DAY * 0.79 < left <= DAY * 0.8

    world.execute(update(tables.sends).where(tables.sends.c.key_until.is_not(None)).values(key_until=now))
    for _ in range(3):
        again(world)

    assert len(provider.messages) == 1
    assert world.send("depression-options", lead_id)["state"] == "unknown"
    assert unknown_alerts(world) == 1


def test_a_certain_refusal_begins_a_new_hand_over_with_a_fresh_key(world: World) -> None:
    world.services.provider = provider = keyed(TransientDeliveryError("http_429"), RECEIPT)
    world.post()
    assert world.deliver() == {"planned": 1}
    world.jump(timedelta(minutes=1))
    world.let_retries_come_due()

    assert world.deliver()["sent"] == 1
    assert provider.messages[0].content != provider.messages[1].content, "another date: the first was never taken"


def test_a_person_who_sends_it_again_begins_anew(world: World) -> None:
    provider, lead_id = in_doubt(world, RECEIPT)
    resolve_send(world.services, world.send("depression-options", lead_id)["id"], Resolution.RESEND, "ann", "asked")

    assert world.deliver() == {"sent": 1}
    assert world.send("depression-options", lead_id)["attempts"] == 1
    assert len(provider.messages) == 2


def test_a_late_receipt_of_the_first_hand_over_after_a_repeat_changes_nothing_more(world: World) -> None:
    provider, lead_id = in_doubt(world, RECEIPT)
    again(world)
    steps = len(world.sends(lead_id))
    again(world)

    assert len(provider.messages) == 2
    assert len(world.sends(lead_id)) == steps


def test_tries_come_soon_at_first_and_ever_more_rarely() -> None:
    age, tries = timedelta(), 0
    while age < DAY:
        age += next_try_after(age)
        tries += 1
    assert 12 <= tries <= 18
    assert next_try_after(timedelta(seconds=-9)) == timedelta(seconds=5), "a clock may be set back"
    assert next_try_after(timedelta(days=9)) == timedelta(hours=6)


def test_a_key_is_trusted_for_four_fifths_of_its_life() -> None:
    assert key_ends(START, DAY) == START + timedelta(hours=19, minutes=12)
