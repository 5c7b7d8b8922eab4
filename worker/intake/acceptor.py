"""Accept a submission: durable in the spool first, answered next, on the Redis queue off the request thread.

Posts that arrive together share one fsync and one message; nothing waits for company: those read in one turn of the
event loop could not be answered before its next one anyway. Three threads: the writer (spool), the publisher (Redis)
and the relay (again, until the database confirms).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import structlog

from worker.faults import fault
from worker.storage.segments import Journal
from worker.storage.spool import Spool
from worker.usecases.arrival.relay import ENOUGH, GROUP, Relay
from worker.usecases.services import Services

log = structlog.get_logger()

_BACKLOG = 1000
_HELD_AT_MOST_S, _LOOK_EVERY_S = 0.25, 0.01
_RELAY_EVERY_S, _RELAY_BREATH_S = 0.5, 0.02
_RELAY_HANGS_AFTER_S = 30.0
_RELAY_REST_S = 5.0
"""After trouble with the database or the disk, which every pass would only repeat."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    envelope: str
    accepted: asyncio.Future[None]


def _settle(group: Sequence[_Waiting], error: OSError | None) -> None:
    """Tell all of these requests how it went, with one wake-up of their loop."""
    group[0].accepted.get_loop().call_soon_threadsafe(_set, group, error)


def _set(group: Sequence[_Waiting], error: OSError | None) -> None:
    for waiting in group:
        if waiting.accepted.done():
            continue  # the client has gone; what is spooled is spooled
        if error is None:
            waiting.accepted.set_result(None)
        else:
            waiting.accepted.set_exception(error)


class Acceptor:
    """The way in. `accept` returns once the submission is durable, and raises OSError when it can't be.

    For one event loop, that of the web process.
    """

    def __init__(self, services: Services, spool: Spool, each_second: Sequence[Callable[[], None]] = ()) -> None:
        self._services, self._spool, self._each_second = services, spool, each_second
        self.relay = Relay(services, spool)
        self._journal = Journal(spool.begin, self.relay.expect, ENOUGH)
        self._read: list[_Waiting] = []
        self._arrived: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        self._written: queue.Queue[tuple[Path, list[str]] | None] = queue.Queue(maxsize=_BACKLOG)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=f"intake-{name}", daemon=True)
            for name, run in (("writer", self._write), ("publisher", self._publish), ("relay", self._relay))
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what has arrived, then stop. What is not published yet stays in the spool for the next start."""
        self._stopping.set()
        self._arrived.put(None)
        self._threads[0].join(timeout=5)
        try:
            self._written.put(None, timeout=1)
        except queue.Full:
            log.warning("intake.publisher_busy")
        for thread in self._threads[1:]:
            thread.join(timeout=5)

    async def accept(self, envelope: str) -> None:
        """Make one sealed submission durable."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(envelope, loop.create_future())
        self._read.append(waiting)
        if len(self._read) == 1:
            loop.call_soon(self._pass_on)  # after all that was read in this turn
        await waiting.accepted

    def _pass_on(self) -> None:
        group, self._read = self._read, []
        self._arrived.put(group)

    def _write(self) -> None:
        while (group := self._next_group()) is not None:
            while len(group) < GROUP and not self._arrived.empty():
                following = self._arrived.get()
                if following is None:
                    self._arrived.put(None)
                    break
                group = group + following
            self._write_group(group)
        self._close_segment()

    def _next_group(self) -> list[_Waiting] | None:
        """What has arrived; None at the end. Meanwhile a segment that is old is closed, for the relay to look at."""
        while True:
            try:
                return self._arrived.get(timeout=self._journal.closes_in())
            except queue.Empty:
                self._close_segment()

    def _close_segment(self) -> None:
        try:
            self._journal.close()
        except OSError:
            log.exception("spool.not_closed")  # durable all the same, and adopted when this process ends

    def _write_group(self, group: list[_Waiting]) -> None:
        envelopes = [waiting.envelope for waiting in group]
        try:
            file = self._journal.write(envelopes)
        except Exception as error:  # whatever it is: these are told, and this thread is there for the next
            _settle(group, error if isinstance(error, OSError) else OSError("not written"))
            log.exception("spool.not_written", count=len(group))
            return
        _settle(group, None)
        try:
            self._written.put_nowait((file, envelopes))
        except queue.Full:
            log.warning("intake.publisher_busy", file=file.name)
            self.relay.miss(file)

    def _publish(self) -> None:
        while (written := self._written.get()) is not None:
            together = [written, *self._company(len(written[1]))]
            fault("before_push")
            if not self._is_pushed([envelope for _, envelopes in together for envelope in envelopes]):
                for file, _ in together:
                    self.relay.miss(file)
            fault("after_push")

    def _is_pushed(self, envelopes: Sequence[str]) -> bool:
        try:
            return self._services.queue.capture(envelopes)
        except Exception:  # whatever it is: the relay offers these, and this thread is there for the next
            log.exception("intake.not_pushed", count=len(envelopes))
            return False

    def _company(self, count: int) -> Iterator[tuple[Path, list[str]]]:
        """While a message waits that no worker has taken, all are busy: what arrives meanwhile goes with this one."""
        held_until = time.monotonic() + _HELD_AT_MOST_S
        while count < GROUP:
            if self._written.empty():
                is_time = self._stopping.is_set() or time.monotonic() >= held_until
                if is_time or not self._services.queue.is_capture_waiting():
                    break
                time.sleep(_LOOK_EVERY_S)
            elif (following := self._written.get()) is None:
                self._written.put(None)
                break
            else:
                count += len(following[1])
                yield following

    def _relay(self) -> None:
        while not self._stopping.is_set():
            try:
                with (self._spool.root / "relay.lock").open("a") as lock:
                    self._relay_alone(lock)
            except Exception:  # whatever it is: with this thread what Redis lost would be lost until a restart
                log.exception("relay.failed")
                self._stopping.wait(_RELAY_REST_S)

    def _relay_alone(self, lock: TextIO) -> None:
        """While no other process does that lives: one relay per spool, whoever else serves it."""
        while not self._stopping.wait(_RELAY_EVERY_S):
            for look in self._each_second:
                look()
            self._relay_what_is_due(lock)

    def _relay_what_is_due(self, lock: TextIO) -> None:
        """A little at a time, with a breath in between: after an outage there is a lot of it."""
        while _is_ours(lock):
            self.relay.run_once()
            if not self.relay.has_more or self._stopping.wait(_RELAY_BREATH_S):
                return
        self.relay.forget()


def _is_ours(lock: TextIO) -> bool:
    """Whether to relay. Who holds the lock shows that it lives. One that hangs is stood in for, without the lock: when
    it wakes both relay for a moment, which costs a message twice and nothing else."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return time.time() - os.fstat(lock.fileno()).st_mtime > _RELAY_HANGS_AFTER_S
    with contextlib.suppress(OSError):  # a disk that takes no more can still be relayed from
        os.utime(lock.fileno())
    return True
