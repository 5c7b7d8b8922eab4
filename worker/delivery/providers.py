"""Choose the provider by `MAIL_URL`, so that swapping it is one setting."""

from __future__ import annotations

from pathlib import Path

from worker.delivery.base import Provider
from worker.delivery.outbox import OutboxProvider
from worker.delivery.smtp import SmtpProvider, SmtpSettings, Tls
from worker.errors import ConfigurationError


def open_provider(mail_url: str, state_dir: Path, *, production: bool) -> Provider:
    """The provider of this URL. Raises ConfigurationError; nothing is connected yet."""
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
        return SmtpProvider(settings)
    raise ConfigurationError(
        "NRT-E022", f"MAIL_URL has the unknown scheme {scheme!r}", "use outbox:, smtp:// or smtps://"
    )
