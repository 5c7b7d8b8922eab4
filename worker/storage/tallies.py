"""Daily tallies for reports: counted anew from the ledger day by day, so that they agree with it whatever changed.

A day is counted in one transaction that holds its row; two sweeps never count the same one at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from worker.domain.tallies import OF_EMAILS, Figure, Key, MailKey, Tally
from worker.storage.inserting import insert_all
from worker.storage.report_tables import mail_tallies, tallies, tally_days
from worker.storage.tables import leads


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How far counting has come: the oldest count among the days asked for, and how many were never counted."""

    counted_at: datetime | None
    uncounted: int


def last_day(connection: Connection) -> date | None:
    """The newest day that is counted, or to be."""
    return connection.execute(select(func.max(tally_days.c.day))).scalar_one_or_none()


def first_lead_at(connection: Connection) -> datetime | None:
    """When the first lead wrote; before that there is nothing to count."""
    return connection.execute(select(func.min(leads.c.created_at))).scalar_one_or_none()


def add_days(connection: Connection, first: date, last: date, real_now: datetime) -> None:
    """Let these days be counted; those that are there already stay as they are."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    insert_all(connection, tally_days, [{"day": day, "due_at": real_now} for day in days])


def count_again(connection: Connection, days: Iterable[date], real_now: datetime) -> None:
    """Let these days be counted anew at once."""
    connection.execute(update(tally_days).where(tally_days.c.day.in_(set(days))).values(due_at=real_now))


def is_due(connection: Connection, real_now: datetime) -> bool:
    """True when some day is to be counted."""
    due = select(tally_days.c.day).where(tally_days.c.due_at <= real_now).limit(1)
    return connection.execute(due).first() is not None


def take_due(connection: Connection, real_now: datetime) -> date | None:
    """A day that is to be counted, nobody else's until the end of the transaction; the newest first."""
    return connection.execute(
        select(tally_days.c.day)
        .where(tally_days.c.due_at <= real_now)
        .order_by(tally_days.c.day.desc())
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()


def store(
    connection: Connection,
    day: date,
    counted: Mapping[Key, Tally],
    mail: Mapping[MailKey, Tally],
    real_now: datetime,
    due_at: datetime,
) -> None:
    """Keep a day's tallies, instead of those that were there."""
    _replace(connection, tallies, day, [_row(day, key, tally, Figure) for key, tally in counted.items()])
    _replace(connection, mail_tallies, day, [_row(day, key, tally, OF_EMAILS) for key, tally in mail.items()])
    connection.execute(update(tally_days).where(tally_days.c.day == day).values(counted_at=real_now, due_at=due_at))


def _row(day: date, key: Key | MailKey, tally: Tally, figures: Iterable[Figure]) -> dict[str, Any]:
    return {"day": day, **asdict(key), **{figure.value: tally[figure] for figure in figures}}


def _replace(connection: Connection, table: Table, day: date, rows: Sequence[Mapping[str, Any]]) -> None:
    stored = connection.execute(select(table).where(table.c.day == day))
    if {_frozen(row._mapping) for row in stored} == {_frozen(row) for row in rows}:
        return
    connection.execute(delete(table).where(table.c.day == day))
    if rows:
        connection.execute(insert(table), [dict(row) for row in rows])


def _frozen(row: Mapping[Any, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset((str(name), value) for name, value in row.items())


def read(connection: Connection, first: date, last: date) -> Sequence[Row[Any]]:
    """What was counted on these days, by location, condition, sequence and email."""
    by = (tallies.c.location, tallies.c.condition, tallies.c.sequence, tallies.c.email)
    return _summed(connection, tallies, by, Figure, first, last)


def read_by_day(connection: Connection, first: date, last: date) -> Sequence[Row[Any]]:
    """The same, by day and location."""
    return _summed(connection, tallies, (tallies.c.day, tallies.c.location), Figure, first, last)


def read_mail(connection: Connection, first: date, last: date) -> Sequence[Row[Any]]:
    """What was counted on these days, by location, provider and kind of mailbox."""
    by = (mail_tallies.c.location, mail_tallies.c.provider, mail_tallies.c.mailbox)
    return _summed(connection, mail_tallies, by, OF_EMAILS, first, last)


def _summed(
    connection: Connection, table: Table, by: Sequence[Any], figures: Iterable[Figure], first: date, last: date
) -> Sequence[Row[Any]]:
    sums = [func.sum(table.c[figure.value]).label(figure.value) for figure in figures]
    return connection.execute(select(*by, *sums).where(table.c.day.between(first, last)).group_by(*by)).all()


def freshness(connection: Connection, first: date, last: date) -> Freshness:
    """How far the counting of these days has come."""
    row = connection.execute(
        select(func.min(tally_days.c.counted_at), func.count() - func.count(tally_days.c.counted_at)).where(
            tally_days.c.day.between(first, last)
        )
    ).one()
    return Freshness(counted_at=row[0], uncounted=row[1])
