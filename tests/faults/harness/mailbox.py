"""An SMTP provider that keeps a log of what it took, and misbehaves as providers do.

A message is in the log, fsynced, before the answer goes out: from then on it counts as delivered,
whatever becomes of the answer. Each connection has its own thread; commands may come pipelined.
"""

from __future__ import annotations

import email
import email.policy
import random
import socket
import socketserver
import threading
import time
from dataclasses import dataclass, field
from email.message import Message

from tests.faults.harness.log import Log


@dataclass
class Temper:
    """How it behaves now. Shares are of the messages it is offered."""

    drops_after_accepting: float = 0.0
    refuses: float = 0.0
    seconds: float = 0.0
    is_down: bool = False
    is_strange: random.Random = field(default_factory=random.Random)

    def happens(self, share: float) -> bool:
        return share > 0 and self.is_strange.random() < share


class Mailbox:
    """`url` is what NURTURE_MAIL_URL takes."""

    def __init__(self, log: Log, temper: Temper | None = None) -> None:
        self.log, self.temper = log, temper or Temper()
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        self._server.mailbox = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._server.server_address[1]}?tls=none"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
        self.log.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    mailbox: Mailbox

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed in the middle is what this is for."""


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server
    timeout = 120
    disable_nagle_algorithm = True

    def handle(self) -> None:
        temper = self.server.mailbox.temper
        if temper.is_down:
            return
        self._say("220 stub ESMTP")
        recipient = ""
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if temper.is_down:
                return
            match verb:
                case b"EHLO":
                    self._say("250-stub\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES")
                case b"RCPT":
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                    self._say("250 2.1.5 ok")
                case b"DATA":
                    self._say("354 go on")
                    content = self._read_content()
                    if content is None or not self._take(recipient, content):
                        return
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 2.0.0 ok")

    def _say(self, answer: str) -> None:
        self.wfile.write(answer.encode() + b"\r\n")

    def _read_content(self) -> bytes | None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return None  # the client has died in the middle: nothing was taken
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _take(self, recipient: str, content: bytes) -> bool:
        """Accept or refuse; False when the connection is dropped without an answer."""
        mailbox, temper = self.server.mailbox, self.server.mailbox.temper
        if temper.seconds:
            time.sleep(temper.seconds)
        if temper.happens(temper.refuses):
            self._say("452 4.3.1 not now")
            return True
        head = email.message_from_bytes(content, policy=email.policy.default)
        mailbox.log.note("accepted", recipient, send_id_of(head), str(head["Subject"]), f"{time.time():.3f}")
        if temper.happens(temper.drops_after_accepting):
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        self._say("250 2.0.0 kept as K1")
        return True


def send_id_of(head: Message) -> str:
    """The send's identity, as every attempt of it carries it."""
    return str(head["Message-ID"]).strip("<> ").partition("@")[0]
