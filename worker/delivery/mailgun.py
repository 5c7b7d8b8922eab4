"""Mailgun: `mailgun://API_KEY@DOMAIN`, with `?region=eu` for a domain of its European region. Takes finished messages.

No idempotency key. An unknown outcome is looked up among its events by our Message-ID, which stays ours; so the
domain must be the one that the emails come from. The return path is Mailgun's own, so bounces come by webhook.
"""

from __future__ import annotations

from requests.auth import HTTPBasicAuth

from worker.delivery.api import Answer, ApiProvider, Call
from worker.delivery.base import Message, Outcome, Receipt
from worker.delivery.mail_url import read_mail_url
from worker.errors import ConfigurationError
from worker.reach import Reach

_SHAPE = "mailgun://API_KEY@DOMAIN, where DOMAIN is the one that the emails come from"
_HOSTS = {"us": "api.mailgun.net", "eu": "api.eu.mailgun.net"}


class MailgunProvider(ApiProvider):
    """One message a request, in MIME."""

    name = "mailgun"
    can_look_up = True

    def __init__(self, mail_url: str, reach: Reach) -> None:
        url = read_mail_url(mail_url, _SHAPE, {"region"})
        self._domain = url.host
        host = _HOSTS.get(url.options.get("region", "us"))
        if host is None:
            raise ConfigurationError("NRT-E024", "MAIL_URL names a region that Mailgun has not", "use region=us or eu")
        super().__init__(url, f"https://{host}", HTTPBasicAuth("api", url.user), reach)
        self.harmless = f"/v3/{self._domain}/events"

    def lookup(self, send_id: str) -> Receipt | None:
        """A receipt where an event tells that Mailgun has taken the message of our id."""
        message_id = f"{send_id}@{self._domain}"
        query = {"event": "accepted", "message-id": message_id, "limit": "1"}
        answer = self.api.get(f"/v3/{self._domain}/events", query)
        found = answer.json.get("items") if answer and answer.is_ok and isinstance(answer.json, dict) else None
        for event in found or []:
            if event.get("message", {}).get("headers", {}).get("message-id") == message_id:
                return Receipt(provider=self.name, provider_message_id=f"<{message_id}>")
        return None

    def _call(self, message: Message) -> Call:
        return Call(
            path=f"/v3/{self._domain}/messages.mime",
            form={"to": message.recipient, "v:send_id": message.send_id, "o:tracking": "no"},
            files={"message": ("message.mime", message.content, "message/rfc822")},
        )

    def _receipt(self, answer: Answer) -> Outcome:
        return self._taken(answer.text("id"))
