"""Celery tasks: parse, call one use case, map its outcome. Arguments are sealed bytes, or nothing at all.

None of them retries itself: the spool's relay and beat's sweep do what was left undone.
"""

from __future__ import annotations

import gc
from typing import Any

import structlog
from billiard.exceptions import SoftTimeLimitExceeded, Terminated, TimeLimitExceeded, WorkerLostError
from celery.signals import (
    setup_logging,
    task_failure,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
)

from worker.bootstrap import process_services, process_settings, renew_process_services
from worker.celery import app
from worker.errors import SealError
from worker.logs import configure_logs, guard_last_words
from worker.queues import QueueName, TaskName
from worker.storage.database import is_transient
from worker.tasks.liveness import report_signs_of_life
from worker.tasks.unreadable import guard_the_transport
from worker.usecases.arrival import capture as capturing
from worker.usecases.arrival.capture import park_arguments
from worker.usecases.feedback.poll_mailbox import poll_mailboxes
from worker.usecases.health.deliver_alerts import deliver_alerts
from worker.usecases.health.give_sign_of_life import give_sign_of_life
from worker.usecases.sending.deliver import deliver_due
from worker.usecases.sending.pausing import is_queue_paused
from worker.usecases.sweep import sweep as sweep_everything
from worker.usecases.webhooks.tell import tell_endpoints

log = structlog.get_logger()
report_signs_of_life()
guard_the_transport()


_CUT_SHORT = (WorkerLostError, Terminated, TimeLimitExceeded, SoftTimeLimitExceeded)
"""The process ended under the task: no fault of its arguments, and the spool offers them again."""


@app.task(name=TaskName.CAPTURE)
def capture(envelopes: list[str]) -> None:
    """Store sealed submissions."""
    captured = capturing.capture(process_services(), envelopes, unless_paused=True)  # the spool offers it again
    log.info("capture.done", stored=captured.stored, repeated=captured.repeated, parked=captured.parked)


@app.task(name=TaskName.DELIVER)
def deliver() -> None:
    """Send what is due."""
    services = process_services()
    if not is_queue_paused(services, QueueName.SEND):
        deliver_due(services)


@app.task(name=TaskName.ALERT)
def alert() -> None:
    """Tell staff what waits to be told."""
    services = process_services()
    if not is_queue_paused(services, QueueName.ALERTS):
        deliver_alerts(services)


@app.task(name=TaskName.TELL)
def tell() -> None:
    """Tell other systems what waits to be told."""
    services = process_services()
    if not is_queue_paused(services, QueueName.WEBHOOKS):
        tell_endpoints(services)


@app.task(name=TaskName.SWEEP)
def sweep() -> None:
    """Recover, repair, send."""
    sweep_everything(process_services())


@app.task(name=TaskName.FEEDBACK)
def feedback() -> None:
    """Read what came back by mail."""
    poll_mailboxes(process_services())


@app.task(name=TaskName.PING)
def ping() -> None:
    """Tell a watchman outside that all is well."""
    give_sign_of_life(process_services())


@setup_logging.connect
def _log_our_way(**_: Any) -> None:
    configure_logs(process_settings().log_level, "worker")  # Celery's own set-up would print whole messages
    guard_last_words()


@worker_init.connect
def _load_once(**_: Any) -> None:
    gc.collect()
    gc.freeze()  # looking for rubbish writes to all that it looks at, and what is written to is shared no longer


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
def _note_failure(sender: Any, exception: BaseException, args: Any, **_: Any) -> None:
    """A failed hint is found again by the sweep; arguments that no capture can take are kept for a person.

    With the look-up key lost, nothing can be captured until it is back: the spool keeps all, and offers it again.
    """
    log.error("task.failed", exc_info=exception, code="database_away" if is_transient(exception) else None)
    is_no_fault_of_theirs = is_transient(exception) or isinstance(exception, (SealError, *_CUT_SHORT))
    if sender.name == TaskName.CAPTURE and not is_no_fault_of_theirs:
        park_arguments(process_services(), args, "bad_arguments")
