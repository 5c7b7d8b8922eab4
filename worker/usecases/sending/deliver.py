"""The delivery pump: claim what is due, climb the ladder, pass the gate, hand over, record.

    claim ─▶ load ─▶ decide ─▶ compose ─▶ hand over (committed) ─▶ provider ─▶ mark, and plan the next
    └── for up to `claim.BATCH` ──┘  └── for `GROUP` at a time ──┘  └──── each by itself ────┘

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

from worker.delivery.base import Outcome, Receipt
from worker.domain.eligibility import Decision, Hold, Proceed, decide
from worker.domain.sends import HoldReason, SendState
from worker.errors import SealError, TemplateError
from worker.storage import installation, marks, usage
from worker.storage.database import real_now
from worker.usecases.sending.claim import Claimed, claim, give_back, is_clear
from worker.usecases.sending.compose import ADDRESSEE, compose
from worker.usecases.sending.epoch import guard_epoch
from worker.usecases.sending.mark import Marker, finish_marks
from worker.usecases.sending.offer import Ready, offer
from worker.usecases.sending.pass_gate import Batch, Passed, pass_gate
from worker.usecases.sending.record_outcome import record_outcome
from worker.usecases.sending.send_facts import load_known
from worker.usecases.sending.settle_unknown import settle_unknown
from worker.usecases.sending.watch_provider import watch_provider
from worker.usecases.services import Services

log = structlog.get_logger()

BUDGET_S = 5.0

GROUP = 10
"""How many sends may be with the provider and unmarked at any moment (I3: the gate speaks for ten at most)."""


def deliver_due(services: Services, budget_s: float = BUDGET_S) -> Counter[str]:
    """Send what is due now, for as long as the budget lasts; what became of each, counted by state.

    When time is up with more to do, it asks to be called again, so that intake gets its turn in between.
    """
    total = _deliver_until(services, time.monotonic() + budget_s)
    if total["sent"]:
        log.info("deliver.sent", count=total["sent"])  # the ledger says which, and the timeline of each lead
    return total


def _deliver_until(services: Services, until: float) -> Counter[str]:
    total: Counter[str] = Counter()
    if not services.epoch_is_guarded:  # before this process sends anything at all; the sweep goes on guarding
        guard_epoch(services)
        services.epoch_is_guarded = True
    total += settle_unknown(services) if is_clear(services) else Counter()
    while (claimed := claim(services, GROUP)).sends or _wait_for_room(services, claimed, until):
        batch = _load(services, claimed)
        rows = iter(batch.sends)
        while group := list(islice(rows, GROUP)):
            if time.monotonic() >= until:
                give_back(services, [*group, *rows])
                watch_provider(services, [], is_probe=claimed.is_probe, was_well=claimed.provider_was_well)
                services.queue.deliver()
                return total
            total += _deliver_group(services, batch, group)
    return total


def _wait_for_room(services: Services, claimed: Claimed, until: float) -> bool:
    """Wait out a rate, where that is soon; one process at a time, so that the others have their hands free."""
    if claimed.wait is None:
        return False
    with services.database.write() as connection:
        now = real_now(connection)
        if not usage.wait_alone(connection, now, now + claimed.wait):
            return False
    if claimed.wait.total_seconds() > until - time.monotonic():
        return False  # the next sweep is as soon
    time.sleep(claimed.wait.total_seconds())
    return True


def _load(services: Services, claimed: Claimed) -> Batch:
    """All that is needed to decide on a batch and to compose it; those whose lead was just erased are left out."""
    with services.database.read() as connection:
        loaded, began = installation.moment(connection), time.monotonic()
        snapshot, renderer = services.content.named(connection, loaded.snapshot)
        known = load_known(connection, renderer, claimed.sends, loaded.now)
    return Batch(
        sends=[send for send in claimed.sends if send["id"] in known],
        known=known,
        snapshot=snapshot,
        renderer=renderer,
        loaded=loaded,
        began=began,
        claimed=claimed,
    )


def _deliver_group(services: Services, batch: Batch, group: Sequence[Mapping[str, Any]]) -> Counter[str]:
    clinic, now = batch.renderer.catalog.clinic, batch.now
    decisions = {send["id"]: decide(batch.known[send["id"]].facts, clinic, now) for send in group}
    ready, broken = _compose_all(services, batch, group, decisions, now)
    passed = pass_gate(services, batch, group, ready, decisions | broken, dated=now)
    aside = (decision for decision in passed.decisions.values() if not isinstance(decision, Proceed))
    counts = Counter(type(decision).__name__.lower() for decision in aside)
    return counts + _offer(services, batch, passed)


def _offer(services: Services, batch: Batch, passed: Passed) -> Counter[str]:
    """Hand over what passed the gate, and learn from the outcomes how the provider is."""
    outcomes: list[Outcome] = []
    tests = {item.send["id"] for item in passed.going if item.is_test}  # they say nothing of the provider
    claimed = batch.claimed
    counts: Counter[str] = Counter()
    if passed.going:
        with services.database.marking() as connection, marks.group(connection) as group:
            marker = Marker(batch=batch, moment=passed.moment, marks=group)

            def record(services: Services, send: Mapping[str, Any], outcome: Outcome) -> str:
                if send["id"] not in tests:
                    outcomes.append(outcome)
                if isinstance(outcome, Receipt):
                    marker.begin(send, outcome)
                    return SendState.SENT
                return record_outcome(services, send, outcome, is_probe=claimed.is_probe)

            counts = offer(services, passed.going, record)
        finish_marks(services, group)
    watch_provider(services, outcomes, is_probe=claimed.is_probe, was_well=claimed.provider_was_well)
    return counts


def _compose_all(
    services: Services,
    batch: Batch,
    group: Sequence[Mapping[str, Any]],
    decisions: Mapping[str, Decision],
    date: datetime,
) -> tuple[list[Ready], dict[str, Decision]]:
    """The messages of all that may proceed. One that can't be composed is held whole: no half emails (I7)."""
    ready: list[Ready] = []
    broken: dict[str, Decision] = {}
    for send in group:
        if not isinstance(decisions[send["id"]], Proceed):
            continue
        try:
            identity = services.vault.open_identity(batch.known[send["id"]].lead, ADDRESSEE)
            message = compose(batch.renderer, send, identity, services.vault.lookup, services.public_url, date)
        except (TemplateError, ValueError, SealError) as error:
            log.warning("send.not_composed", send_id=send["id"], error=type(error).__name__)
            unreadable = isinstance(error, SealError)
            broken[send["id"]] = Hold(HoldReason.IDENTITY_SEALED if unreadable else HoldReason.CONTENT_BROKEN)
        else:
            ready.append(Ready(send=send, message=message, is_test=batch.known[send["id"]].lead["is_test"]))
    return ready, broken
