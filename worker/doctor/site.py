"""The public address, as someone outside reaches it: no redirect, a good certificate, a link that opens."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from worker.doctor.catalogue import CLOCK, SITE, SITE_CERTIFICATE, SITE_CLOCK, UNSUBSCRIBE
from worker.doctor.certificate import judge_end
from worker.doctor.finding import Check, Finding
from worker.outgoing import OutgoingError, OutgoingSession

TIMEOUT_S = 4.0
_ODD, _WRONG = timedelta(seconds=5), timedelta(seconds=60)


def check_site(session: OutgoingSession, public_url: str, now: datetime) -> Iterator[Finding]:
    """The address itself, and the time that its answer shows."""
    try:
        answer = session.get(f"{public_url}/healthz", timeout=TIMEOUT_S)
    except OutgoingError as error:
        yield SITE.failed(f"{public_url} does not answer ({type(error).__name__})")
        return
    if answer.status_code != 200:
        yield SITE.failed(f"{public_url}/healthz answers {answer.status_code}, not 200{_redirect(answer.is_redirect)}")
        return
    secure = public_url.startswith("https://")
    yield SITE.ok(f"{public_url} answers") if secure else SITE.warning(f"{public_url} answers, but in clear")
    if "Date" in answer.headers:
        theirs = parsedate_to_datetime(answer.headers["Date"])
        yield judge_clock(SITE_CLOCK, theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC), now, public_url)


def check_unsubscribe(session: OutgoingSession, link: str) -> Iterator[Finding]:
    """The page behind a link made for nobody. GET changes nothing. The link is a token: it is not shown."""
    try:
        answer = session.get(link, timeout=TIMEOUT_S)
    except OutgoingError as error:
        yield UNSUBSCRIBE.failed(f"an unsubscribe link does not open ({type(error).__name__})")
        return
    if answer.status_code == 200 and 'method="post"' in answer.text:
        yield UNSUBSCRIBE.ok()
    else:
        yield UNSUBSCRIBE.failed(f"an unsubscribe link answers {answer.status_code}{_redirect(answer.is_redirect)}")


def check_site_certificate(public_url: str, now: datetime, context: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """When the certificate ends."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        yield SITE_CERTIFICATE.skipped(f"{public_url} is not https")
        return
    try:
        with (
            socket.create_connection((host, parts.port or 443), timeout=TIMEOUT_S) as plain,
            (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=host) as secure,
        ):
            yield judge_end(SITE_CERTIFICATE, host, secure.getpeercert(), now)
    except ssl.SSLCertVerificationError as error:
        yield SITE_CERTIFICATE.failed(f"the certificate of {host} is not valid: {error.verify_message}")
    except OSError as error:
        yield SITE_CERTIFICATE.skipped(f"{host} can't be reached ({type(error).__name__})")


def judge_clock(check: Check, theirs: datetime, ours: datetime, whose: str) -> Finding:
    """Two clocks, one of which is the time here."""
    apart = abs(theirs - ours)
    text = f"the clock here and that of {whose} are {apart.total_seconds():.0f} s apart"
    if apart > _WRONG:
        return check.failed(text)
    return check.warning(text) if apart > _ODD else check.ok(text)


def check_database_clock(theirs: datetime, now: datetime) -> Finding:
    """Against the database, which gives leases their time."""
    return judge_clock(CLOCK, theirs, now, "the database")


def _redirect(is_redirect: bool) -> str:
    return " (a redirect)" if is_redirect else ""
