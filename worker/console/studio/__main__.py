"""`python -m worker.console.studio`: what `nurture preview` starts. For this machine only."""

from __future__ import annotations

import argparse
import socket
import sys
import webbrowser
from pathlib import Path
from types import FrameType

import uvicorn

from worker.console.studio.app import create_preview_app, preview_studio
from worker.console.studio.routes import Studio
from worker.logs import configure_logs
from worker.settings import TEMPLATES, load_settings

_HOST = "127.0.0.1"
_PORTS_TRIED = 20
_STOP_WITHIN_S = 1


class _Server(uvicorn.Server):
    """Says where it is once it is there, and lets go of waiting browsers when it is asked to end."""

    def __init__(self, config: uvicorn.Config, studio: Studio, url: str, *, opens: bool) -> None:
        super().__init__(config)
        self._studio, self._url, self._opens = studio, url, opens

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then speak."""
        await super().startup(sockets)
        print(f"The studio is at {self._url} (Ctrl-C ends it)", flush=True)
        if self._opens:
            webbrowser.open(self._url)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C, or a signal to end."""
        self._studio.stop()
        super().handle_exit(sig, frame)


def main(arguments: list[str] | None = None) -> None:
    """Serve until asked to stop."""
    options = _options(arguments)
    settings = load_settings()
    configure_logs("WARNING", "preview")
    bound = bind(options.port)
    if bound is None:
        sys.exit(f"No port from {options.port} to {options.port + _PORTS_TRIED - 1} is free; give another: --port")
    studio = preview_studio(options.content, settings, test_to=options.test_to)
    config = uvicorn.Config(
        create_preview_app(studio),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )
    url = f"http://{_HOST}:{bound.getsockname()[1]}/"
    try:
        _Server(config, studio, url, opens=options.open).run(sockets=[bound])
    except KeyboardInterrupt:
        sys.exit(0)


def bind(port: int) -> socket.socket | None:
    """A socket of this machine alone, on this port or the next free one; None where all are taken."""
    for candidate in range(port, port + _PORTS_TRIED) if port else [0]:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((_HOST, candidate))
            bound.listen()
        except (OSError, OverflowError):
            bound.close()
            continue
        return bound
    return None


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nurture preview")
    parser.add_argument("--port", type=int, default=8610)
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--test-to", action="append", default=[])
    parser.add_argument("--content", type=Path, default=TEMPLATES)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
