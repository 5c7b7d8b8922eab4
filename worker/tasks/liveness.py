"""Workers say that they live, and which queues they consume, every few seconds, in the database.

Readiness and status read these rows: remote control is off, and a queue that nobody consumes must show.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import structlog
from celery.signals import worker_ready, worker_shutting_down
from celery.worker import state
from sqlalchemy.exc import SQLAlchemyError

from worker.bootstrap import open_database
from worker.forks import no_fork_meanwhile
from worker.queues import QUEUE_OF
from worker.storage import heartbeats
from worker.storage.heartbeats import Work

log = structlog.get_logger()

_EVERY_S = 2.0
_RECENT_S = 300.0
_stopping = threading.Event()


def report_signs_of_life() -> None:
    """Hook into the worker's main process."""
    worker_ready.connect(_begin, weak=False)
    worker_shutting_down.connect(_end, weak=False)


def _begin(sender: Any, **_: Any) -> None:
    queues = [queue.name for queue in sender.task_consumer.queues]
    threading.Thread(target=_keep_reporting, args=(queues,), name="liveness", daemon=True).start()


def _end(**_: Any) -> None:
    _stopping.set()


class Recently:
    """How much was taken up within the last minutes, from totals that only grow."""

    def __init__(self, length_s: float = _RECENT_S) -> None:
        self._length_s = length_s
        self._totals: deque[tuple[float, Counter[str]]] = deque()

    def since(self, at: float, totals: Mapping[str, int]) -> Counter[str]:
        """By name, what has come to these totals since the oldest one still in view."""
        self._totals.append((at, Counter(totals)))
        while len(self._totals) > 1 and self._totals[1][0] <= at - self._length_s:
            self._totals.popleft()
        return Counter(totals) - self._totals[0][1]


def _work_of(recently: Recently) -> dict[str, Work]:
    """This worker's main process counts what its children do."""
    recent = recently.since(time.monotonic(), dict(state.total_count))
    active = Counter(request.name for request in list(state.active_requests))
    return {
        queue: Work(active=active[task], recent=recent[task])
        for task, queue in QUEUE_OF.items()
        if active[task] or recent[task]
    }


def _keep_reporting(queues: list[str]) -> None:
    name = f"worker@{socket.gethostname()}:{os.getpid()}"
    database, recently = open_database(), Recently()
    while True:
        with contextlib.suppress(SQLAlchemyError), no_fork_meanwhile(), database.write() as connection:
            heartbeats.beat(connection, name, heartbeats.WORKER, queues, _work_of(recently))
        if _stopping.wait(_EVERY_S):
            break
    with contextlib.suppress(SQLAlchemyError), no_fork_meanwhile(), database.write() as connection:
        heartbeats.gone(connection, name)
    database.close()
