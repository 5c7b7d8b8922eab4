"""What the stubs share: a real HTTP server, an acceptance log outside of the product, and misbehaviour on demand."""

from __future__ import annotations

import email
import email.policy
import json
import os
import random
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

DEEDS = {
    "drop_before",  # closes without having taken anything
    "drop_after",  # takes it, closes without an answer
    "500_before",  # takes nothing, answers 500
    "500_after",  # takes it, answers 500
    "hang",  # takes it, and keeps silent until the client has gone
    "429",  # takes nothing, asks for a pause
    "garbage",  # takes it, answers 200 with something that is no JSON
    "redirect",  # takes nothing, sends elsewhere
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: JSON, or nothing."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One message that the provider took, as it understood it."""

    id: str
    send_id: str
    to: str
    message: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the recipient of an accepted message would see."""

    from_name: str
    from_address: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]


def read_mime(raw: bytes) -> Read:
    """A whole message, read by the standard library."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    (sender,) = message["From"].addresses
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (body.get_content() for body in bodies if body is not None)
    return Read(
        from_name=sender.display_name,
        from_address=sender.addr_spec,
        reply_to=message["Reply-To"],
        subject=message["Subject"],
        text=text.replace("\r\n", "\n"),
        html=html.replace("\r\n", "\n"),
        headers={name: str(value) for name, value in message.items()},
    )


class ProviderStub:
    """A provider. Subclasses check a request and answer it; `accept` is called once for each message taken."""

    credentials = "key-of-the-stub"
    sending = ("POST", "/")
    """The method and path under which it takes messages: only these misbehave."""

    def __init__(self, log: Path | None = None, port: int = 0) -> None:
        self.domains = {"mail.albanyclinic.example.com"}
        self.quota: int | None = None
        self.max_bytes = 10 * 1024 * 1024
        self.bad_addresses: set[str] = set()
        self.accepted: list[Accepted] = []
        self.requests: list[Request] = []
        self.next: list[str] = []
        self.chances: dict[str, float] = {}
        self.retry_after = "7"
        self.connections = 0
        self._random = random.Random(0)
        self._log = log.open("ab") if log else None
        self.lock = threading.RLock()
        self._done = threading.Event()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    # --- for tests ---

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def mail_url(self) -> str:
        raise NotImplementedError

    def misbehave(self, chances: Mapping[str, float], seed: int) -> None:
        """From now on, each request that sends is met with one of these deeds at such odds."""
        assert chances.keys() <= DEEDS
        self.chances, self._random = dict(chances), random.Random(seed)

    def close(self) -> None:
        self._done.set()
        self._server.shutdown()
        self._server.server_close()
        if self._log:
            self._log.close()

    def read(self, accepted: Accepted) -> Read:
        """What the recipient would see."""
        raise NotImplementedError

    # --- for subclasses ---

    def handle(self, request: Request) -> Reply:
        """Check and answer one request."""
        raise NotImplementedError

    def too_many(self) -> Reply:
        """The answer to one request too many."""
        return Reply(status=429, body={}, headers={"Retry-After": self.retry_after})

    def broken(self) -> Reply:
        """The answer when the provider itself is in trouble."""
        return Reply(status=500, body={})

    def accept(self, message_id: str, send_id: str, to: str, message: dict[str, Any]) -> None:
        """Take one message: first the log, on disk, then memory."""
        with self.lock:
            if self._log:
                line = {"send_id": send_id, "to": to, "id": message_id, "at": time.time()}
                self._log.write(json.dumps(line).encode() + b"\n")
                self._log.flush()
                os.fsync(self._log.fileno())
            self.accepted.append(Accepted(id=message_id, send_id=send_id, to=to, message=message))

    # --- the server ---

    def deed(self, request: Request) -> str | None:
        with self.lock:
            if (request.method, request.path) != self.sending:
                return None
            if self.next:
                return self.next.pop(0)
            for deed, chance in self.chances.items():
                if self._random.random() < chance:
                    return deed
        return None

    def react(self, request: Request) -> Reply | str | None:
        """An answer, a text that is no answer, or None to close the connection."""
        deed = self.deed(request)
        match deed:
            case "drop_before":
                return None
            case "500_before":
                return self.broken()
            case "429":
                return self.too_many()
            case "redirect":
                return Reply(status=307, headers={"Location": f"{self.endpoint}{request.target}"})
        reply = self.handle(request)
        match deed:
            case "drop_after":
                return None
            case "500_after":
                return self.broken()
            case "garbage":
                return "<html>ok</html>"
            case "hang":
                self._done.wait(60)
                return None
        return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what the tests are about."""


def _handler(stub: ProviderStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def setup(self) -> None:
            stub.connections += 1
            super().setup()

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=unquote(parts.path),
                query={name: values[-1] for name, values in parse_qs(parts.query).items()},
                headers=self.headers,
                body=self.rfile.read(int(self.headers.get("Content-Length", "0"))),
                target=self.path,
            )
            stub.requests.append(request)
            reply = stub.react(request)
            if reply is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, content, kind, headers = 200, b"", "application/json", {}
            if isinstance(reply, str):
                content, kind = reply.encode(), "text/html"
            else:
                status, headers = reply.status, reply.headers
                content = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = do_POST

    return Handler
