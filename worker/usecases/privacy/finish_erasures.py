"""Finish the erasures that were interrupted, or that had to wait for a provider: asking once is enough.

A few in each sweep, and only those begun some time ago: whoever asked may still be at it.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from worker.domain.consent import SuppressionScope
from worker.errors import NotFound, WithProvider
from worker.storage import leads, timeline
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.privacy.erase import PATIENCE, Erasure, finish
from worker.usecases.services import Services

_MOST = 5


def finish_erasures(services: Services, after: timedelta = PATIENCE * 2) -> int:
    """How many were finished, of those begun longer ago than this, in real time."""
    done = 0
    for lead_id, erasure in _left(services, after).items():
        with contextlib.suppress(NotFound, WithProvider):  # someone else has finished it, or it has to wait still
            finish(services, lead_id, erasure)
            done += 1
    return done


def _left(services: Services, after: timedelta) -> dict[str, Erasure]:
    """Whose erasure was begun and not finished, with what was asked for."""
    left: dict[str, Erasure] = {}
    with services.database.read() as connection:
        before = real_now(connection) - after
        for lead_id in leads.being_erased(connection, _MOST):
            entries = [entry for entry in timeline.of_lead(connection, lead_id) if entry["kind"] == Happened.ERASING]
            if not entries:
                continue  # someone has finished it in this moment
            actor, asked = entries[-1]["actor"], entries[-1]["detail"]
            if "began" not in asked or datetime.fromisoformat(asked["began"]) <= before:
                scope = SuppressionScope(asked["suppressed"]) if asked.get("suppressed") else None
                left[lead_id] = Erasure(actor=actor, reason=asked["reason"], suppress=scope)
    return left
