"""Read a report from the daily tallies. Its cost grows with the days, not with what happened on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row

from worker.domain.leads import Location
from worker.domain.reports import Report, make_report
from worker.domain.tallies import Figure, Key, Tally
from worker.storage import tallies
from worker.storage.tallies import Freshness
from worker.usecases.reports.tally import today_of
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A report, and how fresh its figures are."""

    report: Report
    freshness: Freshness


def read_report(services: Services, days: int, location: Location | None = None) -> Read:
    """The report of the last so many days, today included. Raises ConfigurationError before the first publish."""
    with services.database.read() as connection:
        last = today_of(services, connection)
    return read_report_of(services, last - timedelta(days=days - 1), last, location)


def read_report_of(services: Services, first: date, last: date, location: Location | None = None) -> Read:
    """The report from one day to another."""
    with services.database.read() as connection:
        counts = {
            Key(row.location, row.condition, row.sequence, row.email): _tally(row)
            for row in tallies.read(connection, first, last)
        }
        by_day = {(row.day, row.location): _tally(row) for row in tallies.read_by_day(connection, first, last)}
        freshness = tallies.freshness(connection, first, last)
    return Read(report=make_report(first, last, location, counts, by_day), freshness=freshness)


def _tally(row: Row[Any]) -> Tally:
    return Counter({figure: int(row._mapping[figure.value]) for figure in Figure})
