"""Workers say that they live, and which queues they consume, every few seconds, in the database.

Readiness and status read these rows: remote control is off, and a queue that nobody consumes must show.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import Any

import structlog
from celery.signals import worker_ready, worker_shutting_down
from sqlalchemy.exc import SQLAlchemyError

from worker.bootstrap import open_database
from worker.storage import heartbeats

log = structlog.get_logger()

_EVERY_S = 5.0
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


def _keep_reporting(queues: list[str]) -> None:
    name = f"worker@{socket.gethostname()}:{os.getpid()}"
    database = open_database()
    while True:
        with contextlib.suppress(SQLAlchemyError), database.write() as connection:
            heartbeats.beat(connection, name, heartbeats.WORKER, queues)
        if _stopping.wait(_EVERY_S):
            break
    with contextlib.suppress(SQLAlchemyError), database.write() as connection:
        heartbeats.gone(connection, name)
    database.close()
