"""What a person may choose instead of stopping everything: a month of quiet, or the end of this series.

The token of any email of ours is enough. Neither suppresses the address; both are honoured at the next claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from worker.domain.consent import QUIET_FOR
from worker.domain.leads import Location
from worker.domain.sends import CancelReason
from worker.storage import installation, leads, sends, timeline
from worker.storage.timeline import Happened
from worker.usecases.nurture.enroll import exit_sequence
from worker.usecases.sending.compose import read_token
from worker.usecases.services import Services

RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    connection: Connection
    lead: Mapping[str, Any]
    now: datetime


def be_quiet(services: Services, token: str) -> date | None:
    """Send no nurture for a month; the day, in the clinic's own zone, before which nothing will come."""
    with _visit(services, token) as visit:
        if visit is None:
            return None
        until = visit.now + QUIET_FOR
        leads.change(visit.connection, visit.lead["id"], quiet_until=until)
        sends.postpone(visit.connection, visit.lead["id"], until)
        timeline.add(visit.connection, Happened.QUIET, visit.now, visit.lead["id"], actor=RECIPIENT,
                     until=until.isoformat())  # fmt: skip
        clinic = services.content.renderer(visit.connection)[1].catalog.clinic
        zone = clinic.calendar(Location(visit.lead["location"])).zone
        return until.astimezone(ZoneInfo(zone)).date()


def end_series(services: Services, token: str) -> None:
    """End the sequence that the person is in. Another may begin if they ask about something else."""
    with _visit(services, token) as visit:
        if visit is not None:
            reason = CancelReason.SERIES_ENDED
            exit_sequence(visit.connection, visit.lead["id"], reason, visit.now, RECIPIENT)


@contextmanager
def _visit(services: Services, token: str) -> Iterator[_Visit | None]:
    """The lead behind an unsubscribe link, locked; None for a link not made here, or a lead that is gone."""
    send_id = read_token(token, "unsubscribe", services.vault.lookup)
    with services.database.write() as connection:
        send = sends.by_id(connection, send_id) if send_id else None
        lead = leads.lock(connection, send["lead_id"]) if send else None
        now = installation.product_now(connection)
        yield _Visit(connection=connection, lead=lead, now=now) if lead else None
