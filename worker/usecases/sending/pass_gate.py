"""The last gate before the network, for one group in one transaction: decide again, take turns, hand over (I3).

What a batch's facts said when it was loaded may be some seconds old. The ladder is climbed again here at the
moment's own time, and whatever could have changed meanwhile in the database is asked by the hand-over statement.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.render import Renderer
from worker.domain.breaker import Breaker
from worker.domain.eligibility import Decision, Hold, Proceed, Shift, Skip, decide, put_off
from worker.domain.keyed_retry import key_ends
from worker.domain.mailboxes import mailbox_of
from worker.domain.manners import AtGate, Turn
from worker.domain.sends import NEEDS_STAFF, HoldReason, SendKind, SendState
from worker.storage import alerts, breakers, contents, gate, sends, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.installation import Moment
from worker.storage.timeline import Happened
from worker.usecases.sending.claim import Claimed
from worker.usecases.sending.offer import Ready
from worker.usecases.sending.record_outcome import named, plan_after_skip
from worker.usecases.sending.send_facts import Known
from worker.usecases.sending.take_turns import count_turns, send_back, take_turns
from worker.usecases.services import Services


@dataclass(slots=True, kw_only=True)
class Batch:
    """What was claimed and loaded together, to be sent a group at a time."""

    claimed: Claimed
    sends: Sequence[Mapping[str, Any]]
    known: Mapping[str, Known]
    snapshot: str
    renderer: Renderer
    loaded: Moment
    began: float
    """When it was loaded, by this process's own clock."""
    is_in_use: bool = False
    """True once something of it was handed over, and so its content is in use."""

    @property
    def now(self) -> datetime:
        """The product instant, without asking the database."""
        return self.loaded.after(time.monotonic() - self.began)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What a group came to at the gate: who is handed over now, and what was decided of each."""

    going: Sequence[Ready]
    decisions: Mapping[str, Decision]
    moment: Moment


def pass_gate(
    services: Services,
    batch: Batch,
    group: Sequence[Mapping[str, Any]],
    ready: Sequence[Ready],
    decisions: Mapping[str, Decision],
    dated: datetime,
) -> Passed:
    """Hand over what may go now, committed, and put aside the rest with its reason. `dated`: as the messages are."""
    clinic = batch.renderer.catalog.clinic
    with services.database.write() as connection:
        moment, breaker = breakers.read_with_moment(connection, services.provider.name)
        now = moment.now
        decided = dict(decisions)
        for item in ready:
            decided[item.send["id"]] = decide(batch.known[item.send["id"]].facts, clinic, now)
        ready = [item for item in ready if isinstance(decided[item.send["id"]], Proceed)]
        for send in group:
            _put_aside(connection, batch.renderer, send, decided[send["id"]], now)
        told = _go_or_wait(services, connection, batch, ready, moment, breaker, dated)
        for send in (item.send for item in ready if told[item.send["id"]] is Turn.NEXT_DAY):
            later = put_off(batch.known[send["id"]].facts, clinic, send["first_due_at"], now)
            decided[send["id"]] = later
            _put_aside(connection, batch.renderer, send, later, now)
    going = [item for item in ready if told[item.send["id"]] is Turn.GO]
    return Passed(going=going, decisions=decided, moment=moment)


def _go_or_wait(
    services: Services,
    connection: Connection,
    batch: Batch,
    ready: Sequence[Ready],
    moment: Moment,
    breaker: Breaker,
    dated: datetime,
) -> dict[str, Turn]:
    """Hand over what may go now, and plan the rest again. `GO` is told only to what was handed over."""
    if not ready:
        return {}
    now = moment.now
    waiting = {
        item.send["id"]: AtGate(item.send["id"], SendKind(item.send["kind"]), mailbox_of(item.message.recipient))
        for item in ready
    }
    told = take_turns(services, connection, list(waiting.values()), moment, breaker, is_probe=batch.claimed.is_probe)
    going = [item.send for item in ready if told[item.send["id"]] is Turn.GO]
    allowed = _hand_over(services, connection, going, batch.snapshot, moment, dated)
    count_turns(services, connection, [waiting[send_id] for send_id in sorted(allowed)], now)
    for item in ready:
        send_id = item.send["id"]
        if send_id not in allowed:
            send_back(connection, item.send, waiting[send_id], told[send_id])
            told[send_id] = Turn.ASK_AGAIN if told[send_id] is Turn.GO else told[send_id]
    if allowed and not batch.is_in_use:
        contents.mark_used(connection, [batch.snapshot], now)
        batch.is_in_use = True
    return told


def _hand_over(
    services: Services,
    connection: Connection,
    going: Sequence[Mapping[str, Any]],
    snapshot: str,
    moment: Moment,
    dated: datetime,
) -> set[str]:
    if not going:
        return set()
    provider = services.provider
    key_until = key_ends(moment.real, provider.key_ttl) if provider.key_ttl else None
    return gate.hand_over(
        connection, going, snapshot, moment.now, moment.real,
        dated=dated, handed_to=provider.account, key_until=key_until,
    )  # fmt: skip


def _put_aside(
    connection: Connection, renderer: Renderer, send: Mapping[str, Any], decision: Decision, now: datetime
) -> None:
    """Store what was decided about a send that does not go out now, with its reason."""
    lead_id, known = send["lead_id"], named(send)
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
