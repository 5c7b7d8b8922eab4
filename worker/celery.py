"""The Celery app: `celery -A worker worker`, `celery -A worker beat`. Its settings stand in `celeryconfig.py`."""

from __future__ import annotations

from celery import Celery

app = Celery("worker")
app.config_from_object("celeryconfig")
