"""The whole product on this machine: embedded broker, web, worker and beat, watched and restarted.

One product per state folder. The broker outlives a killed product with the queue in it; everything else
ends with its supervisor, and the next start finds things as they were.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from worker.bootstrap import make_services, open_database
from worker.content.catalog import read_content_files
from worker.errors import ConfigurationError
from worker.keys import key_ring
from worker.outgoing import OutgoingError, OutgoingSession
from worker.queues import QueueName
from worker.reach import Reach
from worker.runtime.supervisor import Child, InstanceLock, Supervisor, free_port, read_published
from worker.runtime.valkey import EmbeddedValkey, ensure_valkey, stop_valkey
from worker.settings import PREFIX, TEMPLATES, Settings
from worker.usecases.prepare import prepare

READY_WITHIN_S = 30.0
WORKER_PROCESSES = 2
BROKER_PAUSE_S = 2.0


class AlreadyRunning(Exception):
    """Another product runs in this state folder; here is where."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


@dataclass
class Product:
    """A product that is running, or about to."""

    settings: Settings
    url: str
    supervisor: Supervisor
    _lock: InstanceLock
    _valkey: EmbeddedValkey | None
    note: Callable[[str], None]
    _broker_again_at: float = 0.0

    def wait_ready(self) -> bool:
        """Wait until `/readyz` agrees; False where it does not within its time, or someone asks to stop."""
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until and not self.supervisor.is_stopping:
            self.keep()
            if is_ready(self.url):
                return True
            time.sleep(0.05)
        return False

    def keep(self) -> None:
        """Keep all of it running, the embedded broker too, which comes back where it was, with the queue in it."""
        self.supervisor.poll()
        if self._valkey is None or self._valkey.process.is_alive() or time.monotonic() < self._broker_again_at:
            return
        self._broker_again_at = time.monotonic() + BROKER_PAUSE_S
        with contextlib.suppress(ConfigurationError, OSError):  # it is tried again
            self._valkey = ensure_valkey(self.settings.state)
            self.note("the embedded broker had ended; it runs again, with the queue in it")

    def stop(self) -> None:
        """Stop everything, the broker last."""
        self.supervisor.stop()
        if self._valkey is not None:
            stop_valkey(self._valkey)
        self._lock.release()


def start_product(settings: Settings, *, note: Callable[[str], None]) -> Product:
    """Prepare and start. Raises AlreadyRunning, or ConfigurationError."""
    make_services(settings).close()  # whatever the children would choke on is better said now
    lock = InstanceLock(settings.state)
    if not lock.acquire():
        published = read_published(settings.state) or {}
        raise AlreadyRunning(str(published.get("url", "its address is not written yet")))
    valkey = None if settings.redis_url else ensure_valkey(settings.state)
    try:
        note(_broker_line(settings, valkey))
        _prepare_database(settings, note=note)
        return _start_children(settings, lock, valkey, note)
    except BaseException:  # nothing may be left running of a start that failed
        if valkey is not None:
            stop_valkey(valkey)
        lock.release()
        raise


def _prepare_database(settings: Settings, *, note: Callable[[str], None]) -> None:
    database = open_database(settings)
    shipped = None if settings.is_production else read_content_files(TEMPLATES)
    prepare(database, key_ring(settings), settings.clock_speed, shipped)
    note(f"database   {database.display}")
    database.close()


def _start_children(
    settings: Settings, lock: InstanceLock, valkey: EmbeddedValkey | None, note: Callable[[str], None]
) -> Product:
    host, port = settings.bind.rsplit(":", 1)
    url = f"http://{host}:{free_port(int(port), host)}"
    broker = settings.redis_url or (valkey.url if valkey else "")
    supervisor = Supervisor(children_of(settings, url, broker), settings.state / "run")
    supervisor.start()
    try:
        lock.publish({"url": url, "pid": os.getpid(), "state_dir": str(settings.state)})
        return Product(settings=settings, url=url, supervisor=supervisor, _lock=lock, _valkey=valkey, note=note)
    except BaseException:  # Ctrl-C at this very moment: the children must not run on alone
        supervisor.stop()
        raise


def is_ready(url: str) -> bool:
    """True when the product at this address says that it is ready."""
    try:
        with OutgoingSession(Reach(allows_loopback=True)) as session:
            return session.get(f"{url}/readyz", timeout=2).status_code == 200
    except OutgoingError:
        return False


def _broker_line(settings: Settings, valkey: EmbeddedValkey | None) -> str:
    if valkey is None:
        return f"broker     {settings.redis_url.rpartition('@')[2]}"
    return f"broker     embedded Valkey, {valkey.socket}" + (" (was running already)" if valkey.adopted else "")


def children_of(settings: Settings, url: str, broker: str) -> list[Child]:
    """What runs: the web process, the worker, and beat."""
    given = {f"{PREFIX}STATE_DIR": str(settings.state), f"{PREFIX}BIND": url.removeprefix("http://")}
    given[f"{PREFIX}REDIS_URL"] = broker
    given["MALLOC_ARENA_MAX"] = "2"  # glibc's own number, eight for each core, keeps memory that each thread once had
    if not settings.public_url:
        given[f"{PREFIX}PUBLIC_URL"] = url
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    queues = ",".join(QueueName)
    return [
        Child("web", [sys.executable, "-m", "worker.web"], given, None, signal.SIGTERM, 5.0),
        Child(
            "worker",
            [
                sys.executable,
                "-W",
                "ignore:::celery.platforms",
                "-m",
                "celery",
                "-A",
                "worker",
                "--workdir",
                str(_home()),
                "worker",
                "-Q",
                queues,
                "-c",
                str(WORKER_PROCESSES),
                "-l",
                "WARNING",
                "-n",
                "worker@%h",
                *quiet,
            ],
            given,
            None,
            signal.SIGTERM,
            5.0,
        ),
        Child("beat", [sys.executable, "-m", "worker.beat"], given, None, signal.SIGTERM, 3.0),
    ]


def _home() -> Path:
    return Path(__file__).resolve().parent.parent.parent
