"""Settle unknown sends with the provider that was given them: ask it, or hand over again with the same key (I2).

    wanting ─▶ look up ─▶ sent
                  └─▶ decide ─▶ compose as the first time ─▶ gate (committed) ─▶ provider ─▶ sent, or unknown as before

Only a receipt settles: any other answer speaks of the repeat and not of the first hand-over. Whoever may no
longer be mailed is not handed over again; the send stays unknown, and a person decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from worker.delivery.base import Outcome, Provider, Receipt
from worker.domain.eligibility import Proceed, Skip, decide
from worker.domain.keyed_retry import next_try_after
from worker.domain.mailboxes import mailbox_of
from worker.domain.manners import AtGate, Turn
from worker.domain.sends import SendKind, SendState
from worker.errors import SealError, TemplateError, TransientDeliveryError
from worker.storage import alerts, breakers, installation, leads, sends, timeline, unknown_sends
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.sending.compose import ADDRESSEE, compose
from worker.usecases.sending.offer import Ready, offer
from worker.usecases.sending.record_outcome import plan_after_resolution, record_outcome
from worker.usecases.sending.send_facts import load_facts
from worker.usecases.sending.take_turns import count_turns, take_turns
from worker.usecases.services import Services

log = structlog.get_logger()

BATCH = 10
"""As many as may be with the provider at any moment."""

Send = Mapping[str, Any]


def settle_unknown(services: Services) -> Counter[str]:
    """Try to settle some; how many were resolved by asking, and what became of those handed over again."""
    provider = services.provider
    with services.database.read() as connection:
        found = unknown_sends.wanting(
            connection, provider.account, real_now(connection), BATCH, only_with_key=not provider.can_look_up
        )
        people = leads.by_ids(connection, {send["lead_id"] for send in found})
    found = [send for send in found if send["lead_id"] in people]  # the rest is erased
    if not found:
        return Counter()
    left = [send for send in found if not _look_up(services, services.provider_for(people[send["lead_id"]]), send)]
    ready = _ready_again(services, [send for send in left if send["key_until"] is not None])
    _ask_later(services, [send for send in left if send["id"] not in {item.send["id"] for item in ready}])
    counts = offer(services, ready, _record) if ready else Counter()
    counts["resolved"] += len(found) - len(left)
    return +counts


def end_repeats(connection: Connection, account: str, ids: Sequence[str], now: datetime) -> None:
    """Tell staff of every unknown send that no key can settle any more, and of those named here."""
    for send in unknown_sends.give_up_keys(connection, account, real_now(connection), ids):
        alerts.queue(connection, AlertKind.SEND_UNKNOWN, send["id"], send["lead_id"], now, real_now(connection))


def _look_up(services: Services, provider: Provider, send: Send) -> bool:
    """Ask whoever was given it, if it can tell; a certain yes resolves the send, and nothing less does."""
    receipt = provider.lookup(send["id"]) if provider.can_look_up else None
    if receipt is None:
        return False
    with services.database.write() as connection:
        now = installation.product_now(connection)
        if not sends.finish(connection, send, SendState.SENT, sent_at=send["handed_over_at"],
                            provider=receipt.provider, provider_message_id=receipt.provider_message_id):  # fmt: skip
            return False
        timeline.add(connection, Happened.RESOLVED, now, send["lead_id"], send_id=send["id"], found="sent")
        plan_after_resolution(services, connection, send, now)
    return True


def _ready_again(services: Services, group: Sequence[Send]) -> list[Ready]:
    """Those of a group that may go out again, handed over: what remains is to offer them."""
    if not group:
        return []
    allowed, refused = _decide(services, group)
    messages = _compose_as_before(services, allowed)
    account = services.provider.account
    waiting = [_at_gate(item) for item in messages.values()]
    with services.database.write() as connection:
        moment, breaker = breakers.read_with_moment(connection, services.provider.name)
        end_repeats(connection, account, refused, moment.now)
        told = take_turns(services, connection, waiting, moment, breaker, is_probe=False)
        going = [send_id for send_id in messages if told[send_id] is Turn.GO]
        rows = unknown_sends.hand_over_again(connection, going, account, moment.now, moment.real)
        went = {row["id"] for row in rows}
        count_turns(services, connection, [each for each in waiting if each.id in went], moment.now)
    return [replace(messages[row["id"]], send=row) for row in rows]


def _at_gate(item: Ready) -> AtGate:
    """As an answer is counted: against the rates, and not a second time against the day's educational emails."""
    return AtGate(item.send["id"], SendKind.ACKNOWLEDGEMENT, mailbox_of(item.message.recipient))


def _decide(services: Services, group: Sequence[Send]) -> tuple[list[Send], list[str]]:
    """Climb the ladder again: those who may be mailed now, and the ids of those who never may."""
    with services.database.read() as connection:
        now = installation.product_now(connection)
        _, renderer = services.content.renderer(connection)
        facts = load_facts(connection, renderer, group, now)
    decisions = {send_id: decide(known, renderer.catalog.clinic, now) for send_id, known in facts.items()}
    allowed = [send for send in group if isinstance(decisions.get(send["id"]), Proceed)]
    return allowed, [send_id for send_id, decision in decisions.items() if isinstance(decision, Skip)]


def _compose_as_before(services: Services, group: Sequence[Send]) -> dict[str, Ready]:
    """The very messages of the first hand-over: their content snapshot, their date. One that fails is left alone."""
    messages: dict[str, Ready] = {}
    with services.database.read() as connection:
        people = leads.by_ids(connection, {send["lead_id"] for send in group})
        renderers = {send["snapshot"]: services.content.at(connection, send["snapshot"]) for send in group}
    for send in (send for send in group if send["lead_id"] in people):  # the rest is erased
        try:
            identity = services.vault.open_identity(people[send["lead_id"]], ADDRESSEE)
            renderer, date = renderers[send["snapshot"]], send["handed_over_at"]
            message = compose(renderer, send, identity, services.vault.lookup, services.public_url, date)
        except (TemplateError, ValueError, SealError) as error:
            log.warning("send.not_composed", send_id=send["id"], error=type(error).__name__)
        else:
            messages[send["id"]] = Ready(send=send, message=message, is_test=people[send["lead_id"]]["is_test"])
    return messages


def _record(services: Services, send: Send, outcome: Outcome) -> str:
    if isinstance(outcome, Receipt):
        return record_outcome(services, send, outcome)
    with services.database.write() as connection:
        wait = next_try_after(installation.product_now(connection) - send["handed_over_at"])
        if isinstance(outcome, TransientDeliveryError) and outcome.retry_after:
            wait = max(wait, outcome.retry_after)
        until = real_now(connection) + wait
        sends.finish(connection, send, SendState.UNKNOWN, last_code=outcome.code, not_before=until)
    return SendState.UNKNOWN


def _ask_later(services: Services, left: Sequence[Send]) -> None:
    with services.database.write() as connection:
        now, real = installation.product_now(connection), real_now(connection)
        waits = {send["id"]: real + next_try_after(now - send["handed_over_at"]) for send in left}
        unknown_sends.ask_later(connection, waits)
