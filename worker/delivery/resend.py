"""Resend: `resend://API_KEY@HOST`, where HOST is api.resend.com. It honours an idempotency key.

Its batch endpoint takes one key for a hundred messages, so a repeat would have to be the very same hundred;
messages are handed over one by one instead, each with its send as the key, and the ledger stays exact.
Message-ID and the return path are Resend's own; opens and clicks are not tracked unless the domain says so.
"""

from __future__ import annotations

from datetime import timedelta

from worker.delivery.api import Answer, ApiProvider, Bearer, Call, refusal
from worker.delivery.base import Message, Outcome
from worker.delivery.mail_url import read_mail_url
from worker.errors import AmbiguousDeliveryError, DeliveryError, TransientDeliveryError
from worker.reach import Reach

_SHAPE = "resend://API_KEY@HOST, where HOST is api.resend.com"
_QUOTAS = {"daily_quota_exceeded", "monthly_quota_exceeded"}


class ResendProvider(ApiProvider):
    """One message a request, keyed by its send for 24 hours."""

    name = "resend"
    harmless = "/domains"
    key_ttl = timedelta(hours=24)

    def __init__(self, mail_url: str, reach: Reach) -> None:
        url = read_mail_url(mail_url, _SHAPE)
        super().__init__(url, f"https://{url.host}", Bearer(url.user), reach)

    def _call(self, message: Message) -> Call:
        fields = message.fields
        return Call(
            path="/emails",
            headers={"Idempotency-Key": message.send_id},
            json={
                "from": fields.sender,
                "to": [message.recipient],
                "reply_to": fields.reply_to,
                "subject": fields.subject,
                "html": fields.html,
                "text": fields.text,
                "headers": dict(fields.headers),
                "tags": [{"name": "send_id", "value": message.send_id}],
            },
        )

    def _receipt(self, answer: Answer) -> Outcome:
        return self._taken(answer.text("id"))

    def _error(self, answer: Answer) -> str:
        return answer.text("name")

    def _refusal(self, answer: Answer) -> DeliveryError:
        """409: an earlier request with this key still runs, or was another message. Either may have been taken."""
        code = self._code(answer)
        if answer.status == 409:
            return AmbiguousDeliveryError(code)
        if answer.text("name") in _QUOTAS:
            return TransientDeliveryError(code, is_our_fault=True)
        return refusal(answer, code)
