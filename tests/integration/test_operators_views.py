"""What operators look at before they act: parked items by cause, what is planned, and what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta

import pytest

from tests.support.world import START, ScriptedProvider, World
from worker.delivery.base import Receipt
from worker.errors import AmbiguousDeliveryError
from worker.storage import parked, submissions
from worker.storage.pauses import PauseScope
from worker.storage.sealing import KeyRing
from worker.usecases.desk import unpark
from worker.usecases.desk.unpark import Replayed
from worker.usecases.health.upcoming import DAYS, read_day, read_upcoming
from worker.usecases.sending.pausing import pause
from worker.usecases.sending.resolve_send import Resolution, resolve_send
from worker.usecases.sending.unknown import ask_provider, read_unknown

OTHER_RING = KeyRing({"gone7": bytes(32)})


def park_three(world: World) -> list[str]:
    """Two submissions sealed with a lost key, and a broker message."""
    for number in range(2):
        world.capture(submissions.envelope(world.submission(email=f"lead{number}@example.com"), OTHER_RING))
    with world.database.write() as connection:
        parked.park_message(connection, b"{}", "not_json", world.services.ring, world.now)
        return [item["id"] for item in parked.of_cause(connection, "submission", "UnknownSealKey", 10)]


def test_parked_items_stand_together_by_cause(world: World) -> None:
    park_three(world)
    world.jump(timedelta(hours=1))
    world.capture(submissions.envelope(world.submission(email="lead9@example.com"), OTHER_RING))

    with world.database.read() as connection:
        causes = parked.causes(connection)

    assert [(cause.kind, cause.code, cause.items) for cause in causes] == [
        ("submission", "UnknownSealKey", 3), ("message", "not_json", 1),
    ]  # fmt: skip
    assert (causes[0].first_at, causes[0].last_at) == (START, START + timedelta(hours=1))


def test_a_selection_is_retried_item_by_item_and_never_more_than_was_selected(world: World) -> None:
    first, second = park_three(world)
    assert unpark.replay_all(world.services, [first, "no id"], "jordan") == {
        Replayed.STILL_SEALED: 1, Replayed.NOT_OPEN: 1,
    }  # fmt: skip

    world.services = replace(world.services, ring=KeyRing({**world.services.ring.keys, **OTHER_RING.keys}))
    assert unpark.replay_all(world.services, [first], "jordan") == {Replayed.DONE: 1}

    with world.database.read() as connection:
        assert [item["id"] for item in parked.of_cause(connection, "submission", "UnknownSealKey", 10)] == [second]


def test_a_selection_is_dismissed_with_a_reason_and_says_how_many_were_still_open(world: World) -> None:
    first, second = park_three(world)
    unpark.dismiss(world.services, first, "sam", "a test of ours")

    assert unpark.dismiss_all(world.services, [first, second], "jordan", "a test of ours") == 1


def test_the_calendar_counts_what_the_ledger_has_planned(world: World) -> None:
    for number in range(3):
        world.lead_from(email=f"lead{number}@example.com")
    world.lead_from(email="albany@example.com", location="albany")
    world.deliver()

    with world.database.read() as connection:
        everything = read_upcoming(connection)
        albany = read_upcoming(connection, location="albany")

    due = {row["due_at"].astimezone(UTC).date() for row in world.sends() if row["state"] == "planned"}
    assert {day.day for day in everything.days if day.count} == due
    assert (sum(day.count for day in everything.days), sum(day.count for day in albany.days)) == (4, 1)
    assert (len(everything.days), everything.days[0].day) == (DAYS, date(2026, 3, 2))


@pytest.mark.parametrize(
    ("scope", "value", "lasts", "paused"),
    [
        (PauseScope.ALL, None, None, {"carbondale", "albany"}),
        (PauseScope.LOCATION, "albany", None, {"albany"}),
        (PauseScope.SEQUENCE, "depression", timedelta(days=20), {"carbondale", "albany"}),
        (PauseScope.ALL, None, timedelta(hours=1), set()),
        (PauseScope.QUEUE, "send", None, set()),
    ],
)
def test_the_calendar_marks_what_a_pause_will_hold_up(
    world: World, scope: PauseScope, value: str | None, lasts: timedelta | None, paused: set[str]
) -> None:
    for location in ("carbondale", "albany"):
        world.lead_from(email=f"{location}@example.com", location=location)
    world.deliver()
    pause(world.services, scope, value, "phones are down", "jordan", lasts)

    with world.database.read() as connection:
        found = read_upcoming(connection)
        listed = [one for day in found.days if day.count for one in read_day(connection, day.day, 9)]

    assert {one.location for day in found.days for one in day.planned if one.pause} == paused
    assert {one.send["location"] for one in listed if one.pause} == paused
    assert sum(day.paused for day in found.days) == len(paused)
    assert [one["reason"] for one in found.pauses] == (["phones are down"] if paused else [])


def test_a_day_lists_its_sends_in_order_and_by_email(world: World) -> None:
    for number in range(3):
        world.lead_from(email=f"lead{number}@example.com")
        world.jump(timedelta(minutes=1))
    world.deliver()
    planned = [row for row in world.sends() if row["state"] == "planned"]

    with world.database.read() as connection:
        day = read_day(connection, planned[0]["due_at"].date(), 2)
        other = read_day(connection, planned[0]["due_at"].date(), 2, email="no-such-email")

    assert [one.send["id"] for one in day] == [row["id"] for row in planned[:2]]
    assert {one.lead["id"] for one in day} <= {row["lead_id"] for row in planned}
    assert other == []


def test_an_unknown_send_shows_what_the_provider_says_before_anyone_decides(world: World) -> None:
    provider = ScriptedProvider(answer=lambda _: AmbiguousDeliveryError("no_reply"))
    world.services.provider = provider
    lead_id = world.lead_from()
    world.deliver()

    found = read_unknown(world.services)
    (one,) = found.sends
    assert (one.lead["id"], one.send["last_code"], one.events) == (lead_id, "no_reply", [])
    assert ask_provider(world.services, one.send["id"]) is None

    provider.known[one.send["id"]] = Receipt(provider="scripted")
    assert ask_provider(world.services, one.send["id"]) == Receipt(provider="scripted")

    resolve_send(world.services, one.send["id"], Resolution.SENT, "jordan", "the provider has it")
    assert read_unknown(world.services).sends == []
