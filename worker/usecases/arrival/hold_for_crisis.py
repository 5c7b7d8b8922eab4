"""Hold all nurture of a lead whose words are words of crisis, until a person has looked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.domain.leads import STAFF_HOLD
from worker.domain.safety import CrisisTier
from worker.storage import leads, timeline
from worker.storage.timeline import Happened


def hold_for_crisis(connection: Connection, lead: Mapping[str, Any], tier: CrisisTier, now: datetime) -> str:
    """Hold the lead, unless it is held harder already; the reason by which it is held now."""
    is_held_harder = lead["hold_reason"] not in {None, STAFF_HOLD} and tier is not CrisisTier.ACUTE
    hold: str = lead["hold_reason"] if is_held_harder else f"crisis_{tier}"
    leads.change(connection, lead["id"], hold_reason=hold, hold_until=None)  # no day lifts this one
    timeline.add(connection, Happened.CRISIS, now, lead["id"], tier=tier)
    return hold
