"""What receives: a mail server that only counts, a mail provider's API, and a long wire in front of either."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.harness import Bench, Report
from bench.tools import Absent
from tests.support.processes import start_server, stop_server
from tests.support.smtp import SmtpSink
from worker.runtime.supervisor import free_port
from worker.settings import ROOT


@contextmanager
def smtp_sink(bench: Bench, report: Report) -> Iterator[int]:
    """The port of Postfix's smtp-sink; where that is not to be had, of a slower one, and the report says so."""
    try:
        program = bench.tools.program("smtp-sink")
    except Absent as absent:
        report.absent.append(f"smtp-sink ({absent}); received by aiosmtpd instead, which is slower than what sends")
        sink = SmtpSink()
        sink.start()
        try:
            yield sink.port
        finally:
            sink.stop()
        return
    port = free_port(0)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with process([*program, *user, f"127.0.0.1:{port}", "1000"], bench.new_folder("sink"), is_ready=answers_on(port)):
        yield port


@contextmanager
def mail_api(bench: Bench) -> Iterator[int]:
    """The port of a provider's API that takes every batch."""
    port = free_port(0)
    words = [sys.executable, "-m", "uvicorn", "bench.mail_api:app", "--port", str(port), "--log-level", "error"]
    with process(words, bench.new_folder("api"), is_ready=answers_on(port)):
        yield port


@contextmanager
def process(
    words: Sequence[str],
    folder: Path,
    *,
    is_ready: Callable[[], bool] = lambda: True,
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    given = [f"{name}={value}" for name, value in {"PYTHONPATH": str(ROOT), **(environment or {})}.items()]
    server = start_server(["/usr/bin/env", *given, *words], folder / "log", is_ready=is_ready)
    try:
        yield server
    finally:
        stop_server(server)


def answers_on(port: int) -> Callable[[], bool]:
    """Whether someone takes connections there."""

    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    return answers


@contextmanager
def long_wire(port: int, round_trip_s: float) -> Iterator[int]:
    """A port on which every byte to this one, and back, takes its time, and so does connecting."""
    wire = _LongWire(port, round_trip_s / 2)
    thread = threading.Thread(target=asyncio.run, args=(wire.run(),), daemon=True)
    thread.start()
    try:
        yield wire.ready.get(timeout=10)
    finally:
        wire.loop.call_soon_threadsafe(wire.ended.set)
        thread.join(10)


class _LongWire:
    def __init__(self, port: int, delay_s: float) -> None:
        self._target, self._delay = port, delay_s
        self.ready: queue.SimpleQueue[int] = queue.SimpleQueue()

    async def run(self) -> None:
        """Carry until it is ended; whatever is under way then is cut."""
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.ready.put(server.sockets[0].getsockname()[1])
        await self.ended.wait()
        server.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3 * self._delay)  # the three segments that open a connection (RFC 9293 section 3.5)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        for each in (writer, far_writer):
            each.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Each piece arrives as much later as the wire is long: many are under way at once."""
        while piece := await reader.read(65536):
            self.loop.call_later(self._delay, _write, writer, piece)
        await asyncio.sleep(self._delay)
        writer.close()


def _write(writer: asyncio.StreamWriter, piece: bytes) -> None:
    if not writer.is_closing():
        writer.write(piece)


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 120.0, every_s: float = 0.005) -> None:
    """Poll. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} took longer than {seconds:g} s")
        time.sleep(every_s)
