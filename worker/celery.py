"""The Celery app: `celery -A worker worker`, `celery -A worker beat`. Its settings stand in `celeryconfig.py`."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import celeryd_init

app = Celery("worker")
app.config_from_object("celeryconfig")


@celeryd_init.connect
def _load_tasks(**_: Any) -> None:
    """Workers alone run tasks. As `imports` they would be loaded by beat as well, with all that they need."""
    app.loader.import_task_module("worker.tasks")
