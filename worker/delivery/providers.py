"""Choose the provider by `MAIL_URL`, so that swapping it is one setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

from worker.delivery.base import Provider
from worker.delivery.dkim import DkimSigner
from worker.delivery.mailgun import MailgunProvider
from worker.delivery.outbox import OutboxProvider
from worker.delivery.postmark import PostmarkProvider
from worker.delivery.resend import ResendProvider
from worker.delivery.sendgrid import SendGridProvider
from worker.delivery.ses import SesProvider
from worker.delivery.smtp import SmtpProvider, SmtpSettings, Tls
from worker.errors import ConfigurationError
from worker.reach import Reach

BY_API: Mapping[str, Callable[[str, Reach], Provider]] = {
    "ses": SesProvider,
    "postmark": PostmarkProvider,
    "mailgun": MailgunProvider,
    "resend": ResendProvider,
    "sendgrid": SendGridProvider,
}
"""Providers with an HTTP API, by the scheme of their URL."""


def open_provider(
    mail_url: str, state_dir: Path, *, production: bool, reach: Reach | None = None, signer: DkimSigner | None = None
) -> Provider:
    """The provider of this URL. Raises ConfigurationError; nothing is connected yet.

    `signer` is for SMTP relays; the other providers sign for themselves.
    """
    scheme = mail_url.partition(":")[0]
    if scheme == "outbox":
        return OutboxProvider(state_dir / "outbox")
    if scheme in {"smtp", "smtps"}:
        settings = SmtpSettings.from_url(mail_url)
        if production and settings.tls is Tls.NONE:
            raise ConfigurationError(
                "NRT-E021",
                "MAIL_URL would send health mail in clear",
                "use smtps://, or smtp:// without tls=none",
            )
        return SmtpProvider(settings, signer=signer)
    if scheme in BY_API:
        reach = reach or Reach(allows_loopback=not production)
        return _refuse_clear(BY_API[scheme](mail_url, reach), mail_url, production=production)
    known = ", ".join(["outbox:", "smtp://", "smtps://", *(f"{name}://" for name in BY_API)])
    raise ConfigurationError("NRT-E022", f"MAIL_URL has the unknown scheme {scheme!r}", f"use one of {known}")


def _refuse_clear(provider: Provider, mail_url: str, *, production: bool) -> Provider:
    if production and "endpoint=http:" in unquote(mail_url):
        raise ConfigurationError("NRT-E021", "MAIL_URL would send health mail in clear", "leave the endpoint out")
    return provider
