"""Debian's redis-server, so that the broker stays swappable: the embedded Valkey is not the only one."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.support.processes import start_server, stop_server, unused_port


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server, on a port and on a unix socket."""

    url: str
    broker_url: str
    socket: Path
    port: int
    pid: int


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("redis-server is missing: `sudo apt-get install redis-server`", pytrace=False)
    port, address = unused_port(), folder / "redis.sock"
    options = f"--port {port} --bind 127.0.0.1 --unixsocket {address} --dir {folder} --appendonly yes".split()
    server = start_server([program, *options, "--save", ""], folder / "redis.log", is_ready=lambda: _answers(address))
    try:
        url = f"redis://127.0.0.1:{port}/0"
        yield RedisServer(url=url, broker_url=url, socket=address, port=port, pid=server.pid)
    finally:
        stop_server(server)


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(address))
        except OSError:
            return False
    with redis.Redis(unix_socket_path=str(address)) as client:
        return bool(client.ping())
