"""Cloudflare's `siteverify` on this machine, and a script that does in a page what its widget does there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

SECRET = "the secret"
GOOD = "XXXX.DUMMY.TOKEN.XXXX"

WIDGET = """
(() => {
  let count = 0;
  const draw = (box) => {
    box.innerHTML = "";
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = "cf-turnstile-response";
    box.append(input);
    setTimeout(() => { input.value = "TOKEN" + (count++ || ""); }, 50);
  };
  window.turnstile = { reset: draw };
  document.querySelectorAll(".cf-turnstile[data-sitekey]").forEach(draw);
})();
""".replace("TOKEN", GOOD)
"""A hidden field in the form, filled in a moment later; `reset` draws another token."""


class Turnstile(ThreadingHTTPServer):
    """`siteverify`: form-encoded `secret` and `response`; a token is good once."""

    def __init__(self, answer: bytes | None = None, hang: threading.Event | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Verify)
        self.answer, self.hang = answer, hang
        self.asked: list[dict[str, list[str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/turnstile/v0/siteverify"


class _Verify(BaseHTTPRequestHandler):
    server: Turnstile

    def do_POST(self) -> None:
        fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token, seen = fields["response"][0], [asked["response"][0] for asked in self.server.asked]
        self.server.asked.append(fields)
        if self.server.hang is not None:
            self.server.hang.wait(20)
        errors = []
        if fields.get("secret") != [SECRET]:
            errors = ["invalid-input-secret"]
        elif token in seen:
            errors = ["timeout-or-duplicate"]
        elif not token.startswith(GOOD):
            errors = ["invalid-input-response"]
        said = self.server.answer or json.dumps({"success": not errors, "error-codes": errors}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def turnstile(answer: bytes | None = None, hang: threading.Event | None = None) -> Iterator[Turnstile]:
    server = Turnstile(answer, hang)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    if hang:
        hang.set()
    server.shutdown()
    server.server_close()
    thread.join(5)
