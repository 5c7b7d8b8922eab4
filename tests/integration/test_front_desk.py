"""The response clock on real rows: who waits, who is late, who is told again, and what stops it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.world import START, World
from worker.domain.events import ANSWERS, LeadEvent
from worker.domain.response import Waiting
from worker.usecases.desk.front_desk import read_front_desk
from worker.usecases.events.record_event import record_event


def waiting(world: World) -> list[tuple[str, Waiting]]:
    return [(one.lead["id"], one.response.waiting) for one in read_front_desk(world.services).waiting]


def unanswered_alerts(world: World) -> list[str]:
    world.tell_staff()
    return [text for text in world.alert_files if "still waits" in text]


def test_a_new_lead_waits_and_becomes_late(world: World) -> None:
    lead_id = world.lead_from()
    assert waiting(world) == [(lead_id, Waiting.IN_TIME)]

    world.jump(timedelta(minutes=45))

    assert waiting(world) == [(lead_id, Waiting.LATE)]


def test_the_longest_waiting_comes_first_and_a_trial_lead_never(world: World) -> None:
    first = world.lead_from(email="first@example.com")
    world.jump(timedelta(minutes=5))
    second = world.lead_from(email="second@example.com")
    world.lead_from(email="trial@example.com", form="sandbox")

    assert [lead_id for lead_id, _ in waiting(world)] == [first, second]


@pytest.mark.parametrize("event", sorted(ANSWERS))
def test_whatever_shows_that_someone_answered_stops_the_clock(world: World, event: LeadEvent) -> None:
    lead_id = world.lead_from()
    world.jump(timedelta(minutes=12))

    record_event(world.services, lead_id, event, "jordan")
    record_event(world.services, lead_id, event, "jordan")

    assert waiting(world) == []
    (entry,) = world.story(lead_id, "answered")
    assert (entry["actor"], entry["detail"]) == ("jordan", {"after_working_minutes": 12})
    assert world.lead(lead_id)["first_answered_at"] == START + timedelta(minutes=12)


def test_a_call_ends_no_sequence(world: World) -> None:
    lead_id = world.lead_from()

    record_event(world.services, lead_id, LeadEvent.CONTACTED, "jordan")

    assert world.lead(lead_id)["status"] == "new"
    assert {row["state"] for row in world.sends(lead_id)} == {"planned"}


def test_who_writes_again_after_an_answer_waits_again_and_the_first_answer_stays_known(world: World) -> None:
    lead_id = world.lead_from()
    record_event(world.services, lead_id, LeadEvent.CONTACTED, "jordan")
    world.jump(timedelta(days=1))

    world.lead_from(message="one more question")

    assert waiting(world) == [(lead_id, Waiting.IN_TIME)]
    assert world.lead(lead_id)["waiting_since"] == START + timedelta(days=1)
    assert world.lead(lead_id)["first_answered_at"] == START


def test_a_second_form_while_waiting_does_not_start_the_wait_anew(world: World) -> None:
    lead_id = world.lead_from()
    world.jump(timedelta(minutes=45))
    world.lead_from(message="one more question")

    assert world.lead(lead_id)["waiting_since"] == START


def test_staff_are_told_again_once_for_each_wait(world: World) -> None:
    lead_id = world.lead_from()
    world.jump(timedelta(hours=1, minutes=59))
    assert world.sweep()["escalated"] == 0

    world.jump(timedelta(minutes=5))
    assert [world.sweep()["escalated"], world.sweep()["escalated"]] == [1, 0]
    assert len(unanswered_alerts(world)) == 1
    assert len(world.story(lead_id, "escalated")) == 1

    record_event(world.services, lead_id, LeadEvent.CONTACTED, "jordan")
    world.lead_from(message="one more question")
    world.jump(timedelta(hours=2, minutes=5))
    assert world.sweep()["escalated"] == 1
    assert len(unanswered_alerts(world)) == 2


def test_nobody_is_told_again_outside_working_hours(world: World) -> None:
    world.jump(START + timedelta(days=4, hours=9))  # Friday evening
    world.lead_from()
    world.jump(timedelta(days=2))

    assert world.sweep()["escalated"] == 0


def test_who_is_held_and_what_is_in_quarantine_stands_beside(world: World) -> None:
    held = world.lead_from(message="I want to die")

    desk = read_front_desk(world.services)

    assert [lead["id"] for lead in desk.held] == [held]
    assert desk.quarantined == []
