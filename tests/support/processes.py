"""A server started for a run of the tests ends with it, even when the run is killed."""

from __future__ import annotations

import ctypes
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from worker.runtime.supervisor import free_port


def unused_port() -> int:
    """A port that nobody listens on, and not one of those that the kernel may give to a connection at any moment."""
    return free_port(random.randrange(15_000, 32_000))


def start_server(
    argv: Sequence[str | Path], log: Path, *, is_ready: Callable[[], bool], user: str | None = None
) -> subprocess.Popen[bytes]:
    """Starts it and waits until it is ready; fails the test with the end of its log when it is not."""
    as_user = {"user": user, "extra_groups": []} if user else {}
    with log.open("ab") as output:
        server = subprocess.Popen(
            list(map(str, argv)),
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with_this_run(),
            start_new_session=True,
            **as_user,
        )
    deadline = time.monotonic() + 20
    while not is_ready():
        if server.poll() is not None or time.monotonic() > deadline:
            stop_server(server, signal.SIGKILL)
            pytest.fail(f"{argv[0]} did not start:\n{log.read_text()[-3000:]}", pytrace=False)
        time.sleep(0.01)
    return server


def stop_server(server: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
    if server.poll() is None:
        server.send_signal(number)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _end_with_this_run() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_parent_death_signal, int(signal.SIGTERM))
