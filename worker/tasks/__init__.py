"""Celery tasks: parse, call one use case, map its outcome. Arguments are sealed bytes, or nothing at all.

None of them retries itself: the spool's relay and beat's sweep do what was left undone.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery.signals import (
    beat_init,
    setup_logging,
    task_failure,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
)

from worker.bootstrap import process_services, process_settings, renew_process_services
from worker.celery import app
from worker.logs import configure_logs
from worker.queues import QUEUE_OF, TaskName
from worker.storage.database import is_transient
from worker.tasks.liveness import report_signs_of_life
from worker.usecases import capture as capturing
from worker.usecases import evidence
from worker.usecases.deliver import deliver_due
from worker.usecases.deliver_alerts import deliver_alerts
from worker.usecases.sweep import sweep as sweep_everything

log = structlog.get_logger()
report_signs_of_life()


@app.task(name=TaskName.CAPTURE)
def capture(envelopes: list[str]) -> None:
    """Store sealed submissions."""
    captured = capturing.capture(process_services(), envelopes)
    log.info("capture.done", stored=captured.stored, repeated=captured.repeated, parked=captured.parked)


@app.task(name=TaskName.DELIVER)
def deliver() -> None:
    """Send what is due."""
    deliver_due(process_services())


@app.task(name=TaskName.ALERT)
def alert() -> None:
    """Tell staff what waits to be told."""
    deliver_alerts(process_services())


@app.task(name=TaskName.SWEEP)
def sweep() -> None:
    """Recover, repair, send."""
    sweep_everything(process_services())


@setup_logging.connect
def _log_our_way(**_: Any) -> None:
    configure_logs(process_settings().log_level, "worker")  # Celery's own set-up would print whole messages


@worker_init.connect
def _load_once(**_: Any) -> None:
    evidence.warm_up()  # before the fork: the children share it, and a slow start must not count against them


@beat_init.connect
def _first_tick(**_: Any) -> None:
    app.send_task(TaskName.SWEEP, queue=QUEUE_OF[TaskName.SWEEP])  # beat's own schedule begins a few seconds later


@worker_process_init.connect
def _start_afresh(**_: Any) -> None:
    renew_process_services()  # connections must not be shared across the fork


@worker_process_shutdown.connect
def _give_back(**_: Any) -> None:
    process_services().close()


@task_prerun.connect
def _name_task(task_id: str, task: Any, **_: Any) -> None:
    structlog.contextvars.bind_contextvars(task_id=task_id, task=task.name.rpartition(".")[2])


@task_failure.connect
def _note_failure(exception: BaseException, **_: Any) -> None:
    log.error("task.failed", exc_info=exception, code="database_away" if is_transient(exception) else None)
