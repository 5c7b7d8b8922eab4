"""Beat's schedule when the clock jumps: a tick is never further off than its interval."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from celery.beat import ScheduleEntry

from worker.beat import SteadyScheduler
from worker.celery import app
from worker.settings import ROOT

NOON = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)


class Recorded(SteadyScheduler):
    """Counts the sweeps that it would put on the queue."""

    applied = 0
    producer = None  # the stock one waits for a broker

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:
        self.applied += entry.name == "sweep"


@pytest.fixture
def beat(tmp_path: Path) -> Iterator[Recorded]:
    with time_machine.travel(NOON, tick=False):
        scheduler = Recorded(app, schedule_filename=str(tmp_path / "schedule"), lazy=True)
        scheduler.setup_schedule()
        scheduler.tick()
    yield scheduler
    scheduler.close()


def ticks_at(beat: Recorded, at: datetime) -> int:
    """How many sweeps are asked for at this instant."""
    beat.applied = 0
    with time_machine.travel(at, tick=False):
        for _ in range(5):
            beat.tick()
    return beat.applied


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(seconds=-30), timedelta(days=-400), timedelta(hours=1)])
def test_within_an_interval_of_a_jump_of_the_clock_it_ticks_again(beat: Recorded, by: timedelta) -> None:
    at_once = ticks_at(beat, NOON + by)

    assert at_once + ticks_at(beat, NOON + by + timedelta(seconds=6)) >= 1
    assert ticks_at(beat, NOON + by + timedelta(seconds=7)) == 0, "and then as usual"
    assert ticks_at(beat, NOON + by + timedelta(seconds=12)) == 1


def test_without_a_jump_it_ticks_at_its_interval(beat: Recorded) -> None:
    assert [ticks_at(beat, NOON + timedelta(seconds=second)) for second in (1, 3, 6, 8, 12)] == [0, 0, 1, 0, 1]


def test_beat_loads_nothing_of_what_tasks_do() -> None:
    """It would take three times the memory, on every host, to say every five seconds that it is time."""
    look = "import sys, worker.beat, celery.apps.beat; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    unwanted = ("worker.tasks", "worker.usecases", "worker.boot", "requests", "prompt_toolkit", "cryptography", "rich")
    assert "worker.beat" in loaded
    assert not [name for name in loaded.split() if name.startswith(unwanted)]
