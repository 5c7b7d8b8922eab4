"""A Redis and a PostgreSQL that can be killed, frozen and started again where they stood."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from tests.support.postgres import accepts, make_cluster, programs_for
from tests.support.processes import start_server, stop_server
from worker.runtime.supervisor import free_port

_DURABLE = {
    "listen_addresses": "",
    "max_connections": "120",
    "timezone": "UTC",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}


@dataclass
class _Server:
    """One server process, started again in the same folder."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """The end that nothing can catch."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """Connections stay open and nothing answers."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _start(self, argv: list[str | Path], is_ready: Callable[[], bool], user: str | None = None) -> None:
        self.process = start_server(argv, self.folder / "log", is_ready=is_ready, user=user)


@dataclass
class KillableRedis(_Server):
    """Debian's redis-server with its append-only file on."""

    port: int = field(default_factory=lambda: free_port(0))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is missing: `sudo apt-get install redis-server`"
        options = f"--port {self.port} --bind 127.0.0.1 --dir {self.folder} --appendonly yes --appendfsync always"
        self._start([program, *options.split(), "--save", ""], self._answers)

    def client(self) -> redis.Redis:
        """A look from outside, with little patience."""
        return redis.Redis(port=self.port, socket_timeout=2, socket_connect_timeout=1)

    def stop(self) -> None:
        if self.process is not None:
            self.thaw()
            stop_server(self.process)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:  # it still reads its file
            return False


@dataclass
class KillablePostgres(_Server):
    """Durability is on: what it confirms must survive."""

    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self._user = "nobody" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short, for the socket; reachable for nobody
        if self._user:
            shutil.chown(self.folder, self._user)
        self._programs = programs_for(self._user, self.folder)
        make_cluster(self._programs, self.folder, self.folder / "data", self._user)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/product?host={self.folder}"

    def start(self) -> None:
        """Also after a kill: it recovers from its log first."""
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        options = [word for name, value in _DURABLE.items() for word in ("-c", f"{name}={value}")]
        argv = [self._programs / "postgres", "-D", self.folder / "data", "-k", self.folder, *options]
        self._start(argv, lambda: accepts(self.folder), self._user)

    def make_database(self, name: str = "product") -> None:
        self.execute(f"CREATE DATABASE {name}")

    def execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # names made by the tests

    def stop_immediately(self) -> None:
        """As a crash: no checkpoint, every connection cut, all shared memory thrown away."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def cut_connections(self) -> None:
        """End every backend but ours, in the middle of whatever it does."""
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'product'")

    def remove(self) -> None:
        if self.process is not None:
            stop_server(self.process, signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
