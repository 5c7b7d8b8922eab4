"""What is shown of a lead is what will happen: the forecast against the worker itself, and the short answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.support.world import START, World
from worker.domain.events import LeadEvent
from worker.domain.leads import Location
from worker.storage.pauses import PauseScope
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.desk.correct import correct_lead
from worker.usecases.desk.lead_file import read_lead_file
from worker.usecases.events.record_event import record_event
from worker.usecases.nurture.hold_lead import hold_lead
from worker.usecases.nurture.release_hold import release_hold
from worker.usecases.nurture.send_now import send_now
from worker.usecases.sending import pausing
from worker.usecases.sending.compose import make_token

DAY = (START + timedelta(days=18)).date()
Line = tuple[str, str, str]


def foreseen(world: World, lead_id: str) -> list[Line]:
    """What the page says will happen: what, the minute, which email."""
    lines = read_lead_file(world.services, lead_id).emails
    return [(line.state, f"{line.at:%Y-%m-%d %H:%M}", line.email) for line in lines if line.state.startswith("w")]


def run_with_sweeps(world: World) -> None:
    """As beat and the pump do it: jump to whatever comes next, a send or the end of a hold."""
    for _ in range(60):
        world.sweep()
        world.deliver()
        held = [row["held_until"] for row in world.sends() if row["state"] == "held" and row["held_until"]]
        planned = [row["due_at"] for row in world.sends() if row["state"] == "planned"]
        if not held and not planned:
            return
        world.jump(max(world.now, min([*held, *planned])))
    raise AssertionError("it does not end")


def happened(world: World, lead_id: str, before: set[str]) -> list[Line]:
    return [
        ("will_go", f"{row['sent_at']:%Y-%m-%d %H:%M}", row["email"])
        for row in world.sends(lead_id)
        if row["kind"] == "nurture" and row["state"] == "sent" and row["id"] not in before
    ]


def nothing(world: World, lead_id: str) -> None:
    """Just as it came."""


def a_few_emails_on(world: World, lead_id: str) -> None:
    for _ in range(3):
        world.jump_to_next_due()
        world.deliver()


def an_outage(world: World, lead_id: str) -> None:
    world.jump(START + timedelta(days=11, hours=13))


def a_hold_with_an_end(world: World, lead_id: str) -> None:
    hold_lead(world.services, lead_id, DAY, "jordan", "travels")


def a_hold_that_has_caught_a_send(world: World, lead_id: str) -> None:
    a_hold_with_an_end(world, lead_id)
    world.jump(START + timedelta(days=5))
    world.deliver()


def a_pause_with_an_end(world: World, lead_id: str) -> None:
    pausing.pause(world.services, PauseScope.ALL, None, "phones are down", "jordan", timedelta(days=12))
    world.jump(START + timedelta(days=5))
    world.deliver()


def sent_sooner(world: World, lead_id: str) -> None:
    world.deliver()
    send_now(world.services, lead_id, "jordan")


def moved_to_albany(world: World, lead_id: str) -> None:
    a_few_emails_on(world, lead_id)
    to = Location.ALBANY
    correct_lead(world.services, lead_id, location=to, condition=None, treatment=None, reason="said", actor="jordan")


@pytest.mark.parametrize(
    "meanwhile",
    [nothing, a_few_emails_on, an_outage, a_hold_with_an_end, a_hold_that_has_caught_a_send, a_pause_with_an_end,
     sent_sooner, moved_to_albany],
    ids=lambda function: function.__name__,
)  # fmt: skip
def test_what_the_page_foresees_is_what_the_worker_does(world: World, meanwhile: Callable[[World, str], None]) -> None:
    lead_id = world.lead_from()
    meanwhile(world, lead_id)
    before = {row["id"] for row in world.sends(lead_id) if row["state"] == "sent"}
    told = foreseen(world, lead_id)

    run_with_sweeps(world)

    assert len(told) >= 3
    assert happened(world, lead_id, before) == told


@dataclass(frozen=True)
class Case:
    about: str
    make: Callable[[World], str]
    says: tuple[str, ...]


def unsubscribed(world: World) -> str:
    lead_id = world.lead_from()
    world.deliver()
    token = make_token(world.sends(lead_id)[0]["id"], "unsubscribe", world.services.vault.lookup)
    unsubscribe(world.services, token, "one_click")
    return lead_id


def stopped(world: World) -> str:
    lead_id = world.lead_from()
    record_event(world.services, lead_id, LeadEvent.CONSULTATION_BOOKED, "jordan")
    return lead_id


def crisis(world: World) -> str:
    return world.lead_from(message="I want to die")


def held(world: World) -> str:
    lead_id = world.lead_from()
    hold_lead(world.services, lead_id, DAY, "jordan", "travels")
    return lead_id


def paused(world: World) -> str:
    lead_id = world.lead_from()
    pausing.pause(world.services, PauseScope.ALL, None, "phones are down", "jordan", None)
    return lead_id


def finished(world: World) -> str:
    lead_id = world.lead_from()
    world.run()
    return lead_id


def released(world: World) -> str:
    lead_id = crisis(world)
    release_hold(world.services, lead_id, "jordan", "a figure of speech")
    return lead_id


CASES = [
    Case("new", lambda world: world.lead_from(), ("The 1st email goes out on Wednesday 4 March 2026, 10:00 CST",)),
    Case("unsubscribed", unsubscribed, ("Nothing more goes out: they unsubscribed, on Monday 2 March",)),
    Case("booked", stopped, ("Nothing more goes out: they booked a consultation",)),
    Case("crisis", crisis, ("The 1st email waits for a person", "danger", "release the hold")),
    Case("released", released, ("The 1st email goes out on",)),
    Case("held", held, ("The 1st email waits until Saturday 21 March 2026, 9:00 CDT, because staff hold",)),
    Case("paused", paused, ("waits for a person", "paused by jordan (phones are down)")),
    Case("no consent", lambda world: world.lead_from(consent_email="no"), ("Only the acknowledgement", "not agreed")),
    Case("far away", lambda world: world.lead_from(location=None, zip="99501"), ("Only the acknowledgement", "area")),
    Case("phone only", lambda world: world.lead_from(email=None, phone="217-555-0142"), ("No email goes", "calls")),
    Case("finished", finished, ("Nothing more goes out: they have had every email",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_the_short_answer_says_what_is_so_and_why(world: World, case: Case) -> None:
    answer = read_lead_file(world.services, case.make(world)).answer

    assert [part for part in case.says if part not in answer] == [], answer
