"""A web application of ours behind a real socket of this machine, in a thread of the test."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from tests.support.world import World
from worker.intake.app import create_app
from worker.settings import load_settings
from worker.storage.broker import Broker

NO_BROKER = "redis://127.0.0.1:1"


@contextlib.contextmanager
def serving(app: Any, port: int = 0) -> Iterator[str]:
    """Serve it at a port, any free one for 0; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the web process ended"
            assert time.monotonic() < until, "the web process did not start in time"
            time.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def intake_of(world: World) -> Iterator[TestClient]:
    """The public pages and endpoints of a world, without a socket; no broker is there to be told."""
    settings = load_settings({}, state_dir=world.folder, rate_limit="off")
    with contextlib.closing(Broker(NO_BROKER)) as broker:
        yield TestClient(create_app(world.services, settings, broker), raise_server_exceptions=False)
