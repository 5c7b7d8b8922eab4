"""A process is known by its number and the moment it started, never by its number alone.

Numbers are handed out again, so a pid file left by a killed run would one day name a stranger. Whoever
adopts, signals or kills a process that is not its own child goes through `ProcessId`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One life of one process."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process that has this number now; None when there is none, or only its remains (a zombie)."""
        started = _started_on_linux(pid) if sys.platform == "linux" else _started_elsewhere(pid)
        return None if started is None else cls(pid, started)

    def is_alive(self) -> bool:
        return ProcessId.of(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Signals it, if it still lives."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill_group(self) -> None:
        """Kills it with all it started. Only for the leader of a process group."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def wait_gone(self, seconds: float) -> bool:
        """Whether it ended in time."""
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        self._reap()
        return True

    def _reap(self) -> None:
        """Takes a dead child of ours off the process table; a stranger's child is its parent's to take."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)


def _started_on_linux(pid: int) -> str | None:
    """Clock ticks since boot, with the id of the boot; see proc_pid_stat(5)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return None if state in {"Z", "X"} else f"{boot}/{fields[18]}"


def _started_elsewhere(pid: int) -> str | None:
    asked = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    state, _, started = answer.partition(" ")
    return None if not answer or state.startswith("Z") else started.strip()
