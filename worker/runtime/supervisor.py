"""The children of one product: always running while it runs, never without it, never twice.

A child that ends is started again, with growing pauses. Whatever way the product ends, its children end
too: in order when it is told to stop, by the kernel's word (PR_SET_PDEATHSIG) when it is killed, and at
the next start where the kernel has no such word. Hold the `InstanceLock` of the state folder while a
`Supervisor` lives: it takes children that an earlier run left behind for its own to end.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from worker.runtime.files import rotate, write_atomically
from worker.runtime.process import POLL_SECONDS, ProcessId

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_AFTER_SECONDS = 60.0
WHOLE_STOP_SECONDS = 10.0
LEAST_STOP_SECONDS = 1.0
WATCH_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Child:
    """What to keep running. `env` is added to ours; `ready` says whether it does its work yet."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    ready: Callable[[], bool] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 8.0


class Supervisor:
    """Starts children in the order given, and stops them in the opposite one.

    Use it from the main thread: the kernel's word is given when the *thread* that started a child ends.
    """

    def __init__(self, children: Sequence[Child], run_dir: Path) -> None:
        self._run_dir = run_dir
        self._keepers = [_Keeper(child, run_dir) for child in children]
        self._stop_requests = 0

    def start(self) -> None:
        self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _end_leftovers(self._run_dir)
        try:
            for keeper in self._keepers:
                keeper.start()
        except BaseException:  # a program that is not there; the ones before it must not run on alone
            self.stop()
            raise

    def poll(self) -> None:
        """Starts again what has ended, once its pause is over. Call it several times a second."""
        for keeper in self._keepers:
            keeper.poll()

    def is_ready(self) -> bool:
        """Whether every child runs and does its work."""
        return all(keeper.is_ready() for keeper in self._keepers)

    def wait_ready(self, seconds: float) -> bool:
        """Keeps the children running until all are ready; False when that takes too long or we shall stop."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if self._stop_requests or time.monotonic() > deadline:
                return False
            self.poll()
            time.sleep(WATCH_SECONDS / 2)
        return True

    def run_until_stopped(self, each_round: Callable[[], None] | None = None) -> None:
        """Keeps the children running until SIGINT, SIGTERM or SIGHUP; a second one kills them at once."""
        with self.catch_signals():
            try:
                while not self._stop_requests:
                    self.poll()
                    if each_round:
                        each_round()
                    time.sleep(WATCH_SECONDS)
            finally:
                self.stop()

    @contextlib.contextmanager
    def catch_signals(self) -> Iterator[None]:
        """Within it a signal asks to stop and raises nothing; put it around a start that takes a while."""
        before = {number: signal.signal(number, self._request_stop) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Last started, first stopped; each has its own time, all together about ten seconds."""
        deadline = time.monotonic() + WHOLE_STOP_SECONDS
        waiting = len(self._keepers)
        for keeper in reversed(self._keepers):
            waiting -= 1
            left = deadline - time.monotonic() - waiting * LEAST_STOP_SECONDS
            keeper.stop(max(left, LEAST_STOP_SECONDS), is_hurried=lambda: self._stop_requests > 1)

    @property
    def is_stopping(self) -> bool:
        """Whether a signal has asked to stop."""
        return self._stop_requests > 0

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requests += 1


@dataclass(slots=True)
class _Keeper:
    """Keeps one child running."""

    child: Child
    run_dir: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    start_again_at: float = 0.0
    was_ready: bool = False

    def start(self) -> None:
        self.was_ready = False
        self.started_at = time.monotonic()
        rotate(self._log)
        with self._log.open("ab") as output:
            self.process = _spawn(self.child, output)
        identity = ProcessId.of(self.process.pid)
        if identity:
            _write_identity(self._pid_file, identity)

    def poll(self) -> None:
        if self.process and self.process.poll() is not None:
            self._note_end(self.process)
        elif not self.process and time.monotonic() >= self.start_again_at:
            try:
                self.start()
            except OSError as error:  # no memory, say, or the program is just being replaced
                self._rest(f"could not start ({error})")

    def is_ready(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            return False
        with contextlib.suppress(OSError):  # a refused connection is an answer: not yet
            self.was_ready = self.was_ready or self.child.ready is None or self.child.ready()
        return self.was_ready

    def stop(self, seconds: float, is_hurried: Callable[[], bool]) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.child.stop_signal)
            deadline = time.monotonic() + min(seconds, self.child.stop_timeout)
            while self.process.poll() is None and time.monotonic() < deadline and not is_hurried():
                time.sleep(POLL_SECONDS)
        if self.process:
            self._clear_away(self.process)

    def _note_end(self, process: subprocess.Popen[bytes]) -> None:
        lived = time.monotonic() - self.started_at
        if lived >= STEADY_AFTER_SECONDS:
            self.pause = FIRST_PAUSE_SECONDS
        self._clear_away(process)
        self._rest(f"ended with code {process.returncode} after {lived:.1f} s")

    def _rest(self, why: str) -> None:
        log.warning("%s %s; it starts again in %g s (see %s)", self.child.name, why, self.pause, self._log)
        self.start_again_at = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)

    def _clear_away(self, process: subprocess.Popen[bytes]) -> None:
        """Kills what is left of its group, itself included: a worker's pool must not outlive the worker.

        The number of a group is not handed out again while it has a member, so no stranger is hit.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._pid_file.unlink(missing_ok=True)
        self.process = None

    @property
    def _log(self) -> Path:
        return self.run_dir / f"{self.child.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.run_dir / f"{self.child.name}.pid"


def _spawn(child: Child, output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        child.argv,
        env={**os.environ, **(child.env or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        process_group=0,  # a Ctrl-C in the terminal reaches us alone; we stop the children in order
        preexec_fn=_end_with_parent(child.stop_signal) if sys.platform == "linux" else None,
    )


def _end_with_parent(number: signal.Signals) -> Callable[[], None]:
    """What a child does between fork and exec; everything is looked up before, as little is safe in there."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # killed in between, so its word came too late
            os.kill(os.getpid(), signal.SIGKILL)

    return ask_the_kernel


def _end_leftovers(run_dir: Path) -> None:
    """Ends the children of a run that was killed: gently, all at once, then for certain."""
    pid_files = list(run_dir.glob("*.pid"))
    leftovers = [identity for path in pid_files if (identity := _read_identity(path))]
    for identity in leftovers:
        identity.send(signal.SIGTERM)
    deadline = time.monotonic() + WHOLE_STOP_SECONDS / 2
    for identity in leftovers:
        if not identity.wait_gone(max(0.0, deadline - time.monotonic())):
            identity.kill_group()
            identity.wait_gone(LEAST_STOP_SECONDS)
    for path in pid_files:
        path.unlink(missing_ok=True)


def _write_identity(path: Path, identity: ProcessId) -> None:
    write_atomically(path, json.dumps({"pid": identity.pid, "started": identity.started}))


def _read_identity(path: Path) -> ProcessId | None:
    record = _read_json(path)
    return ProcessId(record["pid"], record["started"]) if record else None


class InstanceLock:
    """At most one running product for each state folder; the kernel frees it with the process."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "run" / "nurture.lock"
        self._info = _info_path(state_dir)
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """False when another product has it; `read_published` then says where that one is."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._info.unlink(missing_ok=True)  # the addresses of a product that was killed
        self._file = file
        return True

    def publish(self, info: dict[str, Any]) -> None:
        """Tells a second start what to print, such as the address of the form."""
        write_atomically(self._info, json.dumps(info))

    def release(self) -> None:
        if self._file:
            self._info.unlink(missing_ok=True)
            self._file.close()
            self._file = None


def read_published(state_dir: Path) -> dict[str, Any] | None:
    """What the running product has published; None while it has not yet, or none runs."""
    return _read_json(_info_path(state_dir))


def free_port(preferred: int, host: str = "127.0.0.1") -> int:
    """The preferred port, else the next one above that nobody uses."""
    for port in itertools.chain(range(preferred, min(preferred + 100, 65_536)), [0]):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # As servers do; else a port would seem busy for a minute after its server has stopped.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                    raise
            else:
                return int(probe.getsockname()[1])
    raise AssertionError("the kernel has no free port")


def _info_path(state_dir: Path) -> Path:
    return state_dir / "run" / "nurture.json"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record
