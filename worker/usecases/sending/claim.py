"""Claim what may be sent now: as much as the provider bears, nothing while it is down, one probe to see if it is back.

What there is no room for is not even claimed. So a backlog behind a rate costs nothing, stays in order, and is
overtaken by acknowledgements only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from worker.domain.breaker import Passage, passage, probing
from worker.domain.mailboxes import Mailbox
from worker.domain.manners import PROVIDER, Manners, Usage
from worker.domain.rates import room, wait_for_room
from worker.domain.sends import SendKind
from worker.faults import fault
from worker.storage import breakers, claims, installation, sends, usage
from worker.storage.database import real_now
from worker.storage.installation import Moment
from worker.usecases.services import Services

BATCH = 100
"""Few enough for what was decided of them to be recent, and to be given back soon when time is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What was claimed. `wait` says when to ask again, where only a rate stands in the way."""

    sends: Sequence[Mapping[str, Any]] = ()
    is_probe: bool = False
    provider_was_well: bool = True
    wait: timedelta | None = None


def claim(services: Services, group: int) -> Claimed:
    """Claim the next batch. `group` is how many the caller sends at a time, worth waiting for."""
    name, manners = services.provider.name, services.manners
    with services.database.read() as connection:
        moment, breaker = breakers.read_with_moment(connection, name)
        now = moment.real
        if not sends.is_due(connection, moment.now):
            return Claimed()  # the writer lock is not worth taking for nothing
        if passage(breaker, now) is Passage.NOTHING:
            return Claimed()
        used = _usage(services, connection, moment)
    limit = BATCH if manners.provider is None else min(BATCH, room(used.levels.get(PROVIDER), manners.provider, now))
    if manners.provider is not None and limit < 1:
        return Claimed(wait=wait_for_room(used.levels.get(PROVIDER), manners.provider, now, group))
    if passage(breaker, now) is Passage.PROBE:
        return _claim_probe(services)
    with services.database.write() as connection:
        moment = installation.moment(connection)
        claimed = claims.claim_due(connection, moment.now, moment.real, limit, _rooms(manners, used, now))
        claimed, others = one_for_each_lead(claimed)
        sends.give_back(connection, others)
        wait = None if claimed else _wait_for_mailboxes(connection, manners, used, moment.now, now)
    fault("claim_committed")
    return Claimed(sends=claimed, provider_was_well=breaker.is_pristine, wait=wait)


def is_clear(services: Services) -> bool:
    """True when the provider is neither down nor as busy as it may be: sends in doubt may be repeated."""
    with services.database.read() as connection:
        moment, breaker = breakers.read_with_moment(connection, services.provider.name)
        used, rate = _usage(services, connection, moment), services.manners.provider
    has_room = rate is None or room(used.levels.get(PROVIDER), rate, moment.real) > 0
    return has_room and passage(breaker, moment.real) is Passage.ALL


def give_back(services: Services, unsent: Sequence[Mapping[str, Any]]) -> None:
    """Let others claim what there is no time for."""
    with services.database.write() as connection:
        sends.give_back(connection, unsent)


def one_for_each_lead(
    claimed: Sequence[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """At most one educational send for each lead, and the others: what is decided of those waits until it has gone."""
    seen: set[str] = set()
    kept: list[Mapping[str, Any]] = []
    others: list[Mapping[str, Any]] = []
    for send in claimed:
        is_second = send["kind"] == SendKind.NURTURE and send["lead_id"] in seen
        (others if is_second else kept).append(send)
        if send["kind"] == SendKind.NURTURE:
            seen.add(send["lead_id"])
    return kept, others


def _claim_probe(services: Services) -> Claimed:
    """One send, to see whether the provider is back; under the breaker's lock, so that nobody else tries as well."""
    name = services.provider.name
    with services.database.write() as connection:
        breaker, now = breakers.read(connection, name, to_change=True), real_now(connection)
        if passage(breaker, now) is not Passage.PROBE:
            return Claimed()
        claimed = claims.claim_due(connection, installation.product_now(connection), now, 1)
        if claimed:
            breakers.store(connection, name, probing(breaker, now))
    return Claimed(sends=claimed, is_probe=True, provider_was_well=False)


def _usage(services: Services, connection: Connection, moment: Moment) -> Usage:
    if not services.manners.rates:
        return Usage()
    return usage.read(connection, services.provider.name, moment.now.date())


def _rooms(manners: Manners, used: Usage, now: datetime) -> dict[Mailbox, int]:
    return {mailbox: room(used.levels.get(f"to {mailbox}"), rate, now) for mailbox, rate in manners.mailboxes.items()}


def _wait_for_mailboxes(
    connection: Connection, manners: Manners, used: Usage, today: datetime, now: datetime
) -> timedelta | None:
    """Until there is room for some kind of mailbox that sends wait for."""
    waiting = claims.waiting_mailboxes(connection, today) if manners.mailboxes else []
    waits = [
        wait_for_room(used.levels.get(f"to {mailbox}"), manners.mailboxes[mailbox], now)
        for mailbox in waiting
        if mailbox in manners.mailboxes
    ]
    return min(waits, default=None)
