"""The big switch as people see it: what is paused, by whom and why, and what may be paused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from worker.domain.leads import Location
from worker.domain.sends import HoldReason
from worker.errors import ConfigurationError
from worker.queues import QueueName
from worker.storage import installation, pauses, planned_sends, send_figures, sends
from worker.storage.pauses import PauseScope
from worker.usecases.services import Services

LOCATIONS = (Location.CARBONDALE, Location.ALBANY, Location.UNDECIDED)
"""Where sends go out for."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """`held` counts the sends that wait for a pause to end, `stopped` those that will once a worker comes to them.

    `ahead` is how many more a pause will hold within a day, if it lasts; `due` counts what is planned for now.
    """

    pauses: Sequence[Mapping[str, Any]]
    sequences: Sequence[str]
    held: int
    stopped: int
    ahead: int
    due: int
    oldest_due: datetime | None
    is_epoch_held: bool
    now: datetime


def read_switch(services: Services) -> Switch:
    """Look at it."""
    with services.database.read() as connection:
        now = installation.product_now(connection)
        due, oldest = send_figures.count_due(connection, now)
        stopped = planned_sends.count_stopped(connection, now, now)
        try:
            sequences = sorted(services.content.renderer(connection)[1].catalog.sequences)
        except ConfigurationError:  # nothing is published yet
            sequences = []
        return Switch(
            pauses=pauses.active(connection, now),
            sequences=sequences,
            held=sends.count_held(connection, HoldReason.PAUSED),
            stopped=stopped,
            ahead=planned_sends.count_stopped(connection, now, now + DAY) - stopped,
            due=due,
            oldest_due=oldest,
            is_epoch_held=pauses.is_epoch_held(connection),
            now=now,
        )


def scope_of(word: str, sequences: Sequence[str]) -> tuple[PauseScope, str | None] | None:
    """What `all`, `location:albany`, `sequence:ptsd` or `queue:send` names; None where it names nothing."""
    kind, _, value = word.partition(":")
    known: Mapping[str, tuple[PauseScope, Sequence[str]]] = {
        "location": (PauseScope.LOCATION, LOCATIONS),
        "sequence": (PauseScope.SEQUENCE, sequences),
        "queue": (PauseScope.QUEUE, list(QueueName)),
    }
    if word == PauseScope.ALL:
        return PauseScope.ALL, None
    scope, values = known.get(kind, (PauseScope.ALL, ()))
    return (scope, value) if value in values else None
