"""SMTP submission over one kept connection, its phases driven by ourselves.

`smtplib.sendmail` raises the same error for "safe to repeat" and "maybe delivered". Here we know whether
the final dot was sent: before it every failure is certain; after it, without an answer, the message may
have been taken (RFC 5321 section 4.2.5 and 6.1). TLS is verified; production refuses to go without it.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from worker.delivery.base import Message, Outcome, Receipt
from worker.errors import (
    AmbiguousDeliveryError,
    ConfigurationError,
    DeliveryError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from worker.faults import fault

_TIMEOUT_S = 20
_BAD_MAILBOX = re.compile(rb"\s*(?:5\.1\.(?:[1236]|10)|5\.2\.1)\b")
"""The enhanced status codes (RFC 3463) that say the mailbox itself is wrong or closed; others blame the sender."""

_BUSY_MAILBOX = re.compile(rb"\s*4\.(?:1\.\d|2\.\d|7\.1)\b")
"""Of the temporary ones, those that speak of the mailbox or of greylisting; others speak of the server."""

_RETRY_GREYLISTED = timedelta(minutes=5)


class Tls(StrEnum):
    """How a connection is protected. `NONE` is for a relay on this machine, never in production."""

    IMPLICIT = "implicit"
    REQUIRED = "required"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """Where and how to submit. Read from `smtp://user:password@host:587` or `smtps://…:465`."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: Tls
    helo: str | None

    @classmethod
    def from_url(cls, url: str) -> SmtpSettings:
        """Raises ConfigurationError where the URL is no SMTP address."""
        try:
            return cls._parse(url)
        except ValueError:
            raise ConfigurationError(
                "NRT-E020",
                "MAIL_URL is not an SMTP address",
                "write smtp://user:password@host:587, with ?tls=none only for a relay on this machine",
            ) from None

    @classmethod
    def _parse(cls, url: str) -> SmtpSettings:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError(parts.scheme)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        tls = Tls.IMPLICIT if parts.scheme == "smtps" else Tls(query.get("tls", Tls.REQUIRED))
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls is Tls.IMPLICIT else 587),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
            helo=query.get("helo"),
        )


class SmtpProvider:
    """One connection, opened when first needed and kept; a new one after any doubt."""

    name = account = "smtp"
    key_ttl: timedelta | None = None
    can_look_up = False
    batch_size = 1

    def __init__(self, settings: SmtpSettings, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._context = context or ssl.create_default_context()
        self._connection: smtplib.SMTP | None = None

    def deliver(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Outcome]]:
        """Submit each message in turn. Once the server is lost, the rest is not tried: it was certainly not sent."""
        lost: DeliveryError | None = None
        for message in messages:
            outcome: Outcome = self._submit(message) if lost is None else lost
            if self._connection is None and not isinstance(outcome, Receipt):
                lost = TransientDeliveryError("smtp_connection_lost")
            yield message, outcome

    def lookup(self, send_id: str) -> Receipt | None:
        """SMTP keeps no account that we could ask."""
        del send_id
        return None

    def close(self) -> None:
        """Say goodbye; the server's opinion of it no longer matters."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.quit()
            except (smtplib.SMTPException, OSError):
                connection.close()

    def _submit(self, message: Message) -> Outcome:
        try:
            connection = self._connected()
            self._begin(connection, message)
        except DeliveryError as error:
            return error
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return _before_the_dot(error)
        return self._send_content(connection, message)

    def _begin(self, connection: smtplib.SMTP, message: Message) -> None:
        """MAIL, RCPT and DATA: until here every answer is certain."""
        phases: tuple[tuple[bool, Callable[[], tuple[int, bytes]]], ...] = (
            (False, lambda: connection.mail(message.envelope_from)),
            (True, lambda: connection.rcpt(message.recipient)),
            (False, lambda: connection.docmd("DATA")),
        )
        for about_recipient, ask in phases:
            code, answer = ask()
            if code not in {250, 251, 354}:
                self._reset(connection)
                raise _refusal(code, answer, about_recipient=about_recipient)

    def _send_content(self, connection: smtplib.SMTP, message: Message) -> Outcome:
        dotted = re.sub(rb"(?m)^\.", b"..", message.content)
        try:
            connection.send(dotted + b".\r\n")
            fault("bytes_sent")
            code, answer = connection.getreply()
            fault("accepted")
        except (smtplib.SMTPException, OSError):
            self._drop()
            return AmbiguousDeliveryError("smtp_no_answer_after_data")
        if code == 250:
            return Receipt(provider=self.name, provider_message_id=_queue_id(answer))
        if not 400 <= code < 600:
            self._drop()
            return AmbiguousDeliveryError("smtp_odd_answer_after_data")
        self._reset(connection)
        return _refusal(code, answer, about_recipient=True)

    def _connected(self) -> smtplib.SMTP:
        if self._connection is not None and _is_alive(self._connection):
            return self._connection
        self._drop()
        self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.tls is Tls.IMPLICIT:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, settings.helo, timeout=_TIMEOUT_S, context=self._context
            )
        else:
            connection = smtplib.SMTP(settings.host, settings.port, settings.helo, timeout=_TIMEOUT_S)
        try:
            connection.ehlo_or_helo_if_needed()
            if settings.tls is Tls.REQUIRED:
                connection.starttls(context=self._context)
                connection.ehlo()
            if settings.user is not None:
                connection.login(settings.user, settings.password or "")
        except (smtplib.SMTPException, OSError):
            connection.close()
            raise
        return connection

    def _reset(self, connection: smtplib.SMTP) -> None:
        try:
            connection.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _is_alive(connection: smtplib.SMTP) -> bool:
    try:
        return connection.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _before_the_dot(error: Exception) -> DeliveryError:
    """No content was complete, so nothing was taken: every one of these may be repeated."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return TransientDeliveryError("smtp_login_refused", is_our_fault=True)
        case smtplib.SMTPNotSupportedError() | ssl.SSLError():
            return TransientDeliveryError("smtp_tls_failed")
        case smtplib.SMTPResponseException(smtp_code=code):
            return TransientDeliveryError(f"smtp_{code}")
        case TimeoutError() | socket.gaierror() | ConnectionError():
            return TransientDeliveryError("smtp_unreachable")
    return TransientDeliveryError("smtp_disconnected")


def _refusal(code: int, answer: bytes, *, about_recipient: bool) -> DeliveryError:
    """An answer of 4yz or 5yz is certain. The server's words stay out: they quote the address."""
    if 500 <= code < 600 and not about_recipient:
        # It refuses us, not this person: an operator can mend that.
        return TransientDeliveryError(f"smtp_{code}", is_our_fault=True)
    if 500 <= code < 600:
        return PermanentDeliveryError(f"smtp_{code}", address_is_bad=_BAD_MAILBOX.match(answer) is not None)
    return TransientDeliveryError(
        f"smtp_{code}",
        retry_after=_RETRY_GREYLISTED if code in {450, 451} else None,
        is_about_recipient=about_recipient and (code == 450 or _BUSY_MAILBOX.match(answer) is not None),
    )


def _queue_id(answer: bytes) -> str | None:
    words = answer.decode("ascii", "replace").split()
    return words[-1][:80] if words else None
