"""Read what alarms watch: all of it from indexes of what waits and from the daily tallies."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from worker.domain.leads import CLINICS
from worker.domain.tallies import OF_EMAILS
from worker.domain.vitals import WEEK, Vitals, quiet_time
from worker.storage import installation, leads, tallies
from worker.usecases.reports.tally import today_of
from worker.usecases.services import Services


def read_vitals(services: Services, connection: Connection) -> Vitals | None:
    """How they are now; None before the first publish."""
    if installation.active_snapshot(connection) is None:
        return None
    clinic = services.content.renderer(connection)[1].catalog.clinic
    now, latest = installation.product_now(connection), leads.latest_at(connection)
    calendars = [clinic.calendars(place)[0] for place in CLINICS]
    waiting, late = leads.count_waiting(connection)
    today = today_of(services, connection)
    week: Counter[str] = Counter({figure.value: 0 for figure in OF_EMAILS})
    for row in tallies.read_mail(connection, today - WEEK, today):
        week.update({figure.value: int(row._mapping[figure.value]) for figure in OF_EMAILS})
    return Vitals(
        waiting=waiting,
        late=late,
        quiet=quiet_time(latest, now, clinic.front_desk.window, calendars) if latest else None,
        week=week,
    )
