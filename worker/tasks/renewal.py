"""A process of a worker that ends by rule is replaced at once, so that nobody's answer waits for its successor.

Celery hears that a process ends a moment before the kernel lets go of it: it looks, finds it alive, and looks again
only when a timer of five seconds comes round. A worker of one process stood still for that long after every
`worker_max_tasks_per_child` tasks, with people's acknowledgements waiting.
"""

from __future__ import annotations

from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool

_AGAIN_S = 0.02


class RenewingPool(AsynPool):  # type: ignore[misc]  # Celery ships no types
    """Processes; when one ends, it is looked after until another stands in its place."""

    def _event_process_exit(self, hub: Any, proc: Any) -> None:
        self._untrack_child_process(proc, hub)
        self._replace(hub, proc)

    def _replace(self, hub: Any, proc: Any) -> None:
        self.maintain_pool()
        if proc.exitcode is None:
            hub.call_later(_AGAIN_S, self._replace, hub, proc)


class RenewingTaskPool(TaskPool):  # type: ignore[misc]
    """Celery's own, with these processes."""

    Pool = RenewingPool
