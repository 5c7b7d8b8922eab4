"""Record what happened to a lead elsewhere: a call, a booking, a visit, a reply, a word of staff.

All but a call end the sequence; all but a reply stop the response clock.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from worker.domain.events import ANSWERS, EXIT_REASON, LeadEvent, status_after
from worker.errors import NotFound
from worker.storage import installation, leads, timeline
from worker.storage.timeline import Happened
from worker.usecases.desk.answer import stop_waiting
from worker.usecases.nurture.enroll import exit_sequence
from worker.usecases.services import Services


def record_event(services: Services, lead_id: str, event: LeadEvent, actor: str) -> None:
    """Note it and do what follows from it. Telling it twice changes nothing more. Raises NotFound."""
    with services.database.write() as connection:
        note_event(services, connection, lead_id, event, actor, installation.product_now(connection))


def note_event(
    services: Services, connection: Connection, lead_id: str, event: LeadEvent, actor: str, now: datetime
) -> None:
    """The same, within a transaction."""
    lead = leads.lock(connection, lead_id)
    if lead is None:
        raise NotFound(f"there is no lead {lead_id}")
    timeline.add(connection, Happened.EVENT, now, lead_id, actor=actor, event=event)
    if event in ANSWERS:
        _, renderer = services.content.renderer(connection)
        stop_waiting(connection, renderer.catalog.clinic, lead, now, actor)
    if event in EXIT_REASON:
        leads.change(connection, lead_id, status=status_after(lead["status"], event))
        exit_sequence(connection, lead_id, EXIT_REASON[event], now, actor)
