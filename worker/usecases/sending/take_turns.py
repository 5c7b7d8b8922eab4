"""At the gate, in the hand-over's transaction: who of a group may go, by rates, warm-up and the provider's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from worker.domain.breaker import Breaker, Passage, passage
from worker.domain.manners import AtGate, Turn, turns, used
from worker.domain.sends import SendState
from worker.storage import sends, usage
from worker.storage.database import real_now
from worker.storage.gate import GATE_RETRY
from worker.storage.installation import Moment
from worker.usecases.services import Services


def take_turns(
    services: Services,
    connection: Connection,
    waiting: Sequence[AtGate],
    moment: Moment,
    breaker: Breaker,
    *,
    is_probe: bool,
) -> dict[str, Turn]:
    """What each is told. While rates count, their row stays locked until the transaction ends."""
    provider, manners = services.provider.name, services.manners
    if not is_probe and passage(breaker, moment.real) is not Passage.ALL:
        return {send.id: Turn.PROVIDER_AWAY for send in waiting}  # it opened after these were claimed
    if manners.is_unlimited:
        return {send.id: Turn.GO for send in waiting}
    today = moment.now.date()
    counted = usage.read(connection, provider, today, to_change=True)
    return turns(manners, counted, waiting, today, moment.real)


def count_turns(services: Services, connection: Connection, went: Sequence[AtGate], now: datetime) -> None:
    """Count what has passed the gate."""
    provider, manners = services.provider.name, services.manners
    if manners.is_unlimited or not went:
        return
    before = usage.read(connection, provider, now.date(), to_change=True)
    after = used(manners, before, went, real_now(connection))
    usage.store(connection, provider, now.date(), after, manners.rates)


def send_back(connection: Connection, send: Mapping[str, object], waiting: AtGate, turn: Turn) -> None:
    """Plan again what was not let through. It keeps its place: it is due as before."""
    match turn:
        case Turn.MAILBOX_BUSY:
            sends.put_aside(connection, send, SendState.PLANNED, mailbox=waiting.mailbox)
        case Turn.GO:  # the gate itself refused it: something has changed, and it is decided anew
            sends.put_aside(connection, send, SendState.PLANNED, not_before=real_now(connection) + GATE_RETRY)
        case Turn.PROVIDER_BUSY | Turn.PROVIDER_AWAY:
            sends.put_aside(connection, send, SendState.PLANNED)
        case Turn.NEXT_DAY | Turn.ASK_AGAIN:
            pass  # a later day is for the ladder's rules to find
