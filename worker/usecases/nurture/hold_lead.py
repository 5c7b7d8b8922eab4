"""Hold a lead's educational emails until a day, on someone's word; when that day comes, they go on by themselves.

A hold for crisis language is another thing: no day lifts it, only a person who has looked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from worker.domain.leads import STAFF_HOLD, Location
from worker.errors import NotFound, Refused
from worker.storage import installation, leads, sends, timeline
from worker.storage.timeline import Happened
from worker.usecases.services import Services

ENDED = "ended"
"""Why a hold was lifted: its day has come."""


def hold_lead(services: Services, lead_id: str, until: date, actor: str, reason: str) -> datetime:
    """Hold a lead until a day begins at its clinic, or give its hold another end; that instant.

    Raises NotFound; Refused for a day that has begun, and for a hold that only a person may end.
    """
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is None:
            raise NotFound(f"there is no lead {lead_id}")
        now = installation.product_now(connection)
        _, renderer = services.content.renderer(connection)
        zone = renderer.catalog.clinic.calendar(Location(lead["location"])).zone
        ends_at = datetime.combine(until, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if ends_at <= now:
            raise Refused("that day has begun already; give a later one")
        if lead["hold_reason"] not in {None, STAFF_HOLD}:
            raise Refused("this lead is held until someone has looked; no day may end that, so release it first")
        leads.change(connection, lead_id, hold_reason=STAFF_HOLD, hold_until=ends_at)
        known = {"hold": STAFF_HOLD, "until": ends_at.isoformat(), "reason": reason}
        timeline.add(connection, Happened.HELD, now, lead_id, actor=actor, **known)
    return ends_at


def lift_ended_holds(connection: Connection, now: datetime) -> int:
    """End the holds whose day has come, and plan again what they held; how many."""
    lifted = leads.lift_ended_holds(connection, now)
    for lead_id in lifted:
        sends.release_holds(connection, now, lead_id=lead_id)
        timeline.add(connection, Happened.RELEASED, now, lead_id, hold=STAFF_HOLD, reason=ENDED)
    return len(lifted)
