"""Acknowledge that a person may be in danger: someone says "I have it", by name, and staff are told no more.

It ends the calling, not the hold: educational emails wait until someone has looked and released the lead.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from worker.errors import NotFound
from worker.storage import alerts, installation, timeline
from worker.storage.timeline import Happened
from worker.usecases.services import Services


def acknowledge(services: Services, lead_id: str, actor: str) -> int:
    """Acknowledge every urgent message of a lead; how many. Raises NotFound where none waits."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        count = acknowledge_lead(connection, lead_id, actor, now)
    if not count:
        raise NotFound("no urgent message of this lead waits for someone")
    return count


def acknowledge_quarantined(services: Services, submission_id: str, actor: str) -> None:
    """Acknowledge an urgent message that lies in quarantine. Raises NotFound where none waits."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        if not acknowledge_submission(connection, submission_id, actor, now):
            raise NotFound("no urgent message of this id waits for someone")


def acknowledge_lead(connection: Connection, lead_id: str, actor: str, now: datetime) -> int:
    """Within a transaction: note who has a lead's urgent messages; how many waited."""
    count = alerts.acknowledge_of_lead(connection, lead_id, actor, now)
    if count:
        timeline.add(connection, Happened.ACKNOWLEDGED, now, lead_id, actor=actor, messages=count)
    return count


def acknowledge_submission(connection: Connection, submission_id: str, actor: str, now: datetime) -> int:
    """The same for a submission in quarantine, which has no lead yet."""
    count = alerts.acknowledge_ids(connection, alerts.urgent_ids(submission_id), actor, now)
    if count:
        timeline.add(connection, Happened.ACKNOWLEDGED, now, None, actor=actor, submission_id=submission_id)
    return count


def link_to_lead(connection: Connection, submission_id: str, lead_id: str) -> None:
    """What a quarantined submission has alarmed staff of belongs, once it is released, to its lead."""
    alerts.link(connection, alerts.urgent_ids(submission_id), lead_id)
