"""Do what an event asks for: one rule, whether it was told later or the server refused us at the door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.domain.feedback import SOFT_WITHIN, DeliveryEvent, EventKind, History, StopSending, Suppress, decide_act
from worker.domain.reputation import Reputation
from worker.storage import delivery_events
from worker.usecases.feedback.suppress import suppress
from worker.usecases.sending.stop_sending import judge_sequence, people_refused_lately, stop_all

_COUNTS_AGAINST_US = {EventKind.HARD_BOUNCE, EventKind.COMPLAINED}


def act_on_event(
    connection: Connection,
    origin: str,
    event: DeliveryEvent,
    send: Mapping[str, Any],
    lead: Mapping[str, Any],
    reputation: Reputation,
    now: datetime,
) -> bool:
    """Act on an event that is recorded already; True where it ended the person's sequence."""
    act = decide_act(event.kind, event.code, _history(connection, event.kind, lead["id"], now))
    match act:
        case Suppress(reason, exit_reason):
            suppress(connection, lead, reason, exit_reason, origin, now)
        case StopSending(code):
            stop_all(connection, code or event.kind, now)
    if event.kind in _COUNTS_AGAINST_US:
        judge_sequence(connection, send, reputation, now)
    return isinstance(act, Suppress)


def _history(connection: Connection, kind: EventKind, lead_id: str, now: datetime) -> History:
    match kind:
        case EventKind.SOFT_BOUNCE:
            since = now - SOFT_WITHIN
            return History(soft_bounces=delivery_events.soft_bounces_in_a_row(connection, lead_id, since))
        case EventKind.OUR_FAULT:
            return History(faults=people_refused_lately(connection, now))
    return History()
