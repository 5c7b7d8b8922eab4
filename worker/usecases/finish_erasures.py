"""Finish the erasures that were interrupted, or that had to wait for a provider: asking once is enough.

A few in each sweep, and only those begun some time ago: whoever asked may still be at it.
"""

from __future__ import annotations

import contextlib

from worker.domain.consent import SuppressionScope
from worker.errors import NotFound, WithProvider
from worker.storage import installation, leads, timeline
from worker.storage.timeline import Happened
from worker.usecases.erase import PATIENCE, Erasure, finish
from worker.usecases.services import Services

_BEGUN_BEFORE = PATIENCE * 2
_MOST = 5


def finish_erasures(services: Services) -> int:
    """How many were finished."""
    done = 0
    for lead_id, erasure in _left(services).items():
        with contextlib.suppress(NotFound, WithProvider):  # someone else has finished it, or it has to wait still
            finish(services, lead_id, erasure)
            done += 1
    return done


def _left(services: Services) -> dict[str, Erasure]:
    """Whose erasure was begun and not finished, with what was asked for."""
    left: dict[str, Erasure] = {}
    with services.database.read() as connection:
        clock, now = installation.clock(connection), installation.product_now(connection)
        before = now - _BEGUN_BEFORE * max(clock.speed, 1.0)
        for lead_id in leads.being_erased(connection, _MOST):
            begun = [entry for entry in timeline.of_lead(connection, lead_id) if entry["kind"] == Happened.ERASING]
            if begun and begun[-1]["at"] <= before:
                asked = begun[-1]["detail"]
                scope = SuppressionScope(asked["suppressed"]) if asked.get("suppressed") else None
                left[lead_id] = Erasure(actor=begun[-1]["actor"], reason=asked["reason"], suppress=scope)
    return left
