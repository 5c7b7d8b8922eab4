"""Beat: the first tick at once, and every later one even when the clock is set back.

It knows tasks by name only and imports nothing of what they do, so it takes a third of a worker's memory. Celery's
scheduler counts from the instant of the last run: with the clock set back by an hour, that instant
lies ahead, and nothing runs for an hour. Here such an instant counts as now: the next tick is an interval away.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry
from celery.signals import beat_init, setup_logging

from worker.celery import app
from worker.logs import configure_logs, guard_last_words
from worker.queues import QUEUE_OF, TaskName
from worker.settings import load_settings

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


@setup_logging.connect
def _log_our_way(**_: Any) -> None:
    configure_logs(load_settings().log_level, "beat")
    guard_last_words()


@beat_init.connect
def _first_tick(**_: Any) -> None:
    app.send_task(TaskName.SWEEP, queue=QUEUE_OF[TaskName.SWEEP])  # beat's own schedule begins a few seconds later
