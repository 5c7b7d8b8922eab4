"""A real SMTP server that keeps what it is given."""

from __future__ import annotations

import email
import email.policy
import threading
import time
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted message: the envelope and the very bytes."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)


class AnyPort(Controller):
    """A server on a port that the kernel chooses as it binds it: one chosen before might be taken meanwhile."""

    def __init__(self, handler: object, **options: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self) -> None:
        """The base class would connect to port 0."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class SmtpSink(AnyPort):
    """`messages` in the order of arrival; `url` is what NURTURE_MAIL_URL takes."""

    def __init__(self) -> None:
        super().__init__(self)
        self._arrived = threading.Condition()
        self.messages: list[Received] = []
        self.arrivals: dict[str, float] = {}
        """When the first message to each address was taken (`time.perf_counter`)."""

    @property
    def url(self) -> str:
        return f"smtp://{self.hostname}:{self.port}"

    def clear(self) -> None:
        with self._arrived:
            self.messages.clear()
            self.arrivals.clear()

    def wait_for(self, count: int, seconds: float = 5.0) -> list[Received]:
        """At least so many messages; fails when they do not arrive in time."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while len(self.messages) < count:
                left = deadline - time.monotonic()
                assert self._arrived.wait(left), f"{len(self.messages)} of {count} messages after {seconds} s"
            return list(self.messages)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        with self._arrived:
            for address in envelope.rcpt_tos:
                self.arrivals.setdefault(address, time.perf_counter())
            self.messages.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))
            self._arrived.notify_all()
        return "250 2.0.0 kept"
