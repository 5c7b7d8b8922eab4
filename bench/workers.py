"""Real Celery workers, held still until the clock starts."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from celery import Celery

from bench.harness import Bench
from bench.servers import process
from tests.support.world import PUBLIC_URL, RING
from worker.settings import ROOT
from worker.storage.broker import KEY_PREFIX

QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]


class HeldWorker:
    """A worker process and its children, stopped and woken together."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def hold(self) -> None:
        os.killpg(self._pid, signal.SIGSTOP)

    def let_go(self) -> None:
        os.killpg(self._pid, signal.SIGCONT)


@contextmanager
def product_worker(
    bench: Bench, database_url: str, queues: str, processes: int, mail_url: str = "outbox:"
) -> Iterator[HeldWorker]:
    """The product's own worker, on a database of `bench.database()`."""
    folder = bench.new_folder("state")
    environment = product_settings(bench, database_url, folder) | {"NURTURE_MAIL_URL": mail_url}
    words = ["-A", "worker", "worker", "-Q", queues, "-c", str(processes)]
    with _celery(words, folder, environment) as worker:
        yield worker


def product_settings(bench: Bench, database_url: str, state: Path) -> dict[str, str]:
    """The environment of one of the product's processes, with the keys of `tests.support.world`."""
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": bench.valkey.url,
        "STATE_DIR": str(state),
        "SECRET_KEYS": ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in RING.keys.items()),
        "PUBLIC_URL": PUBLIC_URL,
        "SEND_RATE": "off",  # what a shared relay bears is not what is asked here
        "LOG_LEVEL": "WARNING",
    }
    return {f"NURTURE_{name}": value for name, value in settings.items()}


@contextmanager
def naive_worker(bench: Bench, database_url: str, processes: int, smtp_port: int = 25) -> Iterator[HeldWorker]:
    """A worker of the usual project."""
    environment = {
        "BENCH_BROKER": bench.valkey.broker_url,
        "BENCH_DATABASE": database_url,
        "BENCH_SMTP": str(smtp_port),
    }
    with _celery(
        ["-A", "bench.naive", "worker", "-c", str(processes)], bench.new_folder("naive"), environment
    ) as worker:
        yield worker


@contextmanager
def _celery(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[HeldWorker]:
    program = [sys.executable, "-W", "ignore:::celery.platforms", "-m", "celery", "--workdir", str(ROOT)]
    with process([*program, *words, *QUIET], folder, environment=dict(environment)) as server:
        worker = HeldWorker(server.pid)
        try:
            yield worker
        finally:
            worker.let_go()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)  # children that outlive their parent


def publisher(bench: Bench, prefix: str = KEY_PREFIX) -> Celery:
    """Puts messages on the broker for a worker."""
    app = Celery("bench", broker=bench.valkey.broker_url)
    app.conf.update(task_ignore_result=True, broker_transport_options={"global_keyprefix": prefix})
    return app
