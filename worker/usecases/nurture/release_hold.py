"""Let nurture go on for a lead that was held, once a person has looked (crisis language, say)."""

from __future__ import annotations

from worker.errors import NotFound
from worker.storage import installation, leads, sends, timeline
from worker.storage.timeline import Happened
from worker.usecases.desk.acknowledge import acknowledge_lead
from worker.usecases.services import Services


def release_hold(services: Services, lead_id: str, actor: str, reason: str) -> None:
    """Lift the lead's hold. Raises NotFound where it has none."""
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is None or lead["hold_reason"] is None:
            raise NotFound("this lead is not held")
        now = installation.product_now(connection)
        leads.change(connection, lead_id, hold_reason=None, hold_until=None)
        sends.release_holds(connection, now, lead_id=lead_id)
        acknowledge_lead(connection, lead_id, actor, now)  # who releases has looked
        timeline.add(connection, Happened.RELEASED, now, lead_id, actor=actor, hold=lead["hold_reason"], reason=reason)
    services.queue.deliver()
