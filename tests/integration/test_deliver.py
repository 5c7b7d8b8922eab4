"""Delivery: who gets what and when, from the ledger; what is shown beforehand is what happens (I3, I4, I7, I9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from tests.support.world import RING, SHIPPED, START, ScriptedProvider, World
from worker.content.simulate import simulate
from worker.content.snapshots import pack, snapshot_hash
from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.events import LeadEvent
from worker.domain.leads import Location
from worker.domain.schedule import is_open
from worker.errors import TransientDeliveryError
from worker.storage import claims, contents, installation, leads, tables
from worker.storage.database import real_now
from worker.storage.leads import IDENTITY, Identity, Vault
from worker.storage.pauses import PauseScope
from worker.storage.sealing import KeyRing
from worker.usecases.arrival.arrivals import route_submission
from worker.usecases.choices.choose_location import choose_location
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.content.publish import publish
from worker.usecases.events.record_event import record_event
from worker.usecases.nurture.release_hold import release_hold
from worker.usecases.sending import pausing
from worker.usecases.sending.compose import make_token
from worker.usecases.sending.deliver import deliver_due
from worker.usecases.sending.unknown import ask_provider

RECEIPT = Receipt(provider="scripted")
RING_WITHOUT_ITS_KEY = KeyRing({"other1": bytes(32)})

ROUTES: dict[str, Mapping[str, str | None]] = {
    "carbondale depression": {},
    "carbondale spravato": {"treatment": "spravato"},
    "carbondale pain": {"condition": "crps"},
    "albany ptsd": {"location": "albany", "condition": "ptsd"},
    "albany anything": {"location": "albany", "condition": None},
    "undecided anxiety": {"location": None, "condition": "anxiety"},
    "out of the area": {"location": None, "state": "CA"},
}


def nurture(world: World, lead_id: str, state: str = "sent") -> list[Mapping[str, object]]:
    return [row for row in world.sends(lead_id) if row["kind"] == "nurture" and row["state"] == state]


def unsubscribe_token(world: World, send_id: str) -> str:
    return make_token(send_id, "unsubscribe", world.services.vault.lookup)


def changed(path: str, old: str, new: str) -> dict[str, str]:
    """The shipped content with one thing changed in one file."""
    assert old in SHIPPED[path], f"{path} does not hold {old!r}"
    return {**SHIPPED, path: SHIPPED[path].replace(old, new)}


# --- the whole way ---


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "at",
    [
        START,
        datetime(2026, 3, 7, 4, 15, tzinfo=UTC),  # Friday night before clocks go forward
        datetime(2026, 10, 31, 3, 15, tzinfo=UTC),  # Friday night before clocks go back
        datetime(2026, 12, 18, 22, 59, tzinfo=UTC),  # into the holidays
    ],
    ids=["Monday", "spring", "autumn", "December"],
)
def test_what_is_simulated_is_what_is_sent(world: World, route: str, at: datetime) -> None:
    world.jump(at)
    submission = world.submission(**ROUTES[route])
    topic, decided = route_submission(world.catalog, submission)
    shown = [
        (entry.email, entry.at) for entry in simulate(world.renderer, decided, topic.conditions, at)
        if entry.decision == "send"
    ]  # fmt: skip

    lead_id = world.lead_from(**ROUTES[route])
    world.run()

    assert [(row["email"], row["sent_at"]) for row in world.sends(lead_id)] == shown
    assert {row["state"] for row in world.sends(lead_id)} == {"sent"}
    assert len(world.mail) == len(shown)


@pytest.mark.parametrize("route", ["carbondale depression", "albany ptsd", "undecided anxiety"])
def test_every_nurture_email_keeps_the_window_and_the_gap(world: World, route: str) -> None:
    world.jump(datetime(2026, 11, 20, 23, 30, tzinfo=UTC))  # Thanksgiving, Christmas and New Year lie ahead
    lead_id = world.lead_from(**ROUTES[route])
    world.run()

    clinic = world.catalog.clinic
    sent = nurture(world, lead_id)
    times = [row["sent_at"] for row in sent]
    calendars = clinic.calendars(Location(str(sent[0]["location"])))
    assert len(times) >= 5
    assert all(is_open(at, clinic.nurture.window, calendars) for at in times if isinstance(at, datetime))
    assert all(later - earlier >= timedelta(hours=48) for earlier, later in pairwise(times))  # type: ignore[operator]
    local = [at.astimezone(ZoneInfo(calendars[0].zone)) for at in times if isinstance(at, datetime)]
    assert all(9 <= at.hour < 18 and at.weekday() < 6 for at in local)


def test_a_finished_sequence_is_completed_and_says_so(world: World) -> None:
    lead_id = world.lead_from()
    world.run()

    assert [(row["status"], row["ended_at"] is not None) for row in world.rows(tables.enrollments)] == [
        ("completed", True)
    ]
    assert world.story(lead_id)[-1]["kind"] == "enrollment_ended"
    assert world.sends(lead_id)[-1]["email"] == "goodbye"


def test_only_the_next_send_of_an_enrollment_is_ever_planned(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    while world.jump_to_next_due() is not None:
        assert len(nurture(world, lead_id, "planned")) == 1
        world.deliver()


def test_after_an_outage_of_weeks_nobody_gets_several_at_once(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump(timedelta(days=30))

    world.deliver()
    assert nurture(world, lead_id) == [], "what is late waits for another day"
    world.run()

    times = [row["sent_at"] for row in nurture(world, lead_id)]
    assert all(later - earlier >= timedelta(hours=48) for earlier, later in pairwise(times))  # type: ignore[operator]
    assert world.story(lead_id, "shifted")[0]["detail"]["reason"] == "late"


def test_an_acknowledgement_goes_out_at_any_hour_and_nurture_does_not(world: World) -> None:
    world.jump(datetime(2026, 3, 8, 7, 0, tzinfo=UTC))  # a Sunday night
    lead_id = world.lead_from()
    assert world.deliver() == {"sent": 1}

    world.execute(update(tables.sends).where(tables.sends.c.kind == "nurture").values(due_at=world.now))
    assert world.deliver() == {"shift": 1}

    shifted = world.send("depression-options", lead_id)
    assert shifted["due_at"] == datetime(2026, 3, 9, 14, 0, tzinfo=UTC), "Monday, 9:00 in Carbondale"
    assert [entry["detail"]["reason"] for entry in world.story(lead_id, "shifted")] == ["outside_window"]


def test_a_send_that_comes_due_too_soon_after_another_is_shifted(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    last = world.send("depression-options", lead_id)["sent_at"]
    world.execute(update(tables.sends).where(tables.sends.c.email == "spravato").values(due_at=world.now))

    assert world.deliver() == {"shift": 1}

    assert world.send("spravato", lead_id)["due_at"] >= last + timedelta(hours=48)


def test_a_message_carries_its_sends_identity_and_the_recipient_alone(world: World) -> None:
    world.services.provider = provider = ScriptedProvider()
    lead_id = world.lead_from(last_name="Example", phone="618-555-0142")
    world.deliver()

    (message,) = provider.messages
    send = world.send("acknowledgement", lead_id)
    headers = message.content.partition(b"\r\n\r\n")[0].decode()
    assert message.send_id == send["id"]
    assert message.recipient == "maya@example.com"
    assert message.envelope_from == f"bounce+{send['id'].replace('-', '')}@mail.albanyclinic.example.com"
    assert f"Message-ID: <{send['id']}@mail.albanyclinic.example.com>" in headers
    assert "Maya" not in headers.replace("maya@example.com", "")
    assert b"Hello Maya," in message.content


def test_the_content_that_was_sent_is_marked_as_used(world: World) -> None:
    world.post()
    world.deliver()
    first = world.now
    world.jump_to_next_due()
    world.deliver()

    (snapshot,) = world.rows(tables.snapshots)
    assert (snapshot["first_used_at"], snapshot["last_used_at"]) == (first, world.now)
    assert {row["snapshot"] for row in world.sends() if row["state"] == "sent"} == {snapshot["hash"]}


def test_a_pump_without_time_gives_back_what_it_claimed_and_asks_to_go_on(world: World) -> None:
    for number in range(3):
        world.post(email=f"lead{number}@example.com")
    world.queue.hints.clear()

    assert deliver_due(world.services, budget_s=0.0) == {}

    assert world.queue.hints == ["deliver"]
    assert {row["state"] for row in world.sends()} == {"planned"}
    assert world.deliver() == {"sent": 3}


# --- what changes between the decision and the network ---


def before_delivery(world: World, act: Callable[[], object]) -> ScriptedProvider:
    """A provider whose first message lets something happen elsewhere, as another process would."""
    seen: list[str] = []

    def answer(message: Message) -> Outcome:
        if not seen:
            act()
        seen.append(message.send_id)
        return RECEIPT

    provider = ScriptedProvider(answer=answer)
    world.services.provider = provider
    return provider


@dataclass(frozen=True)
class InterruptedVault(Vault):
    """Lets something happen elsewhere while a message is composed: after the decision, before the gate."""

    interruptions: list[Callable[[], object]] = field(default_factory=list)

    def open_identity(self, lead: Mapping[str, Any], names: Sequence[str] = IDENTITY) -> Identity:
        if self.interruptions:
            self.interruptions.pop()()
        return super().open_identity(lead, names)


@pytest.mark.parametrize("what", ["unsubscribes", "is held", "is paused", "books", "moves", "is sent other words"])
def test_what_happens_between_the_decision_and_the_hand_over_is_honoured(world: World, what: str) -> None:
    world.services.provider = provider = ScriptedProvider()
    lead_id = world.lead_from(location=None)
    world.deliver()
    world.jump_to_next_due()
    (row,) = [row for row in world.sends(lead_id) if row["state"] == "planned"]
    services = world.services
    acts: dict[str, Callable[[], object]] = {
        "unsubscribes": lambda: unsubscribe(services, unsubscribe_token(world, row["id"]), "link"),
        "is held": lambda: world.execute(update(tables.leads).values(hold_reason="crisis_review")),
        "is paused": lambda: pausing.pause(services, PauseScope.ALL, None, "stop", "jordan", None),
        "books": lambda: record_event(services, lead_id, LeadEvent.CONSULTATION_BOOKED, "jordan"),
        "moves": lambda: choose_location(
            services, make_token(lead_id, "choose", services.vault.lookup), Location.ALBANY
        ),
        "is sent other words": lambda: world.execute(update(tables.installation).values(active_snapshot=None)),
    }
    vault = services.vault
    services.vault = InterruptedVault(vault.ring, vault.lookup, [acts[what]])

    assert world.deliver() == {}

    assert [message.send_id for message in provider.messages if message.send_id == row["id"]] == []
    stored = next(send for send in world.sends(lead_id) if send["id"] == row["id"])
    assert (stored["state"], stored["attempts"]) in [("planned", 0), ("cancelled", 0)]


def test_who_unsubscribes_while_others_are_being_sent_to_gets_nothing_more(world: World) -> None:
    """Twelve people are due: while the first ten are with the provider, the twelfth unsubscribes."""
    people = [world.lead_from(email=f"lead{number}@example.com") for number in range(12)]
    world.deliver()
    world.jump_to_next_due()
    rows = [world.send("depression-options", lead_id) for lead_id in people]
    for number, row in enumerate(rows):  # the order of claiming
        due_at = row["due_at"] - timedelta(seconds=12 - number)
        world.execute(update(tables.sends).where(tables.sends.c.id == row["id"]).values(due_at=due_at))
    provider = before_delivery(
        world, lambda: unsubscribe(world.services, unsubscribe_token(world, rows[11]["id"]), "link")
    )

    assert world.deliver()["sent"] == 11

    assert rows[11]["id"] not in {message.send_id for message in provider.messages}
    assert world.send("depression-options", people[11])["reason"] == "unsubscribed"


def test_a_refused_send_of_someone_who_unsubscribed_meanwhile_is_not_tried_again(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    row = world.send("depression-options", lead_id)

    def refuse(_: Message) -> Outcome:
        unsubscribe(world.services, unsubscribe_token(world, row["id"]), "link")
        return TransientDeliveryError("smtp_451")

    world.services.provider = provider = ScriptedProvider(answer=refuse)
    world.deliver()
    world.let_retries_come_due()
    world.sweep()

    assert world.deliver() == {"skip": 1}
    assert len(provider.messages) == 1
    assert world.send("depression-options", lead_id)["reason"] == "suppressed"


def test_a_refused_send_of_someone_who_moved_meanwhile_leaves_the_new_sequence_alone(world: World) -> None:
    lead_id = world.lead_from(location=None)
    world.deliver()
    world.jump_to_next_due()
    token = make_token(lead_id, "choose", world.services.vault.lookup)

    def refuse(_: Message) -> Outcome:
        choose_location(world.services, token, Location.ALBANY)
        return TransientDeliveryError("smtp_451")

    world.services.provider = ScriptedProvider(answer=refuse)
    world.deliver()
    world.services.provider = ScriptedProvider()
    world.let_retries_come_due()
    assert world.deliver() == {"skip": 1}
    world.run()

    assert sorted((row["location"], row["status"]) for row in world.rows(tables.enrollments)) == [
        ("albany", "completed"),
        ("undecided", "exited"),
    ]
    assert len(nurture(world, lead_id)) >= 5


def test_content_published_during_delivery_sends_the_rest_from_the_new_content(world: World) -> None:
    for number in range(12):
        world.post(email=f"lead{number}@example.com")
    old = world.rows(tables.snapshots)[0]["hash"]
    new = changed("emails/acknowledgement.md", 'sponsor = "none"', 'sponsor = "none" ')
    provider = before_delivery(world, lambda: publish(world.database, new, "jordan"))

    world.deliver()
    world.let_retries_come_due()
    world.deliver()

    acknowledgements = [row for row in world.sends() if row["kind"] == "acknowledgement"]
    assert {row["state"] for row in acknowledgements} == {"sent"}
    assert sorted(row["snapshot"] == old for row in acknowledgements) == [False] * 2 + [True] * 10
    assert len(provider.messages) == 12


# --- pauses ---


@pytest.mark.parametrize(
    ("scope", "value", "stops"),
    [
        (PauseScope.ALL, None, True),
        (PauseScope.LOCATION, "carbondale", True),
        (PauseScope.LOCATION, "albany", False),
        (PauseScope.SEQUENCE, "depression", True),
        (PauseScope.SEQUENCE, "ptsd", False),
    ],
)
def test_a_pause_holds_what_it_names_and_nothing_else_until_it_is_lifted(
    world: World, scope: PauseScope, value: str | None, stops: bool
) -> None:
    lead_id = world.lead_from()
    world.deliver()
    pausing.pause(world.services, scope, value, "phones are down", "jordan", None)
    world.jump_to_next_due()

    assert world.deliver() == ({"hold": 1} if stops else {"sent": 1})
    if stops:
        assert world.send("depression-options", lead_id)["reason"] == "paused"
        assert world.sweep()["released"] == 0
        assert pausing.resume(world.services, scope, value, "jordan") == 1
        assert world.deliver() == {"sent": 1}


def test_a_pause_for_a_time_ends_by_itself(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    until = pausing.pause(world.services, PauseScope.ALL, None, "a look first", "jordan", timedelta(hours=2))
    assert world.deliver() == {"hold": 1}
    assert world.send("depression-options", lead_id)["held_until"] == until

    world.jump(timedelta(hours=2) - timedelta(seconds=1))
    assert world.sweep()["released"] == 0
    world.jump(timedelta(seconds=1))
    assert world.sweep()["released"] == 1
    assert world.deliver() == {"sent": 1}


def test_of_two_pauses_the_longer_one_counts(world: World) -> None:
    world.post()
    world.deliver()
    world.jump_to_next_due()
    pausing.pause(world.services, PauseScope.ALL, None, "one", "jordan", timedelta(hours=1))
    pausing.pause(world.services, PauseScope.LOCATION, "carbondale", "two", "jordan", None)
    world.deliver()

    assert pausing.resume(world.services, PauseScope.ALL, None, "jordan") == 1
    assert world.deliver() == {"hold": 1}, "the other one is still in force"
    assert pausing.resume(world.services, PauseScope.LOCATION, "carbondale", "jordan") == 1
    assert world.deliver() == {"sent": 1}


def test_a_pause_of_everything_stops_acknowledgements_too_and_none_is_lost(world: World) -> None:
    pausing.pause(world.services, PauseScope.ALL, None, "wrong footer", "jordan", None)
    world.post()
    assert world.deliver() == {"hold": 1}

    pausing.resume(world.services, PauseScope.ALL, None, "jordan")
    assert world.deliver() == {"sent": 1}


def test_a_pause_that_begins_after_the_decision_is_honoured_by_the_gate(world: World) -> None:
    for number in range(12):
        world.post(email=f"lead{number}@example.com")
    provider = before_delivery(
        world, lambda: pausing.pause(world.services, PauseScope.ALL, None, "stop", "jordan", None)
    )

    world.deliver()
    world.let_retries_come_due()
    world.deliver()

    assert len(provider.messages) == 10, "those with the provider when it was paused"


# --- holds ---


def test_a_held_lead_waits_until_a_person_lets_it_go_on(world: World) -> None:
    lead_id = world.lead_from(message="I want to die")
    world.deliver()
    world.jump_to_next_due()
    assert world.deliver() == {"hold": 1}
    assert world.sweep()["released"] == 0

    release_hold(world.services, lead_id, "jordan", "we have spoken")

    assert world.lead(lead_id)["hold_reason"] is None
    assert world.deliver() == {"sent": 1}
    assert [entry["actor"] for entry in world.story(lead_id, "released")] == ["jordan"]


def test_a_hold_set_while_a_send_waits_is_honoured(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    with world.database.write() as connection:
        leads.change(connection, lead_id, hold_reason="crisis_review")

    assert world.deliver() == {"hold": 1}
    assert world.send("depression-options", lead_id)["reason"] == "lead_held"


def test_an_email_taken_out_of_the_content_holds_its_step_and_tells_staff_once(world: World) -> None:
    """The step stays in the plan that people started with; its email is gone from what is published."""
    people = [world.lead_from(email=f"lead{number}@example.com") for number in range(3)]
    world.deliver()
    world.jump_to_next_due()
    world.execute(
        update(tables.sends).where(tables.sends.c.kind == "nurture").values(email="an-email-that-was-withdrawn")
    )

    assert world.deliver() == {"hold": 3}

    assert {row["reason"] for lead_id in people for row in nurture(world, lead_id, "held")} == {"content_missing"}
    assert [row["kind"] for row in world.rows(tables.alerts)].count("content_held") == 1
    world.sweep()
    assert world.deliver() == {}


def test_an_email_that_does_not_render_is_held_whole_and_goes_out_once_it_is_mended(world: World) -> None:
    """Publishing refuses such content; here it got into the database all the same."""
    people = [world.lead_from(email=f"lead{number}@example.com") for number in range(3)]
    world.deliver()
    broken = changed("emails/depression-options.md", "{{ greeting }}", "{{ nobody.knows }}")
    with world.database.write() as connection:
        contents.store(connection, snapshot_hash(broken), pack(broken), world.now, "nobody", "")
        installation.activate(connection, snapshot_hash(broken))
    world.jump_to_next_due()
    world.services.provider = provider = ScriptedProvider()

    assert world.deliver() == {"hold": 3}

    assert provider.messages == [], "nobody gets half an email"
    assert {row["reason"] for lead_id in people for row in nurture(world, lead_id, "held")} == {"content_broken"}
    assert [row["kind"] for row in world.rows(tables.alerts)].count("content_held") == 1
    publish(world.database, SHIPPED, "jordan")
    assert world.deliver() == {"sent": 3}


def test_an_email_whose_review_date_has_passed_is_held_and_goes_out_once_it_is_reviewed(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    overdue = changed("emails/depression-options.md", "review_by = 2027-11-20", "review_by = 2026-03-03")
    publish(world.database, overdue, "jordan")
    world.jump_to_next_due()

    assert world.deliver() == {"hold": 1}
    assert world.send("depression-options", lead_id)["reason"] == "review_overdue"
    assert [row["kind"] for row in world.rows(tables.alerts)].count("content_held") == 1

    publish(world.database, SHIPPED, "jordan")
    assert world.deliver() == {"sent": 1}


def test_an_email_is_not_overdue_on_its_review_date_itself(world: World) -> None:
    world.post()
    world.deliver()
    due = world.jump_to_next_due()
    assert due is not None
    day = due.astimezone(ZoneInfo("America/Chicago")).date()
    publish(
        world.database,
        changed("emails/depression-options.md", "review_by = 2027-11-20", f"review_by = {day}"),
        "jordan",
    )

    assert world.deliver() == {"sent": 1}


def test_a_lead_whose_identity_cannot_be_opened_holds_nobody_else_up(world: World) -> None:
    stuck = world.lead_from(email="stuck@example.com")
    fine = world.lead_from(email="fine@example.com")
    sealed = RING_WITHOUT_ITS_KEY.seal(b"stuck@example.com", f"leads.email/{stuck}")
    world.execute(update(tables.leads).where(tables.leads.c.id == stuck).values(email_sealed=sealed))

    assert world.deliver() == {"hold": 1, "sent": 1}

    assert world.send("acknowledgement", fine)["state"] == "sent"
    assert world.send("acknowledgement", stuck)["state"] == "held"
    assert "content_held" in {row["kind"] for row in world.rows(tables.alerts)}
    assert RING.keys.keys() != RING_WITHOUT_ITS_KEY.keys.keys()


def test_a_lead_without_consent_any_more_is_skipped_and_leaves_the_sequence(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.execute(update(tables.consents).values(granted=False))
    world.jump_to_next_due()

    assert world.deliver() == {"skip": 1}

    assert world.send("depression-options", lead_id)["reason"] == "no_consent"
    assert [row["status"] for row in world.rows(tables.enrollments)] == ["exited"]


def test_an_email_for_other_conditions_is_skipped_and_the_next_step_is_planned(world: World) -> None:
    lead_id = world.lead_from()
    world.deliver()
    world.execute(update(tables.leads).values(conditions=["crps"]))
    world.jump_to_next_due()

    assert world.deliver() == {"skip": 1}

    skipped = world.send("depression-options", lead_id)
    assert (skipped["state"], skipped["reason"]) == ("skipped", "not_for_condition")
    assert len(nurture(world, lead_id, "planned")) == 1


def test_nothing_is_claimed_while_nothing_is_due(world: World) -> None:
    world.post()
    world.deliver()
    before = world.sends()

    assert world.deliver() == {}
    assert world.sends() == before
    with world.database.write() as connection:
        assert claims.claim_due(connection, world.now, real_now(connection), 10) == []


# --- practice forms ---


def test_emails_to_the_lead_of_a_practice_form_never_reach_the_provider(world: World) -> None:
    world.services.provider = provider = ScriptedProvider()
    tried, real = world.lead_from(email="tried@example.com", form="sandbox"), world.lead_from(email="real@example.com")

    world.deliver()

    assert {row["state"] for row in world.sends() if row["kind"] == "acknowledgement"} == {"sent"}
    assert [message.recipient for message in provider.messages] == ["real@example.com"]
    assert [mail["To"] for mail in world.mail] == ["tried@example.com"]
    assert {row["lead_id"]: row["provider"] for row in world.sends() if row["state"] == "sent"} == {
        tried: "outbox", real: "scripted"
    }  # fmt: skip


def test_a_practice_email_says_nothing_of_a_provider_that_fails(world: World) -> None:
    world.services.provider = ScriptedProvider(answer=lambda _: TransientDeliveryError("down"))
    for number in range(3):
        world.lead_from(email=f"real{number}@example.com")
    world.lead_from(email="tried@example.com", form="sandbox")

    world.deliver()

    assert [(row["provider"], row["failures"] > 0) for row in world.rows(tables.breakers)] == [("scripted", True)]


def test_a_practice_email_left_unknown_is_looked_up_here_and_never_at_the_provider(world: World) -> None:
    class Curious(ScriptedProvider):
        def lookup(self, send_id: str) -> Receipt | None:
            raise AssertionError("the provider was asked about a test")

    def die(_: Sequence[Message]) -> Iterator[tuple[Message, Outcome]]:
        raise RuntimeError("as good as SIGKILL")

    world.services.provider, practice = Curious(), world.services.practice
    lead_id = world.lead_from(form="sandbox")
    written, practice.deliver = practice.deliver, die  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        world.deliver()
    practice.deliver = written  # type: ignore[method-assign]
    world.let_leases_lapse()

    world.sweep()
    (row,) = (row for row in world.sends(lead_id) if row["kind"] == "acknowledgement")
    assert (row["state"], ask_provider(world.services, row["id"])) == ("unknown", None)
    (world.folder / "outbox" / f"{row['id']}.eml").write_bytes(b"it was written after all")
    world.deliver()

    (row,) = (row for row in world.sends(lead_id) if row["kind"] == "acknowledgement")
    assert (row["state"], row["provider"]) == ("sent", "outbox")


# --- a form in Spanish ---


def test_who_writes_by_a_form_in_spanish_is_answered_in_spanish(world: World) -> None:
    spanish = SHIPPED["forms.toml"].replace("[forms.sandbox]\n", '[forms.sandbox]\nlanguage = "es"\n')
    publish(world.database, {**SHIPPED, "forms.toml": spanish}, "Jordan Example")

    world.lead_from(email="lucia@example.com", first_name="Lucía", form="sandbox")
    world.lead_from(email="maya@example.com")
    world.deliver()

    said = {mail["To"]: str(mail.get_body(("plain",)).get_content()) for mail in world.mail}  # type: ignore[union-attr]
    assert "Hola Lucía," in said["lucia@example.com"]
    assert "Hello Maya," in said["maya@example.com"]
    html = next(mail for mail in world.mail if mail["To"] == "lucia@example.com").get_body(("html",))
    assert html is not None
    assert '<html lang="es"' in html.get_content()
