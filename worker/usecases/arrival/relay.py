"""The relay: push again what the database has not confirmed, let go of what it has (I1).

Redis may lose a message, a worker may die between popping and storing: the spool file is still there, and what the
database does not hold of it is offered again, until it holds every submission. After many tries the file is set aside
for a person, never deleted.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
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
"""So many are enough for one message."""

ENOUGH = 200
"""So many are enough for one file, and for one look: it shares the processor with what answers people."""

FIRST_RETRY_S = 1.5
LONGEST_RETRY_S = 60.0
MAX_PUSHES = 200
"""With the longest wait, more than three hours of workers that take it and do not store it."""

_WAITS = 6
"""So often, each time longer, in all a minute and a half, a file waits for workers that leave what lies there."""

_TOGETHER, _FEW = 3, 10
"""So often a file is offered in company, then in messages of a few, then each submission in one of its own."""


@dataclass(slots=True)
class _Pushes:
    """How often a file was offered and taken from the queue, and how often workers that are behind were waited for."""

    count: int = 0
    waits: int = 0
    waits_at_most: int = 0
    """Nothing for what was never offered: it can't lie there."""
    next_at: float = 0.0

    def offer(self, *, is_busy: bool) -> None:
        """Each offer is waited for twice as long as the one before while nobody takes it: a night without workers
        would else fill the broker with the same posts again and again."""
        self.count += not is_busy
        self.waits_at_most = max(_WAITS, self.waits_at_most * 2)

    def rest(self) -> None:
        """Look again later, each time longer."""
        wait = min(FIRST_RETRY_S * 2 ** min(self.count + self.waits, 10), LONGEST_RETRY_S)
        self.next_at = time.monotonic() + wait


@dataclass
class Relay:
    """One per intake host. Keeps, per file, how often it was pushed and when to look again (monotonic)."""

    services: Services
    spool: Spool
    has_more: bool = False
    """True when the last look was at some of the files only whose time has come."""
    _pushes: dict[str, _Pushes] = field(default_factory=dict)
    """By name: of tens of thousands, a path of each would be most of what this process holds."""
    _round: Iterator[SpoolFile] | None = None
    """Through all that waits, over as many looks as it takes: none is looked at twice before each was once."""

    def expect(self, path: Path) -> None:
        """What a file holds was pushed by the publisher: give the workers a moment before looking."""
        first = _Pushes(count=1, waits_at_most=_WAITS, next_at=time.monotonic() + FIRST_RETRY_S)
        self._pushes.setdefault(path.name, first)

    def miss(self, path: Path) -> None:
        """Not all that a file holds was pushed: look soon, however much else lies on the queue."""
        self._pushes[path.name] = _Pushes(next_at=time.monotonic() + FIRST_RETRY_S)

    def forget(self) -> None:
        """Another process tidies this spool, and remembers for itself."""
        self._pushes.clear()
        self._round = None

    def run_once(self) -> int:
        """Look at files whose time has come; how many were pushed again. Raises when the database is away."""
        if unfinished := self.spool.forget_unfinished():
            log.warning("spool.unfinished_forgotten", count=unfinished)
        due = self._due()
        if not due:
            return 0
        confirmed, is_paused = self._ask_database(due)
        waiting = [left for file in due if (left := self._what_is_left(file, confirmed))]
        if is_paused:
            self._rest(waiting)
        if is_paused or not waiting:
            return 0
        is_busy = self.services.queue.is_capture_waiting()
        offered = [file for file in waiting if not (is_busy and self._may_lie_there(file))]
        return sum(self._push(group, is_busy=is_busy) for group in self._groups(offered))

    def _due(self) -> list[SpoolFile]:
        """The next files whose time has come, as many as are enough."""
        due: list[SpoolFile] = []
        size = 0
        if self._round is None:
            self.spool.adopt()
            self._round = self.spool.waiting(self._is_time_for, self._not_read)
        for file in self._round:
            due.append(file)
            size += len(file.envelopes)
            if size >= ENOUGH:
                self.has_more = True
                return due
        self.has_more, self._round = False, None
        return due

    def _not_read(self, path: Path) -> None:
        log.error("spool.not_read", file=path.name)
        self._leave(path)

    def _leave(self, path: Path) -> None:
        """The disk does not do what is asked of this file: the others go on, and it is looked at later."""
        state = self._pushes.setdefault(path.name, _Pushes())
        state.waits += 1
        state.rest()

    def _what_is_left(self, file: SpoolFile, confirmed: set[str]) -> SpoolFile | None:
        """The file with what the database does not hold; None, and the file let go of, where it holds everything."""
        left = tuple(one for one in file.envelopes if _is_readable(one) and _id(one) not in confirmed)
        try:
            if not left:
                self._let_go(file)
                return None
            if len(left) < len(file.envelopes) and self._state(file).count == _TOGETHER and not file.is_open:
                self.spool.take_out_of(file, lambda envelope: _id(envelope) in confirmed)  # it may stay for long
        except OSError:
            log.exception("spool.not_let_go", file=file.path.name)
            self._leave(file.path)
        return replace(file, envelopes=left) if left else None

    def _may_lie_there(self, file: SpoolFile) -> bool:
        """What was offered may not have been taken yet: offering more would only make the queue longer."""
        state = self._state(file)
        if state.waits >= state.waits_at_most:
            return False
        state.waits += 1
        state.rest()
        return True

    def _let_go(self, file: SpoolFile) -> None:
        """All that can be read in it is confirmed; a damaged rest is kept for a person."""
        if file.is_open or not all(map(_is_readable, file.envelopes)):
            self._set_aside(file)
        else:
            self.spool.remove(file)
            self._pushes.pop(file.path.name, None)

    def _set_aside(self, file: SpoolFile) -> None:
        """Keep a file that nobody can capture for a person, and say so; one that is open when it is closed."""
        if file.is_open:
            self._leave(file.path)
            return
        self.spool.quarantine(file)
        self._pushes.pop(file.path.name, None)
        log.error("spool.set_aside", file=file.path.name, count=len(file.envelopes))
        with self.services.database.write() as connection:
            now = installation.product_now(connection)
            alerts.queue(connection, AlertKind.SUBMISSION_PARKED, file.path.name, None, now, real_now(connection))

    def _is_time_for(self, name: str) -> bool:
        state = self._pushes.get(name)
        return state is None or time.monotonic() >= state.next_at

    def _state(self, file: SpoolFile) -> _Pushes:
        return self._pushes.setdefault(file.path.name, _Pushes())

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
        """Those that are offered together. What was offered often in vain may hold what ends its workers: alone."""
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

    def _push(self, files: Sequence[SpoolFile], *, is_busy: bool) -> int:
        envelopes = [envelope for file in files for envelope in file.envelopes]
        most = self._in_one_message(files[0])
        parts = (envelopes[start : start + most] for start in range(0, len(envelopes), most))
        if not all(map(self.services.queue.capture, parts)):  # the broker is away: it is not the file's fault
            self._rest(files)
            return 0
        for state in map(self._state, files):
            state.rest()
            state.offer(is_busy=is_busy)
        return len(files)

    def _rest(self, files: Sequence[SpoolFile]) -> None:
        """Look at these again in a moment, at others meanwhile."""
        for state in map(self._state, files):
            state.next_at = time.monotonic() + FIRST_RETRY_S

    def _in_one_message(self, file: SpoolFile) -> int:
        """Of many, one may be what ends its workers: the others shall not wait for a person to find it."""
        count = self._state(file).count
        if count < _TOGETHER:
            return GROUP
        return _FEW if count == _TOGETHER else 1


_id = submissions.envelope_id


def _is_readable(envelope: str) -> bool:
    return is_id(_id(envelope))


def _ids(file: SpoolFile) -> set[str]:
    return {_id(envelope) for envelope in file.envelopes if _is_readable(envelope)}
