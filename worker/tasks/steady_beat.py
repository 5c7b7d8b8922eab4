"""Beat that keeps ticking when the clock is set back.

Celery's scheduler counts from the instant of the last run: with the clock set back by an hour, that instant
lies ahead, and nothing runs for an hour. Here such an instant counts as now: the next tick is an interval away.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry

_TOLERANCE = timedelta(seconds=1)


class SteadyScheduler(PersistentScheduler):  # type: ignore[misc]  # Celery ships no types
    """Celery's own scheduler, to which no last run lies ahead."""

    def tick(self, *arguments: Any, **named: Any) -> Any:
        """Run what is due; how long to sleep."""
        for entry in self.schedule.values():
            if _lies_ahead(entry):
                entry.last_run_at = entry.default_now()
                self._heap = None  # ordered by the old clock
        return super().tick(*arguments, **named)


def _lies_ahead(entry: ScheduleEntry) -> bool:
    last, now = entry.last_run_at, entry.default_now()
    assert isinstance(last, datetime)
    return bool(last > now + _TOLERANCE)
