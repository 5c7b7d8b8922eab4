"""Keep the daily tallies up to date: a few days in each sweep, new ones often, old ones rarely."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from worker.domain.clinic import Clinic
from worker.domain.leads import CLINICS
from worker.domain.mailboxes import Mailbox, mailbox_of
from worker.domain.tallies import recount_after, tally_day, tally_mail
from worker.errors import SealError
from worker.storage import installation, ledger_days, tallies
from worker.storage.database import real_now
from worker.usecases.services import Services

IN_ONE_SWEEP = 1
"""As many days at most, so that a sweep stays short also where very much was sent on each."""

_ONE_DAY = timedelta(days=1)


def zone_of(clinic: Clinic) -> ZoneInfo:
    """Whose days are meant: those of the first clinic, for all, so that one day's figures add up."""
    return ZoneInfo(clinic.places[CLINICS[0]].zone)


def today_of(services: Services, connection: Connection) -> date:
    """The day that it is, for reports. Raises ConfigurationError before the first publish."""
    return installation.product_now(connection).astimezone(zone_of(_clinic(services, connection))).date()


def keep_tallies(services: Services, most: int = IN_ONE_SWEEP) -> int:
    """Count the days that are due, up to so many; how many were."""
    with services.database.read() as connection:
        if installation.active_snapshot(connection) is None:
            return 0
        last = tallies.last_day(connection)
        if last is None and tallies.first_lead_at(connection) is None:
            return 0
        is_begun = last is not None and last >= today_of(services, connection)
        if is_begun and not tallies.is_due(connection, real_now(connection)):
            return 0
    counted = 0
    with services.database.write() as connection:
        _add_days(services, connection)
    while counted < most and _count_one(services):
        counted += 1
    return counted


def bring_up_to_date(services: Services) -> int:
    """Count every day that is due, and today and yesterday in any case; how many were."""
    with services.database.write() as connection:
        today = today_of(services, connection)
        tallies.count_again(connection, [today, today - _ONE_DAY], real_now(connection))
    total = 0
    while counted := keep_tallies(services):
        total += counted
    return total


def count_again(services: Services, connection: Connection, found: Mapping[str, list[Mapping[str, Any]]]) -> None:
    """These rows go: the days on which they counted are counted anew."""
    if installation.active_snapshot(connection) is not None:
        zone = zone_of(_clinic(services, connection))
        days = {at.astimezone(zone).date() for at in ledger_days.instants_of(found)}
        tallies.count_again(connection, days, real_now(connection))


def _add_days(services: Services, connection: Connection) -> None:
    today, last = today_of(services, connection), tallies.last_day(connection)
    if last is None:
        first = tallies.first_lead_at(connection)
        last = first.astimezone(zone_of(_clinic(services, connection))).date() - _ONE_DAY if first else today
    tallies.add_days(connection, last + _ONE_DAY, today, real_now(connection))


def _count_one(services: Services) -> bool:
    with services.database.write() as connection:
        now = real_now(connection)
        day = tallies.take_due(connection, now)
        if day is None:
            return False
        zone = zone_of(_clinic(services, connection))
        start, end = _start_of(day, zone), _start_of(day + _ONE_DAY, zone)
        sent = ledger_days.sends_of(connection, start, end, _mailboxes(services))
        counted = tally_day(ledger_days.leads_of(connection, start, end), sent)
        due_at = now + recount_after(day, today_of(services, connection))
        tallies.store(connection, day, counted, tally_mail(sent), now, due_at)
    return True


def _mailboxes(services: Services) -> ledger_days.MailboxOf:
    """The kind of mailbox of a lead, worked out each time and kept nowhere."""

    def of(lead: Mapping[str, Any]) -> str:
        try:
            return mailbox_of(services.vault.open_email(lead) or "")
        except SealError:
            return Mailbox.OTHER

    return of


def _clinic(services: Services, connection: Connection) -> Clinic:
    return services.content.renderer(connection)[1].catalog.clinic


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
