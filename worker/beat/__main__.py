"""`python -m worker.beat [FILE]`: beat, which notes in this file when it last asked.

`celery -A worker beat` does the same, and loads every command of Celery's to do it, shells and colours included.
"""

from __future__ import annotations

import sys

from worker.celery import app

app.Beat(loglevel="WARNING", quiet=True, schedule=next(iter(sys.argv[1:]), None)).run()
