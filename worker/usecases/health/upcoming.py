"""What is planned to go out: a calendar of counts, and the list of one day. Read from the ledger itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from worker.domain.sends import SendState
from worker.storage import installation, leads, pauses, planned_sends, send_figures
from worker.storage.planned_sends import Planned
from worker.usecases.sending.send_facts import stops

DAYS = 30
"""As far as the calendar looks. Only the next send of each lead is planned, so later days fill as these go out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEmail(Planned):
    """And the pause that holds them up, if one does."""

    pause: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day (UTC; a nurture window never crosses its end) and what is planned on it."""

    day: date
    planned: Sequence[PlannedEmail]

    @property
    def count(self) -> int:
        """How many sends."""
        return sum(one.count for one in self.planned)

    @property
    def paused(self) -> int:
        """How many of them a pause holds up."""
        return sum(one.count for one in self.planned if one.pause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """The calendar. `overdue` is how many are due and not claimed yet; `pauses` hold up some of it, or all."""

    days: Sequence[Day]
    overdue: int
    held: int
    pauses: Sequence[Mapping[str, Any]]
    now: datetime


def read_upcoming(connection: Connection, *, location: str | None = None, sequence: str | None = None) -> Upcoming:
    """The next days, each with its counts; empty days are there too."""
    now = installation.product_now(connection)
    first = now.astimezone(UTC).date()
    end = _midnight(first + timedelta(days=DAYS))
    found = planned_sends.planned_by_day(connection, now, end, location=location, sequence=sequence)
    in_force = pauses.active(connection, now)
    emails = [
        PlannedEmail(**asdict(one), pause=_pause_over(in_force, asdict(one), _midnight(one.day))) for one in found
    ]
    days = [first + timedelta(days=number) for number in range(DAYS)]
    holding = [one.pause for one in emails if one.pause]
    return Upcoming(
        days=[Day(day=day, planned=[one for one in emails if one.day == day]) for day in days],
        overdue=send_figures.count_due(connection, now)[0],
        held=send_figures.count_attention(connection)[SendState.HELD],
        pauses=[pause for pause in in_force if pause in holding],
        now=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSend:
    """One planned send and its lead, and the pause that holds it up, if one does."""

    send: Mapping[str, Any]
    lead: Mapping[str, Any]
    pause: Mapping[str, Any] | None


def read_day(
    connection: Connection, day: date, limit: int, *, location: str | None = None, sequence: str | None = None,
    email: str | None = None,
) -> list[PlannedSend]:  # fmt: skip
    """What is planned on a day (UTC), in order."""
    start, end = _midnight(day), _midnight(day + timedelta(days=1))
    found = planned_sends.planned_between(
        connection, start, end, limit, location=location, sequence=sequence, email=email
    )
    people = leads.by_ids(connection, {send["lead_id"] for send in found})
    in_force = pauses.active(connection, installation.product_now(connection))
    return [
        PlannedSend(send=send, lead=people[send["lead_id"]], pause=_pause_over(in_force, send, send["due_at"]))
        for send in found
    ]


def _pause_over(
    in_force: Sequence[Mapping[str, Any]], planned: Mapping[str, Any], at: datetime
) -> Mapping[str, Any] | None:
    """The pause that stops it and has not ended by then."""
    over = [one for one in in_force if stops(one, planned) and (one["until"] is None or one["until"] > at)]
    return over[-1] if over else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
