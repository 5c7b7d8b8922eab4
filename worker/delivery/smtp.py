"""SMTP submission over one kept connection.

`smtplib.sendmail` raises the same error for "safe to repeat" and "maybe delivered". Here we know whether
the final dot was sent: before it every failure is certain; after it, without an answer, the message may
have been taken (RFC 5321 section 4.2.5 and 6.1). TLS is verified; production refuses to go without it.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from worker.delivery.base import Message, Outcome, Receipt
from worker.delivery.dkim import DkimSigner
from worker.delivery.smtp_session import SmtpSession, is_sendable
from worker.errors import ConfigurationError, DeliveryError, PermanentDeliveryError, TransientDeliveryError

_TIMEOUT_S = 20


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
        if not unquote(f"{parts.netloc}{query.get('helo', '')}").isascii():
            raise ValueError("smtplib sends ASCII only")
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

    def __init__(
        self, settings: SmtpSettings, context: ssl.SSLContext | None = None, signer: DkimSigner | None = None
    ) -> None:
        self._settings = settings
        self._context = context or ssl.create_default_context()
        self._signer = signer
        self._session: SmtpSession | None = None

    def deliver(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Outcome]]:
        """Submit each message in turn. Once the server is lost, the rest is not tried: it was certainly not sent."""
        sendable = [message for message in messages if is_sendable(message)]
        for message in messages:
            if not is_sendable(message):
                yield message, PermanentDeliveryError("smtp_address")
        if not sendable:
            return
        try:
            session, refusal = self._first_announced(sendable[0])
        except (smtplib.SMTPException, OSError) as error:
            if self._session is not None:
                self._session.close()
            yield from _all_lost(sendable, _before_the_dot(error))
            return
        try:
            yield from self._submit_all(session, sendable, refusal)
        finally:
            if session.is_begun:  # nobody asked for the next message, which was announced already
                session.close()

    def lookup(self, send_id: str) -> Receipt | None:
        """SMTP keeps no account that we could ask."""
        del send_id
        return None

    def close(self) -> None:
        """Give back the connection."""
        session, self._session = self._session, None
        if session is not None:
            session.quit()

    def _first_announced(self, message: Message) -> tuple[SmtpSession, DeliveryError | None]:
        """Announce the first message over the kept connection, or over a new one where the server has left that; and
        why it may not follow, if so."""
        session = self._session
        if session is not None and session.is_open:
            try:
                session.begin(message, is_kept=True)
                return session, session.begun()
            except (smtplib.SMTPException, OSError):
                session.close()  # nothing was handed over
        session = self._session = SmtpSession(self._connect(), self.name)
        session.begin(message)
        return session, session.begun()

    def _submit_all(
        self, session: SmtpSession, messages: Sequence[Message], refusal: DeliveryError | None
    ) -> Iterator[tuple[Message, Outcome]]:
        """Submit these, of which the first was announced, and refused or not."""
        is_announced = True
        for place, message in enumerate(messages):
            try:
                if not is_announced:
                    session.begin(message)
                if place:
                    refusal = session.begun()
            except (smtplib.SMTPException, OSError) as error:
                session.close()
                yield from _all_lost(messages[place:], _before_the_dot(error))
                return
            following = messages[place + 1] if place + 1 < len(messages) else None
            outcome = refusal or session.submit(self._signed(message), following)
            is_announced = refusal is None
            yield message, outcome
            if not session.is_open:
                yield from _all_lost(messages[place + 1 :], TransientDeliveryError("smtp_connection_lost"))
                return

    def _signed(self, message: Message) -> bytes:
        return message.content if self._signer is None else self._signer.sign(message.content)

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


def _all_lost(messages: Sequence[Message], error: DeliveryError) -> Iterator[tuple[Message, Outcome]]:
    """Nothing of these has left: the first for this reason, the others because of it."""
    for place, message in enumerate(messages):
        yield message, TransientDeliveryError("smtp_connection_lost") if place else error


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
