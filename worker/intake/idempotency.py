"""Idempotency keys: the same key and body get the same answer; another body is refused.

An answer is a function of the submission, so only "is this a repeat, and of what" must be remembered:
in memory for what is fresh, in the database for what is stored.
"""

from __future__ import annotations

from collections import OrderedDict

from sqlalchemy.exc import SQLAlchemyError

from worker.domain.submissions import Submission
from worker.errors import WorkerError
from worker.storage import submissions
from worker.usecases.services import Services

_REMEMBERED = 10_000


class KeyConflict(Exception):
    """The key was used for another body."""


class StillRunning(Exception):
    """The first request with this key has not been answered yet."""


class Keys:
    """The keys that this process has seen lately."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: OrderedDict[str, tuple[str, bool]] = OrderedDict()

    def begin(self, submission: Submission) -> bool:
        """True for a first request, False for a repeat that is answered alike. Raises KeyConflict, StillRunning."""
        digest = submissions.body_digest(submission)
        if submission.id in self._seen:
            known, is_done = self._seen[submission.id]
            if known != digest:
                raise KeyConflict
            if not is_done:
                raise StillRunning
            return False
        self._remember(submission.id, digest, is_done=False)
        return True

    def stored_otherwise(self, submission: Submission) -> bool:
        """True when the database holds another body under this key. Blocking; False while it is away."""
        try:
            with self._services.database.read() as connection:
                row = submissions.by_id(connection, submission.id)
            return row is not None and row["body_hash"] != submissions.body_hash(
                submission, self._services.vault.lookup
            )
        except (SQLAlchemyError, WorkerError):
            return False  # capture compares again, and parks a conflict

    def done(self, submission: Submission) -> None:
        """The request was answered."""
        self._remember(submission.id, submissions.body_digest(submission), is_done=True)

    def forget(self, submission: Submission) -> None:
        """The request failed: the next one with this key is a first one."""
        self._seen.pop(submission.id, None)

    def _remember(self, submission_id: str, digest: str, *, is_done: bool) -> None:
        self._seen[submission_id] = (digest, is_done)
        self._seen.move_to_end(submission_id)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
