"""Staff may make a lead's emails wait for a day, or come sooner; the rules of decency stand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.world import START, World
from worker.domain.leads import Location
from worker.domain.schedule import is_open
from worker.errors import NotFound, Refused
from worker.queues import QueueName
from worker.storage.pauses import PauseScope
from worker.usecases.nurture.hold_lead import hold_lead
from worker.usecases.nurture.release_hold import release_hold
from worker.usecases.nurture.send_now import send_now
from worker.usecases.sending.pausing import pause

NOBODY = "0195d3a0-0000-7000-8000-000000000000"
DAY = date(2026, 3, 20)
THAT_DAY_IN_CARBONDALE = datetime(2026, 3, 20, 5, 0, tzinfo=UTC)


def nurture(world: World, lead_id: str) -> list[tuple[str, str]]:
    return [(row["email"], row["state"]) for row in world.sends(lead_id) if row["kind"] == "nurture"]


def test_a_held_lead_gets_nothing_until_its_day_has_come_and_then_the_rest_in_order(world: World) -> None:
    lead_id = world.lead_from()
    assert hold_lead(world.services, lead_id, DAY, "jordan", "travels") == THAT_DAY_IN_CARBONDALE
    world.jump(START + timedelta(days=4))
    world.deliver()
    assert [(row["state"], row["reason"], row["held_until"]) for row in world.sends(lead_id)][-1] == (
        "held", "lead_held", THAT_DAY_IN_CARBONDALE
    )  # fmt: skip

    assert world.sweep()["lifted"] == 0
    world.jump(THAT_DAY_IN_CARBONDALE)
    assert world.sweep()["lifted"] == 1
    world.run()

    sent = [row["sent_at"] for row in world.sends(lead_id) if row["kind"] == "nurture" and row["state"] == "sent"]
    assert len(sent) > 3
    assert min(sent) >= THAT_DAY_IN_CARBONDALE
    (held,) = [entry for entry in world.story(lead_id, "held") if "send_id" not in entry["detail"]]
    assert (held["actor"], held["detail"]["reason"]) == ("jordan", "travels")
    assert [entry["detail"]["reason"] for entry in world.story(lead_id, "released")] == ["ended"]


def test_another_day_replaces_the_first_and_a_person_may_end_it_sooner(world: World) -> None:
    lead_id = world.lead_from()
    hold_lead(world.services, lead_id, DAY, "jordan", "travels")
    hold_lead(world.services, lead_id, DAY + timedelta(days=7), "jordan", "travels longer")
    world.jump(THAT_DAY_IN_CARBONDALE)
    assert world.sweep()["lifted"] == 0

    release_hold(world.services, lead_id, "jordan", "back home")

    assert (world.lead(lead_id)["hold_reason"], world.lead(lead_id)["hold_until"]) == (None, None)


@pytest.mark.parametrize("message", ["I want to die", "I feel hopeless and worthless"])
def test_crisis_language_turns_a_hold_with_an_end_into_one_that_only_a_person_ends(world: World, message: str) -> None:
    lead_id = world.lead_from()
    hold_lead(world.services, lead_id, DAY, "jordan", "travels")
    world.lead_from(message=message)
    assert world.lead(lead_id)["hold_reason"].startswith("crisis_")

    world.jump(THAT_DAY_IN_CARBONDALE + timedelta(days=1))
    assert world.sweep()["lifted"] == 0
    assert world.lead(lead_id)["hold_reason"].startswith("crisis_")
    with pytest.raises(Refused, match="until someone has looked"):
        hold_lead(world.services, lead_id, DAY + timedelta(days=30), "jordan", "later")


def test_a_day_that_has_begun_and_a_lead_that_is_not_there_are_refused(world: World) -> None:
    lead_id = world.lead_from()

    with pytest.raises(Refused, match="begun"):
        hold_lead(world.services, lead_id, START.date(), "jordan", "late")
    with pytest.raises(NotFound):
        hold_lead(world.services, NOBODY, DAY, "jordan", "who")
    with pytest.raises(NotFound):
        send_now(world.services, NOBODY, "jordan")


def test_send_now_shortens_the_wait_to_the_first_decent_instant(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump(datetime(2026, 3, 3, 3, 0, tzinfo=UTC))  # nine in the evening in Carbondale

    at = send_now(world.services, lead_id, "jordan")

    assert at == datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
    (moved,) = world.story(lead_id, "shifted")
    assert (moved["actor"], moved["detail"]["reason"]) == ("jordan", "on_request")
    assert send_now(world.services, lead_id, "jordan") == at
    assert len(world.story(lead_id, "shifted")) == 1
    world.deliver()
    assert [state for _, state in nurture(world, lead_id)] == ["planned"]
    world.jump(at)
    world.deliver()
    assert [state for _, state in nurture(world, lead_id)] == ["sent", "planned"]


def test_send_now_keeps_the_gap_between_two_emails(world: World) -> None:
    lead_id = world.lead_from()
    world.jump_to_next_due()
    world.deliver()
    while not any(state == "sent" for _, state in nurture(world, lead_id)):
        world.jump_to_next_due()
        world.deliver()
    before = max(row["sent_at"] for row in world.sends(lead_id) if row["sent_at"])

    at = send_now(world.services, lead_id, "jordan")

    clinic = world.catalog.clinic
    assert at >= before + clinic.nurture.min_gap
    assert is_open(at, clinic.nurture.window, clinic.calendars(Location.CARBONDALE))


def test_send_now_ends_no_hold_and_no_stop(world: World) -> None:
    held = world.lead_from(email="held@example.com", message="I want to die")
    nobody = world.lead_from(email="silent@example.com", consent_email="no")

    with pytest.raises(Refused, match="a person must look at this lead first"):
        send_now(world.services, held, "jordan")
    with pytest.raises(Refused, match="nothing more is planned"):
        send_now(world.services, nobody, "jordan")
    assert {row["state"] for row in world.sends(held)} == {"planned"}


@pytest.mark.parametrize(
    ("scope", "value", "what"),
    [
        (PauseScope.ALL, None, "all sending"),
        (PauseScope.LOCATION, "carbondale", "sending for Carbondale"),
        (PauseScope.SEQUENCE, "depression", "the sequence depression"),
    ],
)
def test_send_now_under_a_pause_says_what_is_paused_who_did_it_and_why(
    world: World, scope: PauseScope, value: str | None, what: str
) -> None:
    lead_id = world.lead_from()
    pause(world.services, PauseScope.LOCATION, "albany", "painters", "casey", None)
    pause(world.services, scope, value, "phones are down", "jordan", None)

    with pytest.raises(Refused, match=rf"{what} is paused by jordan \(phones are down\)"):
        send_now(world.services, lead_id, "casey")

    world.jump(START + timedelta(days=4))
    world.deliver()
    with pytest.raises(Refused, match=rf"it is held, because {what} is paused by jordan"):
        send_now(world.services, lead_id, "casey")


def test_send_now_promises_nothing_while_the_queue_that_sends_is_paused(world: World) -> None:
    lead_id = world.lead_from()
    pause(world.services, PauseScope.QUEUE, QueueName.SEND, "a new provider", "jordan", None)

    with pytest.raises(Refused, match="queue that sends is paused"):
        send_now(world.services, lead_id, "casey")
