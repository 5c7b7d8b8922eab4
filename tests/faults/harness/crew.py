"""The product's own processes: web, workers and beats, as `nurture up` starts them, only more of them.

What ends is started again after a short pause, as a supervisor does. Every process is started from the main
thread, since the kernel ends a child with the thread that started it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests

from worker.runtime.product import children_of
from worker.settings import load_settings

RESTART_AFTER_S = 0.5
STOP_WITHIN_S = 5.0


@dataclass
class Member:
    """One process that is kept running."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    kill_at: float | None = None
    is_wanted: bool = True
    starts: int = 0

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} does not run"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.starts += 1
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.argv,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=_end_with_this_run(),
            )

    def signal(self, number: signal.Signals) -> None:
        if self.is_running:
            os.kill(self.pid, number)

    def signal_group(self, number: signal.Signals) -> None:
        """The process and all it forked."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """As a supervisor stops it: asked first, killed when it takes too long."""
        self.signal(signal.SIGTERM)
        self.kill_at = time.monotonic() + STOP_WITHIN_S

    def children(self) -> list[int]:
        """The processes that a worker forks for the work."""
        if not self.is_running:
            return []
        with contextlib.suppress(OSError):
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def keep(self) -> None:
        """Call it often: notes an end, and starts again what is wanted."""
        if self.is_running:
            if self.kill_at is not None and time.monotonic() >= self.kill_at:
                self.signal_group(signal.SIGKILL)
            return
        if self.process is not None:
            self.process.wait()
            self.process, self._orphans, self.kill_at = None, self.process.pid, None
            self.start_at = time.monotonic() + RESTART_AFTER_S
        if self.is_wanted and time.monotonic() >= self.start_at:
            self.end_orphans()
            self.start()

    def end_orphans(self) -> None:
        """What the process forked may have outlived it until now, as it would without a supervisor."""
        if self._orphans is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._orphans, signal.SIGKILL)
        self._orphans = None

    _orphans: int | None = None


@dataclass
class Crew:
    """All of them. `environment` holds the NURTURE_ settings that they run with."""

    state: Path
    environment: Mapping[str, str]
    workers: int = 2
    beats: int = 2
    broken: str = ""
    """A safeguard to take out of every process: see `tests.faults.harness.broken`."""

    members: dict[str, Member] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = load_settings(self.environment)
        self.url = f"http://{settings.bind}"
        (self.state / "run").mkdir(parents=True, exist_ok=True)
        copies = {"web": 1, "worker": self.workers, "beat": self.beats}
        for child in children_of(settings, self.url, settings.broker):
            for number in range(copies[child.name]):
                name = f"{child.name}{number or ''}"
                argv = [f"{name}@%h" if word == "worker@%h" else word for word in child.argv]
                if self.broken:
                    module = argv.index("-m")
                    argv[module + 1 : module + 1] = ["tests.faults.harness.broken", self.broken]
                if child.name == "beat":
                    argv.append(str(self.state / "run" / f"{name}-schedule"))
                environment = {**self.environment, **(child.env or {})}
                self.members[name] = Member(name, argv, environment, self.state / "run" / f"{name}.log")

    def named(self, kind: str) -> list[Member]:
        """All web, worker or beat processes."""
        return [member for name, member in self.members.items() if name.startswith(kind)]

    def start(self) -> None:
        for member in self.members.values():
            member.start()
        self.wait_ready()

    def keep(self) -> None:
        for member in self.members.values():
            member.keep()

    def wait_ready(self, seconds: float = 120.0) -> None:
        """Until `/readyz` agrees."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert time.monotonic() < deadline, f"not ready in {seconds:.0f} s\n{self.ends_of_logs()}"
            self.keep()
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def is_standing(self) -> bool:
        """The web process listens, and a worker has forked its pool: there is something to be hurt."""
        with socket.socket() as probe:
            host, port = self.url.removeprefix("http://").split(":")
            if probe.connect_ex((host, int(port))) != 0:
                return False
        return any(len(worker.children()) >= 2 for worker in self.named("worker"))

    def thaw(self) -> None:
        """Wake whatever sleeps."""
        for member in self.members.values():
            member.signal_group(signal.SIGCONT)

    def end(self) -> None:
        """Leave nothing behind."""
        for member in self.members.values():
            member.is_wanted = False
            member.signal_group(signal.SIGKILL)
            if member.process is not None:
                member.process.wait()
            member.end_orphans()

    def ends_of_logs(self) -> str:
        files = sorted((self.state / "run").glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)


def _end_with_this_run():  # type: ignore[no-untyped-def]
    if sys.platform != "linux":
        return None
    prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_parent_death_signal, int(signal.SIGKILL))
