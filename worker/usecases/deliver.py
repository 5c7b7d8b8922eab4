"""The delivery pump: claim what is due, climb the ladder, pass the gate, hand over, record.

    claim ─▶ load ─▶ decide ─▶ compose ─▶ hand over (committed) ─▶ provider ─▶ record, and plan the next

The attempt is committed before the network call, for at most `GROUP` sends at a time, and every outcome is
its own transaction: a crash leaves a visible `unknown` for what was handed over and unmarked, and nothing
is sent twice (I2). The same path serves one email and a million.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import Connection

from worker.content.render import Renderer
from worker.delivery.base import Outcome
from worker.domain.eligibility import Decision, Hold, Proceed, Shift, Skip, decide, put_off
from worker.domain.keyed_retry import key_ends
from worker.domain.mailboxes import mailbox_of
from worker.domain.manners import AtGate, Turn
from worker.domain.sends import NEEDS_STAFF, HoldReason, SendKind, SendState
from worker.errors import SealError, TemplateError
from worker.storage import alerts, contents, installation, leads, sends, timeline, usage
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.claim import Claimed, claim, give_back, is_clear
from worker.usecases.compose import compose
from worker.usecases.epoch import guard_epoch
from worker.usecases.offer import Ready, offer
from worker.usecases.record_outcome import plan_after_skip, record_outcome
from worker.usecases.send_facts import load_facts
from worker.usecases.services import Services
from worker.usecases.settle_unknown import settle_unknown
from worker.usecases.take_turns import count_turns, send_back, take_turns
from worker.usecases.watch_provider import watch_provider

log = structlog.get_logger()

BUDGET_S = 5.0

GROUP = 10
"""How many sends may be with the provider and unmarked at any moment (I3: the gate speaks for ten at most)."""


def deliver_due(services: Services, budget_s: float = BUDGET_S) -> Counter[str]:
    """Send what is due now, for as long as the budget lasts; what became of each, counted by state.

    When time is up with more to do, it asks to be called again, so that intake gets its turn in between.
    """
    total: Counter[str] = Counter()
    until = time.monotonic() + budget_s
    if not services.epoch_is_guarded:  # before this process sends anything at all; the sweep goes on guarding
        guard_epoch(services)
        services.epoch_is_guarded = True
    total += settle_unknown(services) if is_clear(services) else Counter()
    while (batch := claim(services, GROUP)).sends or _wait_for_room(services, batch, until):
        rows = iter(batch.sends)
        while group := list(islice(rows, GROUP)):
            if time.monotonic() >= until:
                give_back(services, [*group, *rows])
                watch_provider(services, [], is_probe=batch.is_probe, was_well=batch.provider_was_well)
                services.queue.deliver()
                return total
            total += _deliver_group(services, group, batch)
    return total


def _wait_for_room(services: Services, batch: Claimed, until: float) -> bool:
    """Wait out a rate, where that is soon; one process at a time, so that the others have their hands free."""
    if batch.wait is None:
        return False
    with services.database.write() as connection:
        now = real_now(connection)
        if not usage.wait_alone(connection, now, now + batch.wait):
            return False
    if batch.wait.total_seconds() > until - time.monotonic():
        return False  # the next sweep is as soon
    time.sleep(batch.wait.total_seconds())
    return True


def _deliver_group(services: Services, group: Sequence[Mapping[str, Any]], batch: Claimed) -> Counter[str]:
    with services.database.read() as connection:
        now = installation.product_now(connection)
        snapshot, renderer = services.content.renderer(connection)
        facts = load_facts(connection, renderer, group, now)
        people = leads.by_ids(connection, {send["lead_id"] for send in group})
    group = [send for send in group if send["id"] in facts and send["lead_id"] in people]  # the rest is erased
    decisions = {send["id"]: decide(facts[send["id"]], renderer.catalog.clinic, now) for send in group}
    ready, broken = _compose_all(services, renderer, people, group, decisions, now)
    decisions |= broken
    with services.database.write() as connection:
        for send in group:
            _put_aside(connection, renderer, send, decisions[send["id"]], now)
        told = _pass_gate(services, connection, ready, snapshot, now, batch)
        for send in (item.send for item in ready if told[item.send["id"]] is Turn.NEXT_DAY):
            later = put_off(facts[send["id"]], renderer.catalog.clinic, send["first_due_at"], now)
            decisions[send["id"]] = later
            _put_aside(connection, renderer, send, later, now)
    counts = Counter(
        type(decision).__name__.lower() for decision in decisions.values() if not isinstance(decision, Proceed)
    )
    return counts + _offer(services, [item for item in ready if told[item.send["id"]] is Turn.GO], batch)


def _offer(services: Services, group: Sequence[Ready], batch: Claimed) -> Counter[str]:
    """Hand over what passed the gate, and learn from the outcomes how the provider is."""
    outcomes: list[Outcome] = []
    tests = {item.send["id"] for item in group if item.is_test}  # they say nothing of the provider

    def record(services: Services, send: Mapping[str, Any], outcome: Outcome) -> str:
        if send["id"] not in tests:
            outcomes.append(outcome)
        return record_outcome(services, send, outcome, is_probe=batch.is_probe)

    counts = offer(services, group, record) if group else Counter()
    watch_provider(services, outcomes, is_probe=batch.is_probe, was_well=batch.provider_was_well)
    return counts


def _compose_all(
    services: Services,
    renderer: Renderer,
    people: Mapping[str, Mapping[str, Any]],
    group: Sequence[Mapping[str, Any]],
    decisions: Mapping[str, Decision],
    now: datetime,
) -> tuple[list[Ready], dict[str, Decision]]:
    """The messages of all that may proceed. One that can't be composed is held whole: no half emails (I7)."""
    ready: list[Ready] = []
    broken: dict[str, Decision] = {}
    for send in group:
        if not isinstance(decisions[send["id"]], Proceed):
            continue
        try:
            identity = services.vault.open_identity(people[send["lead_id"]])
            message = compose(renderer, send, identity, services.vault.lookup, services.public_url, now)
        except (TemplateError, ValueError, SealError) as error:
            log.warning("send.not_composed", send_id=send["id"], error=type(error).__name__)
            unreadable = isinstance(error, SealError)
            broken[send["id"]] = Hold(HoldReason.IDENTITY_SEALED if unreadable else HoldReason.CONTENT_BROKEN)
        else:
            ready.append(Ready(send=send, message=message, is_test=people[send["lead_id"]]["is_test"]))
    return ready, broken


def _pass_gate(
    services: Services, connection: Connection, ready: Sequence[Ready], snapshot: str, now: datetime, batch: Claimed
) -> dict[str, Turn]:
    """Hand over what may go now, and plan the rest again. `GO` is told only to what was handed over."""
    if not ready:
        return {}
    waiting = {
        item.send["id"]: AtGate(item.send["id"], SendKind(item.send["kind"]), mailbox_of(item.message.recipient))
        for item in ready
    }
    told = take_turns(services, connection, list(waiting.values()), now, is_probe=batch.is_probe)
    allowed = _hand_over(
        services, connection, [item for item in ready if told[item.send["id"]] is Turn.GO], snapshot, now
    )
    count_turns(services, connection, [waiting[send_id] for send_id in sorted(allowed)], now)
    for item in ready:
        send_id = item.send["id"]
        if send_id not in allowed:
            send_back(connection, item.send, waiting[send_id], told[send_id])
            told[send_id] = Turn.ASK_AGAIN if told[send_id] is Turn.GO else told[send_id]
    if allowed:
        contents.mark_used(connection, [snapshot], now)
    return told


def _hand_over(
    services: Services, connection: Connection, going: Sequence[Ready], snapshot: str, now: datetime
) -> set[str]:
    if not going:
        return set()
    provider, now_real = services.provider, real_now(connection)
    key_until = key_ends(now_real, provider.key_ttl) if provider.key_ttl else None
    group = [item.send for item in going]
    return sends.hand_over(connection, group, snapshot, now, now_real, handed_to=provider.account, key_until=key_until)


def _put_aside(
    connection: Connection, renderer: Renderer, send: Mapping[str, Any], decision: Decision, now: datetime
) -> None:
    """Store what was decided about a send that does not go out now, with its reason."""
    lead_id, known = send["lead_id"], {"send_id": send["id"], "email": send["email"], "step": send["step"]}
    match decision:
        case Proceed():
            return
        case Skip(reason):
            if sends.put_aside(connection, send, SendState.SKIPPED, reason=reason):
                timeline.add(connection, Happened.SKIPPED, now, lead_id, reason=reason, **known)
                plan_after_skip(connection, renderer.catalog, send, reason, now)
        case Hold(reason, until):
            if sends.put_aside(connection, send, SendState.HELD, reason=reason, held_until=until):
                timeline.add(connection, Happened.HELD, now, lead_id, reason=reason, **known)
                _tell_staff_of_hold(connection, send, reason, now)
        case Shift(reason, due_at):
            if sends.put_aside(connection, send, SendState.PLANNED, due_at=due_at):
                timeline.add(
                    connection,
                    Happened.SHIFTED,
                    now,
                    lead_id,
                    reason=reason,
                    due_at=due_at.isoformat(),
                    **known,
                )


def _tell_staff_of_hold(connection: Connection, send: Mapping[str, Any], reason: HoldReason, now: datetime) -> None:
    if reason in NEEDS_STAFF:
        subject = f"{reason}/{send['email']}/{now.date()}"
        alerts.queue(connection, AlertKind.CONTENT_HELD, subject, None, now, real_now(connection))
