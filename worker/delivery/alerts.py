"""Tell staff: location, time, reference and a link, and nothing else (I6).

`ALERT_URL` chooses the way: `mailto:` by the mail provider, `http(s)://` any webhook (Slack, Teams, ntfy
and the like take the same JSON), and without it a file in the state folder, so that nothing is silently lost.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from worker.delivery.base import Message, Provider, Receipt
from worker.delivery.mime import Letter, build
from worker.errors import ConfigurationError, PermanentDeliveryError, TransientDeliveryError
from worker.outgoing import AddressRefused, OutgoingError, OutgoingSession
from worker.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertText:
    """One alert as staff read it. `title` and `body` hold no contact or health data."""

    id: str
    title: str
    body: str
    link: str
    urgent: bool


class AlertChannel(Protocol):
    """A way to tell staff."""

    def post(self, alert: AlertText) -> None:
        """Tell them. Raises DeliveryError."""


class FileAlerts:
    """Alerts as files on this machine: what happens without `ALERT_URL`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def post(self, alert: AlertText) -> None:
        """Write one file, whole or not at all."""
        aside = self._folder / f"{alert.id}.{os.getpid()}.tmp"
        try:
            aside.write_text(f"{alert.title}\n\n{alert.body}\n{alert.link}\n", encoding="utf-8")
            aside.replace(self._folder / f"{alert.id}.txt")
        except OSError as error:
            raise TransientDeliveryError("alert_not_writable") from error


class WebhookAlerts:
    """Alerts as a JSON post. Chat tools show `text`; others may read the rest."""

    def __init__(self, url: str, reach: Reach) -> None:
        self._url = url
        self._session = OutgoingSession(reach)

    def post(self, alert: AlertText) -> None:
        """Post it, without following redirects."""
        payload = {
            "text": f"{alert.title}\n{alert.body}\n{alert.link}",
            "title": alert.title,
            "message": alert.body,
            "link": alert.link,
            "urgent": alert.urgent,
            "id": alert.id,
        }
        try:
            answer = self._session.post(self._url, json=payload)
        except AddressRefused as error:
            raise PermanentDeliveryError("alert_address_refused") from error
        except OutgoingError as error:
            raise TransientDeliveryError("alert_unreachable") from error
        if answer.ok and not answer.is_redirect:
            return
        if answer.status_code in {408, 425, 429} or answer.status_code >= 500:
            raise TransientDeliveryError(f"alert_http_{answer.status_code}")
        raise PermanentDeliveryError(f"alert_http_{answer.status_code}")


class MailAlerts:
    """Alerts as plain emails to the front desk, by the same provider as everything else."""

    def __init__(self, address: str, provider: Provider, sender: str) -> None:
        self._address, self._provider, self._sender = address, provider, sender

    def post(self, alert: AlertText) -> None:
        """Send one email; a doubtful end is tried again, since telling staff twice is better than never.

        So each try has a key of its own: a provider that knows the last one would refuse another date as abuse.
        """
        attempt = f"{alert.id}-{uuid4().hex[:8]}"
        domain = self._sender.rpartition("@")[2]
        text = f"{alert.body}\n\n{alert.link}\n"
        letter = Letter(
            from_name="Lead alerts",
            from_address=self._sender,
            to=self._address,
            reply_to=self._sender,
            subject=alert.title,
            text=text,
            html=f'<p>{alert.body}</p><p><a href="{alert.link}">Open it</a></p>',
            date=datetime.now(UTC),
            message_id=f"{attempt}@{domain}",
            unsubscribe_url=None,
            list_id=f"alerts.{domain}",
            feedback_id="alert:staff:worker:clinic",
        )
        message = Message(send_id=attempt, envelope_from=self._sender, recipient=self._address, content=build(letter))
        for _, outcome in self._provider.deliver([message]):
            if isinstance(outcome, Receipt):
                continue
            if isinstance(outcome, PermanentDeliveryError):
                raise outcome
            raise TransientDeliveryError(outcome.code)


def open_alerts(alert_url: str | None, provider: Provider, sender: str, state_dir: Path, reach: Reach) -> AlertChannel:
    """The channel of this URL. Raises ConfigurationError."""
    if not alert_url:
        return FileAlerts(state_dir / "alerts")
    if alert_url.startswith("mailto:"):
        return MailAlerts(alert_url.removeprefix("mailto:"), provider, sender)
    if alert_url.startswith(("http://", "https://")):
        _refuse_clear_text(alert_url, reach)
        return WebhookAlerts(alert_url, reach)
    raise ConfigurationError(
        "NRT-E023", "ALERT_URL is neither mailto: nor a web address", "write mailto:desk@… or https://…"
    )


def _refuse_clear_text(alert_url: str, reach: Reach) -> None:
    where = urlsplit(alert_url)
    if where.scheme != "https" and not reach.allows_clear_text(where.hostname or ""):
        raise ConfigurationError(
            "NRT-E029",
            "ALERT_URL would tell staff in clear",
            "write https://…, or name its host in NURTURE_PRIVATE_HOSTS if it stands in your own network",
        )
