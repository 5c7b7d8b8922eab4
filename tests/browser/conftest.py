"""A real Chromium, and a small server for the public pages alone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.every_page import served
from worker.intake import pages
from worker.static_files import SHARED

expect.set_options(timeout=20_000)  # a loaded machine is slow, not wrong

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The strictest policy that the pages must live with.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Not for the whole run: while Playwright is open, no other test of this process can start a loop."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(chromium), args=CHROMIUM)
        yield started
        started.close()


@dataclass
class PageServer:
    """Serves each page under its name, and keeps what was posted."""

    url: str
    posted: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    answers: bool = True


@pytest.fixture
def site() -> Iterator[PageServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.site = PageServer(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.site  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        name = path.rpartition("/")[2]
        found = next((folder / name for folder in (pages.STATIC, SHARED) if (folder / name).is_file()), None)
        if path.startswith("/static/") and found:
            self.answer(200, found.read_bytes(), TYPES[found.suffix])
        elif html := served().get(name):
            self.answer(200, html.encode())
        else:
            self.answer(404, served()["not-found"].encode())

    def do_POST(self) -> None:
        fields = self.rfile.read(int(self.headers["Content-Length"])).decode()
        site: PageServer = self.server.site  # type: ignore[attr-defined]
        site.posted.append((self.path, parse_qsl(fields, keep_blank_values=True)))
        # After 204 a browser stays where it is, as it does when someone stops the loading.
        self.answer(200 if site.answers else 204, served()["thanks"].encode() if site.answers else b"")

    def answer(self, status: int, body: bytes, kind: str = "text/html; charset=utf-8") -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        with contextlib.suppress(ConnectionError):  # the browser has gone on already
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""
