"""SendGrid: `sendgrid://API_KEY@HOST`, where HOST is api.sendgrid.com, or api.eu.sendgrid.com. JSON.

No idempotency key, and no look-up without its paid activity history. Message-ID stays ours; the return path is
SendGrid's own, so bounces come by webhook. Every kind of tracking is switched off, message by message.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from worker.delivery.api import Answer, ApiProvider, Bearer, Call
from worker.delivery.base import Message, Outcome
from worker.delivery.mail_url import read_mail_url
from worker.errors import DeliveryError, TransientDeliveryError
from worker.reach import Reach

_SHAPE = "sendgrid://API_KEY@HOST, where HOST is api.sendgrid.com"
_NO_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


class SendGridProvider(ApiProvider):
    """One message a request."""

    name = "sendgrid"
    harmless = "/v3/scopes"

    def __init__(self, mail_url: str, reach: Reach) -> None:
        url = read_mail_url(mail_url, _SHAPE)
        super().__init__(url, f"https://{url.host}", Bearer(url.user), reach)

    def _call(self, message: Message) -> Call:
        fields = message.fields
        return Call(
            path="/v3/mail/send",
            json={
                "personalizations": [{"to": [{"email": message.recipient}]}],
                "from": {"email": fields.from_address, "name": fields.from_name},
                "reply_to": {"email": fields.reply_to},
                "subject": fields.subject,
                "content": [
                    {"type": "text/plain", "value": fields.text},
                    {"type": "text/html", "value": fields.html},
                ],
                "headers": {**fields.headers, "Message-ID": fields.message_id},
                "custom_args": {"send_id": message.send_id},
                "tracking_settings": _NO_TRACKING,
            },
        )

    def _receipt(self, answer: Answer) -> Outcome:
        return self._taken(answer.headers.get("X-Message-Id", ""))

    def _refusal(self, answer: Answer) -> DeliveryError:
        """As usual, but the end of a pause is given as an instant."""
        reset = answer.headers.get("X-RateLimit-Reset", "")
        if answer.status == 429 and reset.isdigit() and len(reset) < 12:
            wait = datetime.fromtimestamp(int(reset), UTC) - datetime.now(UTC)
            soon, late = timedelta(seconds=1), timedelta(hours=1)
            return TransientDeliveryError(self._code(answer), min(max(wait, soon), late))
        return super()._refusal(answer)
