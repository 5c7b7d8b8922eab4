"""A whole product as people start it: `nurture up` in a folder of its own, driven from outside."""

from __future__ import annotations

import ctypes
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog

from tests.support.processes import unused_port
from worker.cli import main
from worker.content.catalog import read_content_files
from worker.domain.clock import ProductClock
from worker.keys import key_ring
from worker.runtime.supervisor import read_published
from worker.runtime.valkey import ensure_valkey, stop_valkey
from worker.settings import TEMPLATES, load_settings
from worker.storage import installation
from worker.storage.database import Database, real_now
from worker.usecases.prepare import prepare

ROOT = Path(__file__).parents[2]
NURTURE = [str(Path(sys.executable).with_name("nurture"))]
READY_WITHIN_S = 50.0
"""The product gives itself 30 s; a busy machine is slow before that, too."""

STOP_WITHIN_S = 30.0
"""Ten seconds is what the supervisor promises, for children that will not stop; a busy machine adds some."""

TUESDAY = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
"""Both clinics are open, and all shipped content is within its review dates."""


@dataclass
class Product:
    """One state folder and its settings; started and stopped as often as a test likes."""

    state: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    _databases: list[Database] = field(default_factory=list)

    @property
    def url(self) -> str:
        published = read_published(self.state)
        assert published is not None, "it has not published its address"
        return str(published["url"])

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def said(self) -> str:
        """What the latest start printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def _log(self) -> Path:
        return self.state.with_name(f"{self.state.name}.said-{self.starts}")

    def spawn(self) -> subprocess.Popen[bytes]:
        """`nurture up`, without waiting for anything."""
        self.starts += 1
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [*NURTURE, "up"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=as_from_a_terminal(),
            )
        return self.process

    def start(self) -> Product:
        """`nurture up`, until it says that it is ready."""
        started = self.spawn()
        deadline = time.monotonic() + READY_WITHIN_S
        while "Ctrl-C stops" not in self.said:
            if started.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"`nurture up` did not get ready:\n{self.said}\n{self.logs()}", pytrace=False)
            time.sleep(0.05)
        return self

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = STOP_WITHIN_S) -> int:
        """Ask it to stop, as Ctrl-C does; its exit code. Fails when it takes longer."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)

    def end(self) -> None:
        """Leave nothing behind, whatever a test did."""
        for database in self._databases:
            database.close()
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if processes_of(self.state):
            stop_valkey(ensure_valkey(self.state))

    def database(self) -> Database:
        """A look from outside."""
        self._databases.append(Database(load_settings(self.environment).database))
        return self._databases[-1]

    def child(self, name: str) -> int:
        """The process id of web, worker or beat."""
        return int(json.loads((self.state / "run" / f"{name}.pid").read_text())["pid"])

    def logs(self) -> str:
        """The end of each log, for a failure's message."""
        files = sorted((self.state / "run").glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    def nurture(self, *words: str) -> Done:
        """A command, in this product."""
        return run_here(*words, environment=self.environment)

    def json(self, *words: str) -> Any:
        """What a command with `--json` prints; it must be one JSON value and nothing else."""
        done = self.nurture(*words, "--json")
        assert done.stderr == "", done.stderr
        return json.loads(done.stdout)


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run_here(*words: str, environment: Mapping[str, str]) -> Done:
    """`nurture` in this process, with an environment of its own: a process for each word would take a second."""
    output, errors, code = io.StringIO(), io.StringIO(), 0
    with _environment(environment), _logging_kept(), redirect_stdout(output), redirect_stderr(errors):
        argv, sys.argv = sys.argv, ["nurture", *words]
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.argv = argv
    return Done(code, output.getvalue(), errors.getvalue())


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _logging_kept() -> Iterator[None]:
    """A command sets up logging for its process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


def nurture(*words: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`nurture` as a process."""
    return subprocess.run(
        [*NURTURE, *words], cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False, timeout=60
    )


def environment_of(state: Path, **settings: str) -> dict[str, str]:
    """Our own environment without anyone's settings; `settings` are NURTURE_ variables in lower case."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("NURTURE_")}
    values = {"state_dir": str(state), "bind": f"127.0.0.1:{unused_port()}", "rate_limit": "off", **settings}
    return given | {"COLUMNS": "200"} | {f"NURTURE_{name.upper()}": value for name, value in values.items()}


@contextmanager
def new_product(state: Path, at: datetime = TUESDAY, **settings: str) -> Iterator[Product]:
    """A product that is prepared, its calendar standing at `at`, and not started yet."""
    product = Product(state, environment_of(state, **settings))
    pin_calendar(product.environment, at)
    try:
        yield product
    finally:
        product.end()


def pin_calendar(environment: Mapping[str, str], at: datetime) -> None:
    """Prepare the database before the first start, with the product clock at this instant."""
    settings = load_settings(environment)
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database)
    prepare(database, key_ring(settings), settings.clock_speed, read_content_files(TEMPLATES))
    with database.write() as connection:
        clock = ProductClock(speed=settings.clock_speed, real_anchor=real_now(connection), product_anchor=at)
        installation.set_clock(connection, clock)
    database.close()


def processes_of(state: Path) -> dict[int, str]:
    """Every living process that was started for this state folder, by its environment: no child can hide.

    The broker writes its title over its environment; it works in the folder, though.
    """
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            works_in = os.readlink(folder / "cwd")
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state_now = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        except OSError:
            continue
        is_ours = f"NURTURE_STATE_DIR={state}\0".encode() in environment + b"\0" or works_in.startswith(f"{state}/")
        if is_ours and state_now not in {"Z", "X"} and int(folder.name) != os.getpid():
            found[int(folder.name)] = words
    return found


def until(condition: Callable[[], object], seconds: float = 30.0, why: Callable[[], object] = lambda: "") -> None:
    """Poll; fails with `why()` when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen in {seconds:.0f} s: {why()}"
        time.sleep(0.05)


def post(url: str, session: requests.Session | None = None, **fields: Any) -> dict[str, Any]:
    """Post a form as a program does; fails unless it is accepted."""
    answer = (session or requests).post(f"{url}/v1/submissions", json=fields, timeout=20)
    assert answer.status_code == 202, answer.text
    accepted: dict[str, Any] = answer.json()
    return accepted


def as_from_a_terminal() -> Callable[[], None]:
    """Ctrl-C is heard, also where the run of the tests ignores it; and nothing outlives a killed run."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def before_exec() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl:
            prctl(1, int(signal.SIGTERM))  # PR_SET_PDEATHSIG

    return before_exec
