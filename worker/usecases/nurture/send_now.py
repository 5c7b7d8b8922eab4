"""Send a lead's next educational email at the first decent instant, instead of when its wait is over (I4).

Staff may shorten a wait, never the rules: windows, closed days, the gap between two emails, holds and pauses stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.render import Renderer
from worker.domain.eligibility import Hold, Skip, decide
from worker.domain.planner import soonest
from worker.domain.reasons import because, paused_by
from worker.domain.sends import PENDING, HoldReason, SendKind, SendState
from worker.errors import NotFound, Refused
from worker.queues import QueueName
from worker.storage import installation, leads, pauses, sends, timeline
from worker.storage.pauses import PauseScope
from worker.storage.timeline import Happened
from worker.usecases.sending.send_facts import load_facts, stops
from worker.usecases.services import Services

ON_REQUEST = "on_request"
"""Why a send got another due time: someone asked for it."""


def send_now(services: Services, lead_id: str, actor: str) -> datetime:
    """Plan the next email for the first instant that may be, and say which. Raises NotFound; Refused with why not."""
    with services.database.write() as connection:
        if leads.lock(connection, lead_id) is None:
            raise NotFound(f"there is no lead {lead_id}")
        now = installation.product_now(connection)
        _, renderer = services.content.renderer(connection)
        send = _next_of(connection, lead_id, now)
        at = _soonest(connection, renderer, send, now)
        if at < send["due_at"]:
            if not sends.move(connection, send["id"], at):
                raise Refused("it is on its way already")
            known = {"send_id": send["id"], "email": send["email"], "step": send["step"]}
            detail = {"reason": ON_REQUEST, "due_at": at.isoformat(), **known}
            timeline.add(connection, Happened.SHIFTED, now, lead_id, actor=actor, **detail)
    services.queue.deliver()
    return at


def _next_of(connection: Connection, lead_id: str, now: datetime) -> Mapping[str, Any]:
    for send in sends.of_lead(connection, lead_id):
        if send["kind"] == SendKind.NURTURE and send["state"] in PENDING:
            break
    else:
        raise Refused("nothing more is planned for this lead")
    if send["state"] == SendState.CLAIMED:
        raise Refused("it is on its way already")
    if send["state"] == SendState.HELD:
        raise Refused(f"it is held, because {_because(connection, send['reason'], send, now)}; end that first")
    return send


def _soonest(connection: Connection, renderer: Renderer, send: Mapping[str, Any], now: datetime) -> datetime:
    """The first decent instant, if the ladder would let the send go then."""
    facts, clinic = load_facts(connection, renderer, [send], now)[send["id"]], renderer.catalog.clinic
    if pauses.is_paused(connection, PauseScope.QUEUE, QueueName.SEND, now):
        raise Refused("the work of the queue that sends is paused; end the pause first")
    if facts.step is None:
        raise Refused("only a step of a sequence can be sent sooner")
    at = soonest(facts.step, facts.last_nurture_at, facts.location, clinic, now)
    match decide(replace(facts, due_at=at), clinic, at):
        case Skip(reason) | Hold(reason):
            raise Refused(f"it would not go out, because {_because(connection, reason, send, now)}")
    return at


def _because(connection: Connection, reason: str, send: Mapping[str, Any], now: datetime) -> str:
    """A reason in words; a pause with who made it and why, so that the reader knows whom to ask."""
    stopping = [pause for pause in pauses.active(connection, now) if stops(pause, send)]
    return paused_by(stopping[-1]) if reason == HoldReason.PAUSED and stopping else because(reason)
