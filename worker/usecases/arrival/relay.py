"""The relay: push again what the database has not confirmed, let go of what it has (I1).

Redis may lose a message, a worker may die between popping and storing: the spool file is still there, and
is offered again until the database holds every submission in it. After many tries it is set aside for a
person, never deleted.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from worker.domain.ids import is_id
from worker.errors import SealError
from worker.queues import QueueName
from worker.storage import alerts, erased, installation, pauses, submissions
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.pauses import PauseScope
from worker.storage.spool import Spool, SpoolFile
from worker.usecases.services import Services

log = structlog.get_logger()

GROUP = 100
"""So many are enough for one file, or one message."""

FIRST_RETRY_S = 1.5
LONGEST_RETRY_S = 60.0
MAX_PUSHES = 200
"""With the longest wait, more than three hours of a worker that is up and does not store it."""

_TOGETHER = 3
"""So often a file is offered in company."""


@dataclass
class _Pushes:
    count: int = 0
    next_at: float = 0.0


@dataclass
class Relay:
    """One per intake host. Keeps, per file, how often it was pushed and when to look again (monotonic)."""

    services: Services
    spool: Spool
    _pushes: dict[Path, _Pushes] = field(default_factory=dict)

    def expect(self, path: Path) -> None:
        """A file is being pushed by the publisher: give the workers a moment before looking."""
        self._pushes[path] = _Pushes(count=1, next_at=time.monotonic() + FIRST_RETRY_S)

    def run_once(self) -> int:
        """Look at every file whose time has come; how many were pushed again. Raises when the database is away."""
        if unfinished := self.spool.forget_unfinished():
            log.warning("spool.unfinished_forgotten", count=unfinished)
        due = list(self.spool.waiting(self._is_time_for))
        if not due:
            return 0
        confirmed, is_paused = self._ask_database(due)
        waiting: list[SpoolFile] = []
        for file in due:
            if _ids(file) <= confirmed:
                self._let_go(file)
            else:
                waiting.append(file)
        return 0 if is_paused else sum(map(self._push, self._groups(waiting)))

    def _let_go(self, file: SpoolFile) -> None:
        """All that can be read in it is confirmed; a damaged rest is kept for a person."""
        self._pushes.pop(file.path, None)
        if len(_ids(file)) == len(set(file.envelopes)):
            self.spool.remove(file)
        else:
            self._set_aside(file)

    def _set_aside(self, file: SpoolFile) -> None:
        """Keep a file that nobody can capture for a person, and say so."""
        self.spool.quarantine(file)
        self._pushes.pop(file.path, None)
        log.error("spool.set_aside", file=file.path.name, count=len(file.envelopes))
        with self.services.database.write() as connection:
            now = installation.product_now(connection)
            alerts.queue(connection, AlertKind.SUBMISSION_PARKED, file.path.name, None, now, real_now(connection))

    def _is_time_for(self, path: Path) -> bool:
        return time.monotonic() >= self._pushes.setdefault(path, _Pushes()).next_at

    def _state(self, file: SpoolFile) -> _Pushes:
        return self._pushes.setdefault(file.path, _Pushes())

    def _ask_database(self, files: Sequence[SpoolFile]) -> tuple[set[str], bool]:
        """What it holds of these files, and whether a person has paused intake."""
        wanted = set().union(*map(_ids, files))
        with self.services.database.read() as connection:
            now = installation.product_now(connection)
            is_paused = pauses.is_paused(connection, PauseScope.QUEUE, QueueName.INTAKE, now)
            confirmed = submissions.confirmed(connection, wanted)
            with contextlib.suppress(SealError):  # without the look-up key nothing is erased, and all is offered again
                confirmed |= erased.known(connection, self.services.vault.lookup, wanted - confirmed)
            return confirmed, is_paused

    def _groups(self, files: Iterable[SpoolFile]) -> Iterator[list[SpoolFile]]:
        """Those that go in one message. What was offered often in vain may be what ends its workers: it goes alone."""
        group: list[SpoolFile] = []
        size = 0
        for file in files:
            count = self._state(file).count
            if count >= MAX_PUSHES:
                self._set_aside(file)
            elif count >= _TOGETHER:
                yield [file]
            else:
                if group and size + len(file.envelopes) > GROUP:
                    yield group
                    group, size = [], 0
                group.append(file)
                size += len(file.envelopes)
        if group:
            yield group

    def _push(self, files: Sequence[SpoolFile]) -> int:
        envelopes = [envelope for file in files for envelope in file.envelopes]
        readable = [envelope for envelope in envelopes if is_id(submissions.envelope_id(envelope))]
        taken = self.services.queue.capture(readable)
        for state in map(self._state, files):
            wait = min(FIRST_RETRY_S * 2 ** min(state.count, 10), LONGEST_RETRY_S) if taken else FIRST_RETRY_S
            state.next_at = time.monotonic() + wait
            state.count += taken  # with the broker away, it is not the file's fault
        return len(files) if taken else 0


def _ids(file: SpoolFile) -> set[str]:
    return {name for envelope in file.envelopes if is_id(name := submissions.envelope_id(envelope))}
