"""Idempotency keys: the same key and body get the same answer; another body is refused.

An answer is a function of the submission, so only "is this a repeat, and of what" must be remembered:
in memory for what is fresh, in the database for what is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import SQLAlchemyError

from worker.domain.submissions import Submission
from worker.errors import WorkerError
from worker.storage import submissions
from worker.usecases.services import Services

_REMEMBERED = 10_000
_PATIENCE_S = 5.0
_LOOKUP_S = 0.5
_REST_S = 10.0


class KeyConflict(Exception):
    """The key was used for another body."""


class StillRunning(Exception):
    """The first request with this key has not been answered yet."""


class Keys:
    """The keys that this process has seen lately. Used from the event loop only."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: OrderedDict[str, str] = OrderedDict()
        self._running: dict[str, asyncio.Event] = {}
        self._lookups = ThreadPoolExecutor(max_workers=2, thread_name_prefix="idempotency")
        self._no_lookup_until = 0.0

    def begin(self, submission: Submission) -> bool:
        """True for a first request, False for a repeat that is answered alike. Raises KeyConflict, StillRunning."""
        digest = submissions.body_digest(submission)
        known = self._seen.get(submission.id)
        if known is None:
            self._seen[submission.id] = digest
            self._running[submission.id] = asyncio.Event()
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return True
        if known != digest:
            raise KeyConflict
        if submission.id in self._running:
            raise StillRunning
        return False

    async def wait_for_first(self, submission: Submission) -> bool:
        """Wait a little for the request that is running with this key; True when it was answered well."""
        running = self._running.get(submission.id)
        if running is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running.wait(), _PATIENCE_S)
        return submission.id in self._seen and submission.id not in self._running

    async def stored_otherwise(self, submission: Submission) -> bool:
        """True when the database holds another body under this key. Never waits long for an answer:
        capture compares again, and parks a conflict."""
        if time.monotonic() < self._no_lookup_until:
            return False
        looking = asyncio.get_running_loop().run_in_executor(self._lookups, self._look_up, submission)
        try:
            return await asyncio.wait_for(looking, _LOOKUP_S)
        except TimeoutError:
            self._no_lookup_until = time.monotonic() + _REST_S
            return False

    def _look_up(self, submission: Submission) -> bool:
        try:
            with self._services.database.read() as connection:
                row = submissions.by_id(connection, submission.id)
            if row is None:
                return False
            return bool(row["body_hash"] != submissions.body_hash(submission, self._services.vault.lookup))
        except (SQLAlchemyError, WorkerError):
            return False

    def done(self, submission: Submission) -> None:
        """The request was answered."""
        self._end(submission)

    def forget(self, submission: Submission) -> None:
        """The request failed: the next one with this key is a first one."""
        self._seen.pop(submission.id, None)
        self._end(submission)

    def _end(self, submission: Submission) -> None:
        running = self._running.pop(submission.id, None)
        if running is not None:
            running.set()
