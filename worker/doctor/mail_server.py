"""The SMTP server: does it answer, is its TLS good, does it take our login. Nothing is sent but NOOP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from datetime import datetime

from worker.delivery.smtp import SmtpSettings, Tls
from worker.doctor.catalogue import LOGIN, MAIL_CERTIFICATE, MAIL_SERVER, MAIL_TLS
from worker.doctor.certificate import judge_end
from worker.doctor.finding import Finding

TIMEOUT_S = 4.0
_CURRENT = {"TLSv1.2", "TLSv1.3"}


def check_mail_server(
    settings: SmtpSettings, now: datetime, context: ssl.SSLContext | None = None
) -> Iterator[Finding]:
    """Each step as far as it goes. The server's words stay out of the findings: they may quote the login."""
    where = f"{settings.host}:{settings.port}"
    context = context or ssl.create_default_context()
    try:
        connection = _connect(settings, context)
    except ssl.SSLError as error:
        yield MAIL_TLS.failed(f"{where}: TLS fails ({_reason(error)})")
        return
    except (OSError, smtplib.SMTPException) as error:
        yield MAIL_SERVER.failed(f"{where} does not answer ({type(error).__name__})")
        return
    with connection:
        yield MAIL_SERVER.ok(f"{where} answers")
        try:
            yield from _tls(settings, connection, context, now)
            yield from _login(settings, connection)
        except ssl.SSLError as error:
            yield MAIL_TLS.failed(f"{where}: TLS fails ({_reason(error)})")
        except (OSError, smtplib.SMTPException) as error:
            yield MAIL_SERVER.failed(f"{where} broke off ({type(error).__name__})")


def _connect(settings: SmtpSettings, context: ssl.SSLContext) -> smtplib.SMTP:
    if settings.tls is Tls.IMPLICIT:
        return smtplib.SMTP_SSL(settings.host, settings.port, settings.helo, timeout=TIMEOUT_S, context=context)
    return smtplib.SMTP(settings.host, settings.port, settings.helo, timeout=TIMEOUT_S)


def _tls(settings: SmtpSettings, connection: smtplib.SMTP, context: ssl.SSLContext, now: datetime) -> Iterator[Finding]:
    connection.ehlo_or_helo_if_needed()
    if settings.tls is Tls.NONE:
        yield MAIL_TLS.warning(f"{settings.host}: mail goes in clear (tls=none)")
        return
    if settings.tls is Tls.REQUIRED:
        try:
            connection.starttls(context=context)
        except smtplib.SMTPNotSupportedError:
            yield MAIL_TLS.failed(f"{settings.host} offers no STARTTLS")
            return
        connection.ehlo()
    socket = connection.sock
    if not isinstance(socket, ssl.SSLSocket):
        yield MAIL_TLS.failed(f"{settings.host}: the connection is not encrypted")
        return
    version = socket.version() or "no version"
    yield (MAIL_TLS.ok if version in _CURRENT else MAIL_TLS.failed)(f"{settings.host} speaks {version}, verified")
    yield judge_end(MAIL_CERTIFICATE, settings.host, socket.getpeercert(), now)


def _login(settings: SmtpSettings, connection: smtplib.SMTP) -> Iterator[Finding]:
    if settings.tls is not Tls.NONE and not isinstance(connection.sock, ssl.SSLSocket):
        return  # a password is not for everyone to read
    if settings.user is None:
        connection.noop()
        yield LOGIN.skipped("NURTURE_MAIL_URL has no user: the server takes us as we are")
        return
    try:
        connection.login(settings.user, settings.password or "")
        code, _ = connection.noop()
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError):
        yield LOGIN.failed(f"{settings.host} refuses our login")
        return
    yield LOGIN.ok(f"{settings.host} takes our login") if code == 250 else LOGIN.failed(f"{settings.host}: NOOP {code}")


def _reason(error: ssl.SSLError) -> str:
    return getattr(error, "verify_message", "") or error.reason or type(error).__name__
