"""Manners in the ledger: rates and caps hold for several workers, and an outage costs nobody an attempt."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.support.world import ScriptedProvider, World, open_world
from worker.delivery.base import Message, Outcome, Receipt
from worker.domain.breaker import OPENS_AFTER
from worker.domain.mailboxes import Mailbox
from worker.domain.manners import Manners, WarmUp
from worker.domain.rates import Rate
from worker.domain.sends import SendKind
from worker.errors import AmbiguousDeliveryError, DeliveryError, PermanentDeliveryError, TransientDeliveryError
from worker.storage import claims, tables
from worker.storage.broker import Broker
from worker.storage.database import real_now
from worker.storage.pauses import PauseScope
from worker.storage.spool import Spool
from worker.usecases.health.status import Status, read_status
from worker.usecases.sending import pausing
from worker.usecases.sending.deliver import GROUP, deliver_due
from worker.usecases.sending.record_outcome import MAX_ATTEMPTS

RECEIPT = Receipt(provider="scripted")
DOWN = TransientDeliveryError("smtp_unreachable")
REFUSED = TransientDeliveryError("smtp_login_refused", is_our_fault=True)
GREYLISTED = TransientDeliveryError("smtp_450", is_about_recipient=True)
HOUR = 3600


@dataclass
class Switch:
    """A provider that answers as it is set, and counts."""

    outcome: Outcome = RECEIPT
    messages: list[Message] = field(default_factory=list)

    def __call__(self, message: Message) -> Outcome:
        self.messages.append(message)
        return self.outcome


@pytest.fixture
def provider(world: World) -> Switch:
    switch = Switch()
    world.services.provider = ScriptedProvider(answer=switch)
    return switch


def people(world: World, count: int, domain: str = "example.com", consent: str = "yes") -> list[str]:
    return [world.lead_from(email=f"{domain}-{number}@{domain}", consent_email=consent) for number in range(count)]


def by_kind(world: World, state: str) -> Counter[str]:
    return Counter(row["kind"] for row in world.sends() if row["state"] == state)


def outage_passes(world: World) -> None:
    """The breaker's back-off, which tests do not wait for."""
    world.execute(update(tables.breakers).values(retry_at=datetime(2020, 1, 1, tzinfo=UTC)))


def leak(world: World, seconds: float) -> None:
    """Let real time pass for the rates."""
    for row in world.rows(tables.usage):
        if row["name"] != "warm_up":
            earlier = row["at"] - timedelta(seconds=seconds)
            world.execute(update(tables.usage).where(tables.usage.c.name == row["name"]).values(at=earlier))


def status(world: World, tmp_path: Path) -> Status:
    broker = Broker("redis://127.0.0.1:1")
    try:
        return read_status(world.database, broker, Spool(tmp_path / "spool"), world.services.manners.warm_up)
    finally:
        broker.close()


# --- rates ----------------------------------------------------------------------------------------------------


def test_what_is_over_the_rate_waits_unclaimed_in_its_order(world: World, provider: Switch) -> None:
    world.services.manners = Manners(provider=Rate(count=5 * HOUR, seconds=HOUR))
    people(world, 12, consent="no")
    oldest_first = [row["id"] for row in world.sends()]

    assert world.deliver().total() >= 5
    while by_kind(world, "sent").total() < 12:
        leak(world, 1)
        world.deliver()

    assert [message.send_id for message in provider.messages] == oldest_first
    assert {row["attempts"] for row in world.sends()} == {1}


def test_a_rate_holds_over_a_restart(world: World, world_url: str, tmp_path: Path) -> None:
    slow = Manners(provider=Rate(count=3, seconds=HOUR))
    people(world, 4, consent="no")
    world.services.manners = slow
    assert world.deliver() == {"sent": 1}

    with open_world(world_url, tmp_path) as again:
        again.services.manners = slow
        assert again.deliver() == {}, "the bucket stands in the database"
        leak(again, HOUR / 3)
        assert again.deliver() == {"sent": 1}


def test_several_workers_together_keep_one_rate(world: World, world_url: str, tmp_path: Path) -> None:
    """Each has its own connections, as processes on different hosts have."""
    people(world, 40, consent="no")
    with ExitStack() as stack:
        workers = [stack.enter_context(open_world(world_url, tmp_path)) for _ in range(4)]
        for worker in workers:
            worker.services.manners = Manners(provider=Rate(count=12 * HOUR * 24, seconds=HOUR * 24))
            worker.services.provider = ScriptedProvider()
        started = threading.Barrier(len(workers))

        def work(worker: World) -> None:
            started.wait()
            deliver_due(worker.services, budget_s=0.5)

        with world.database.read() as connection:
            began = real_now(connection)
        threads = [threading.Thread(target=work, args=[worker]) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while not by_kind(world, "sent"):
            deliver_due(workers[0].services)  # a slow machine may have had no time for a single group
        with world.database.read() as connection:
            seconds = (real_now(connection) - began).total_seconds()

    assert 1 <= by_kind(world, "sent")["acknowledgement"] <= 12 + 12 * seconds
    assert by_kind(world, "claimed").total() == 0


def test_a_busy_kind_of_mailbox_holds_up_nobody_else(world: World, provider: Switch) -> None:
    world.services.manners = Manners(mailboxes={Mailbox.GMAIL: Rate(count=2, seconds=HOUR)})
    people(world, 6, "gmail.com", consent="no")
    people(world, 3, consent="no")

    assert world.deliver()["sent"] == 4, "one to Gmail, three to others"
    waiting = [row for row in world.sends() if row["state"] == "planned"]
    assert {row["mailbox"] for row in waiting} == {"gmail"}
    assert {row["attempts"] for row in waiting} == {0}

    assert world.deliver() == {}, "what is known to wait is not even claimed"
    people(world, 1, "example.org", consent="no")
    assert world.deliver() == {"sent": 1}
    leak(world, HOUR / 2)
    assert world.deliver() == {"sent": 1}

    gmail = [message.recipient for message in provider.messages if "@gmail.com" in message.recipient]
    assert gmail == ["gmail.com-0@gmail.com", "gmail.com-1@gmail.com"]
    assert {row["mailbox"] for row in world.sends() if row["state"] == "sent"} == {None}


def test_a_rate_that_is_taken_away_frees_what_waited_for_it(world: World) -> None:
    world.services.manners = Manners(mailboxes={Mailbox.GMAIL: Rate(count=1, seconds=HOUR)})
    people(world, 3, "gmail.com", consent="no")
    world.deliver()

    world.services.manners = Manners()
    assert world.deliver() == {"sent": 2}


def test_an_answer_goes_before_education_that_is_due_for_longer(world: World, provider: Switch) -> None:
    people(world, 3)
    world.deliver()
    world.jump_to_next_due()
    world.jump(timedelta(minutes=5))
    world.services.manners = Manners(provider=Rate(count=1, seconds=HOUR))
    new = world.lead_from(email="new@example.com", consent_email="no")
    provider.messages.clear()

    world.deliver()

    (answer,) = world.sends(new)
    assert [message.send_id for message in provider.messages] == [answer["id"]]


def test_a_short_wait_for_room_is_waited_out_by_one_process(world: World) -> None:
    world.services.manners = Manners(provider=Rate(count=20, seconds=1))
    people(world, 30, consent="no")

    assert world.deliver() == {"sent": 30}


def test_nothing_is_counted_while_nothing_is_limited(world: World) -> None:
    people(world, 2)
    world.run()

    assert world.count(tables.usage) == 0
    assert world.count(tables.breakers) == 0


# --- warm-up --------------------------------------------------------------------------------------------------


def test_a_day_s_cap_moves_the_rest_to_the_next_day_and_answers_everyone(world: World, tmp_path: Path) -> None:
    first_day = (world.now + timedelta(days=2)).date()
    world.services.manners = Manners(warm_up=WarmUp(first_day, (2, 3)))
    everyone = people(world, 7)
    assert world.deliver() == {"sent": 7}, "acknowledgements are never capped"

    per_day: Counter[str] = Counter()
    while world.jump_to_next_due() is not None:
        world.deliver()
        found = status(world, tmp_path).warm_up
        assert found is not None
        if found["cap"] is not None:
            assert found["sent"] <= found["cap"]
    for row in world.sends():
        if row["kind"] == SendKind.NURTURE:
            assert row["state"] == "sent"
            per_day[row["sent_at"].date().isoformat()] += 1

    days = sorted(per_day)
    assert days[0] == first_day.isoformat()
    assert [per_day[day] for day in days[:2]] == [2, 3], "and then there is no cap"
    shifted = [entry for lead in everyone for entry in world.story(lead, "shifted")]
    assert {entry["detail"]["reason"] for entry in shifted} == {"warm_up"}


def test_a_step_that_is_worth_nothing_late_is_left_out_where_the_cap_would_make_it_late(world: World) -> None:
    people(world, 1)
    world.deliver()
    (enrollment,) = world.rows(tables.enrollments)
    plan = {**enrollment["plan"]}
    plan["steps"] = [{**step, "late_action": "skip", "late_after_s": 3600} for step in plan["steps"]]
    world.execute(update(tables.enrollments).values(plan=plan))
    world.services.manners = Manners(warm_up=WarmUp(world.now.date(), (0,) * 365))

    world.jump_to_next_due()
    world.deliver()

    assert by_kind(world, "skipped")["nurture"] == 1
    assert [row["reason"] for row in world.sends() if row["state"] == "skipped"] == ["too_late"]


# --- the circuit breaker --------------------------------------------------------------------------------------


def until_it_opens(world: World) -> None:
    for _ in range(OPENS_AFTER):
        world.deliver()
        world.let_retries_come_due()


def test_an_outage_of_any_length_costs_no_attempts_and_everything_goes_out_afterwards(
    world: World, provider: Switch
) -> None:
    people(world, 5, consent="no")
    provider.outcome = DOWN
    until_it_opens(world)
    tried = len(provider.messages)

    for _ in range(3 * MAX_ATTEMPTS):
        assert world.deliver() == {}, "while it is open nothing is claimed"
        outage_passes(world)
        assert world.deliver() == {"planned": 1}, "one asks whether it is back"
    assert len(provider.messages) == tried + 3 * MAX_ATTEMPTS
    assert max(row["attempts"] for row in world.sends()) <= OPENS_AFTER

    provider.outcome = RECEIPT
    outage_passes(world)
    assert world.deliver() == {"sent": 5}
    assert world.count(tables.breakers) == 0


@pytest.mark.parametrize(
    "outcome",
    [GREYLISTED, PermanentDeliveryError("smtp_550", address_is_bad=True), PermanentDeliveryError("smtp_554")],
    ids=["greylisted", "no such mailbox", "refused"],
)
def test_refusals_of_single_people_never_open_it(world: World, provider: Switch, outcome: DeliveryError) -> None:
    people(world, 3 * GROUP, consent="no")
    provider.outcome = outcome
    until_it_opens(world)

    assert len(provider.messages) >= 3 * GROUP
    assert world.count(tables.breakers) == 0
    assert world.count(tables.pauses) == 0


def test_it_opens_for_every_worker_also_for_what_they_had_claimed(
    world: World, world_url: str, tmp_path: Path, provider: Switch
) -> None:
    people(world, 2, consent="no")
    other = open_world(world_url, tmp_path, provider=ScriptedProvider())
    opened: list[str] = []

    def opens_meanwhile(message: Message) -> Outcome:
        opened.append(message.send_id)
        return DOWN

    world.services.provider = ScriptedProvider(answer=opens_meanwhile)
    with other as second:
        until_it_opens(world)
        tried = len(opened)
        assert second.deliver() == {}
        assert second.sends()[0]["state"] == "planned"
    assert len(opened) == tried


def test_only_one_worker_probes(world: World, provider: Switch) -> None:
    people(world, 5, consent="no")
    provider.outcome = DOWN
    until_it_opens(world)
    outage_passes(world)
    asked: list[Counter[str]] = []

    def ask_again(message: Message) -> Outcome:
        asked.append(deliver_due(world.services, budget_s=0.5))
        return DOWN

    world.services.provider = ScriptedProvider(answer=ask_again)
    world.deliver()

    assert asked == [Counter()], "another worker, at that very moment, finds nothing to do"


def test_a_probe_that_does_not_go_out_leaves_its_place_to_the_next(world: World, provider: Switch) -> None:
    first, second = people(world, 2, consent="no")
    provider.outcome = DOWN
    until_it_opens(world)
    provider.outcome = RECEIPT
    world.execute(update(tables.leads).where(tables.leads.c.id == first).values(email_hash=None, email_sealed=None))
    outage_passes(world)

    assert world.deliver() == {"skip": 1, "sent": 1}
    assert [row["state"] for row in world.sends(second)] == ["sent"]


def test_staff_are_told_once_when_it_opens_and_once_when_it_closes(
    world: World, provider: Switch, tmp_path: Path
) -> None:
    people(world, 1, consent="no")
    provider.outcome = DOWN
    until_it_opens(world)
    found = status(world, tmp_path)
    assert "the mail provider fails for" in found.verdict.sentence
    assert "(smtp_unreachable)" in found.verdict.sentence
    assert found.to_json()["providers"]["scripted"]["since"] is not None
    for _ in range(3):
        outage_passes(world)
        world.deliver()
    provider.outcome = RECEIPT
    outage_passes(world)
    world.deliver()
    world.tell_staff()

    told = Counter(row["kind"] for row in world.rows(tables.alerts))
    assert (told["provider_fails"], told["provider_works"]) == (1, 1)
    assert any("works again" in text for text in world.alert_files)
    assert "provider fails" not in status(world, tmp_path).verdict.sentence


def test_an_ambiguous_end_counts_against_the_provider_and_is_never_repeated(world: World, provider: Switch) -> None:
    people(world, OPENS_AFTER + 2, consent="no")
    provider.outcome = AmbiguousDeliveryError("smtp_no_answer_after_data")
    with world.database.write() as connection:
        rows = claims.claim_due(connection, world.now, real_now(connection), 2)
    for _ in range(OPENS_AFTER):
        world.deliver()

    assert {row["state"] for row in world.sends() if row["id"] not in {row["id"] for row in rows}} == {"unknown"}


def test_a_provider_that_refuses_us_pauses_all_sending_until_a_person_resumes(
    world: World, provider: Switch, tmp_path: Path
) -> None:
    everyone = people(world, 3)
    provider.outcome = REFUSED
    until_it_opens(world)
    tried = len(provider.messages)

    world.deliver()
    assert len(provider.messages) == tried
    assert {row["attempts"] for row in world.sends()} <= set(range(OPENS_AFTER + 1))
    assert world.count(tables.suppressions) == 0, "it is not the people's fault"
    sentence = status(world, tmp_path).verdict.sentence
    assert "sending was stopped: we are refused (smtp_login_refused)" in sentence
    world.tell_staff()
    assert any("all sending has stopped" in text for text in world.alert_files)

    provider.outcome = RECEIPT
    pausing.resume(world.services, PauseScope.ALL, None, "Jordan Example")
    world.let_retries_come_due()
    assert world.deliver()["sent"] == len(everyone)
    assert "stopped" not in status(world, tmp_path).verdict.sentence


def test_a_person_who_resumes_has_the_provider_asked_at_once(world: World, provider: Switch) -> None:
    people(world, 1, consent="no")
    provider.outcome = DOWN
    until_it_opens(world)
    provider.outcome = RECEIPT
    assert world.deliver() == {}

    pausing.resume(world.services, PauseScope.ALL, None, "Jordan Example")

    assert world.deliver() == {"sent": 1}


# --- cost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["acknowledgements", "mailbox", "due"])
def test_each_lane_of_the_claim_walks_an_index_of_planned_sends_only(
    world: World, claim: str, explain: Callable[[World, str], str]
) -> None:
    """I10: past sends are in none of these indexes."""
    condition, index = {
        "acknowledgements": ("and kind = 'acknowledgement'", "ix_sends_due_acknowledgements"),
        "mailbox": ("and mailbox is not null and mailbox = 'gmail'", "ix_sends_due_mailbox"),
        "due": ("", "ix_sends_due"),
    }[claim]
    query = f"select id from sends where state = 'planned' and due_at <= '2026-12-01' {condition}"

    assert index in explain(world, f"{query} order by due_at limit 5")


@pytest.fixture
def explain() -> Callable[[World, str], str]:
    def plan(world: World, query: str) -> str:
        with world.database.read() as connection:
            if not world.database.is_sqlite:
                connection.exec_driver_sql("set local enable_seqscan = off")
            words = "explain query plan" if world.database.is_sqlite else "explain"
            return "\n".join(str(row) for row in connection.exec_driver_sql(f"{words} {query}"))

    return plan
