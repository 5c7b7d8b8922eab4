"""A system on this machine that listens for posts: a chat tool, a receiver of webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Posted:
    """One post as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = int | Callable[[Posted], int]


class Receiver(ThreadingHTTPServer):
    """Answers with `answers` in turn, the last one for ever; keeps what it was posted."""

    daemon_threads = True

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.requests: list[Posted] = []
        self.headers: dict[str, str] = {}
        self.redirect_to = f"{self.url}/elsewhere"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    @property
    def posted(self) -> list[dict[str, Any]]:
        return [json.loads(post.body) for post in self.requests]

    @property
    def paths(self) -> list[str]:
        return [post.path for post in self.requests]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        post = Posted(self.path, dict(self.headers.items()), body)
        self.server.requests.append(post)
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        status = answer if isinstance(answer, int) else answer(post)
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.redirect_to)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # a redirect that was followed would come as this

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def receiver(*answers: Answer) -> Iterator[Receiver]:
    server = Receiver(*answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
