"""The declared queues and the tasks on each: one list for routes, workers, readiness and status."""

from __future__ import annotations

from enum import StrEnum


class QueueName(StrEnum):
    """Intake comes first in every worker's list, so that a slow provider never delays an answer."""

    INTAKE = "intake"
    SEND = "send"
    ALERTS = "alerts"
    WEBHOOKS = "webhooks"
    TICK = "tick"


class TaskName(StrEnum):
    """Every task."""

    CAPTURE = "worker.tasks.capture"
    DELIVER = "worker.tasks.deliver"
    ALERT = "worker.tasks.alert"
    TELL = "worker.tasks.tell"
    SWEEP = "worker.tasks.sweep"
    FEEDBACK = "worker.tasks.feedback"
    PING = "worker.tasks.ping"


QUEUE_OF: dict[TaskName, QueueName] = {
    TaskName.CAPTURE: QueueName.INTAKE,
    TaskName.DELIVER: QueueName.SEND,
    TaskName.ALERT: QueueName.ALERTS,
    TaskName.TELL: QueueName.WEBHOOKS,
    TaskName.SWEEP: QueueName.TICK,
    TaskName.FEEDBACK: QueueName.TICK,
    TaskName.PING: QueueName.TICK,
}
