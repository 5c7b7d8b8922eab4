"""Once a minute, look whether something has been wrong for long, and tell staff: once for each time that it goes wrong.

A fault of a moment mends itself, and what waits for a person is told as it happens; this is for what stays.
"""

from __future__ import annotations

from worker.domain.vitals import QUIET_AFTER
from worker.storage import alerts, installation, leads, samples
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.usecases.health.sample import take_sample
from worker.usecases.health.vitals import read_vitals
from worker.usecases.services import Services

WRONG_FOR = 10
"""Minutes."""


def raise_alarms(services: Services) -> int:
    """Take this minute's sample and look back; how many alerts were queued."""
    if not take_sample(services):
        return 0
    with services.database.read() as connection:
        found = {
            AlertKind.NEEDS_ATTENTION: samples.trouble(connection, WRONG_FOR),
            AlertKind.NO_LEADS: _quiet_since(services),
        }
        if not any(found.values()):
            return 0
    with services.database.write() as connection:
        now, at = installation.product_now(connection), real_now(connection)
        return sum(alerts.queue(connection, kind, name, None, now, at) for kind, name in found.items() if name)


def _quiet_since(services: Services) -> str | None:
    """Since which lead it has been quiet for too long; None while it has not, or time runs fast for show."""
    with services.database.read() as connection:
        if installation.clock(connection).speed > 1:
            return None
        vitals, latest = read_vitals(services, connection), leads.latest_at(connection)
    if vitals is None or vitals.quiet is None or latest is None or vitals.quiet < QUIET_AFTER:
        return None
    return latest.isoformat()
