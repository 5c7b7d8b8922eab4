"""What other programs told of leads under an id of their own, so that telling it twice is telling it once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from worker.storage.database import insert_once
from worker.storage.tables import lead_events


def record(
    connection: Connection, token_id: str, event_id: str, lead_id: str, event: str, at: datetime
) -> Mapping[str, Any] | None:
    """Store it; where this id was told before, what was told then."""
    event_hash = hashlib.sha256(event_id.encode()).hexdigest()
    values = {"token_id": token_id, "event_hash": event_hash, "lead_id": lead_id, "event": event, "at": at}
    if insert_once(connection, lead_events, values):
        return None
    same = lead_events.c.token_id == token_id, lead_events.c.event_hash == event_hash
    return dict(connection.execute(select(lead_events).where(*same)).one()._mapping)
