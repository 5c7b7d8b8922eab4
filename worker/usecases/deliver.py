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
from worker.delivery.base import Provider
from worker.domain.eligibility import Decision, Hold, Proceed, Shift, Skip, decide
from worker.domain.keyed_retry import key_ends
from worker.domain.sends import NEEDS_STAFF, HoldReason, SendState
from worker.errors import SealError, TemplateError
from worker.faults import fault
from worker.storage import alerts, contents, installation, leads, sends, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.compose import compose
from worker.usecases.epoch import guard_epoch
from worker.usecases.offer import Ready, offer
from worker.usecases.record_outcome import plan_after_skip, record_outcome
from worker.usecases.send_facts import load_facts
from worker.usecases.services import Services
from worker.usecases.settle_unknown import settle_unknown

log = structlog.get_logger()

BUDGET_S = 5.0
BATCH = 50
"""Few enough to be through well within a claim's lease, whatever the provider's pace."""

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
    total += settle_unknown(services)
    while batch := _claim(services):
        rows = iter(batch)
        while group := list(islice(rows, GROUP)):
            if time.monotonic() >= until:
                _give_back(services, [*group, *rows])
                services.queue.deliver()
                return total
            total += _deliver_group(services, group)
    return total


def _claim(services: Services) -> list[Mapping[str, Any]]:
    with services.database.read() as connection:
        if not sends.is_due(connection, installation.product_now(connection)):
            return []  # the writer lock is not worth taking for nothing
    with services.database.write() as connection:
        claimed = sends.claim_due(connection, installation.product_now(connection), real_now(connection), BATCH)
    fault("claim_committed")
    return claimed


def _give_back(services: Services, unsent: Sequence[Mapping[str, Any]]) -> None:
    """Let others claim what there is no time for."""
    with services.database.write() as connection:
        for send in unsent:
            sends.put_aside(connection, send, SendState.PLANNED)


def _deliver_group(services: Services, group: Sequence[Mapping[str, Any]]) -> Counter[str]:
    with services.database.read() as connection:
        now = installation.product_now(connection)
        snapshot, renderer = services.content.renderer(connection)
        facts = load_facts(connection, renderer, group, now)
        people = leads.by_ids(connection, {send["lead_id"] for send in group})
    decisions = {send["id"]: decide(facts[send["id"]], renderer.catalog.clinic, now) for send in group}
    ready, broken = _compose_all(services, renderer, people, group, decisions, now)
    decisions |= broken
    with services.database.write() as connection:
        for send in group:
            _put_aside(connection, renderer, send, decisions[send["id"]], now)
        allowed = _pass_gate(connection, services.provider, ready, snapshot, now)
    counts = Counter(
        type(decision).__name__.lower() for decision in decisions.values() if not isinstance(decision, Proceed)
    )
    return counts + offer(services, [item for item in ready if item.send["id"] in allowed], record_outcome)


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
            ready.append(Ready(send=send, message=message))
    return ready, broken


def _pass_gate(
    connection: Connection, provider: Provider, ready: Sequence[Ready], snapshot: str, now: datetime
) -> set[str]:
    """Hand over what may still go; what the gate refuses is planned again, to be decided anew."""
    if not ready:
        return set()
    now_real = real_now(connection)
    key_until = key_ends(now_real, provider.key_ttl) if provider.key_ttl else None
    group = [item.send for item in ready]
    allowed = sends.hand_over(
        connection, group, snapshot, now, now_real, handed_to=provider.account, key_until=key_until
    )
    for item in ready:
        if item.send["id"] not in allowed:
            sends.put_aside(connection, item.send, SendState.PLANNED, not_before=now_real + sends.GATE_RETRY)
    if allowed:
        contents.mark_used(connection, [snapshot], now)
    return allowed


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
