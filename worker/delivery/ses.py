"""Amazon SES, version 2: `ses://KEY_ID:SECRET@REGION`, with `?configuration_set=NAME`. Takes finished messages.

No idempotency key, and no look-up by our id: unknown outcomes are settled by its events, which carry our id as a
tag, or by a person. SES puts its own Message-ID and return path; it signs with DKIM for a verified domain.
"""

from __future__ import annotations

import base64
from typing import Any

from requests_aws4auth import AWS4Auth

from worker.delivery.api import Answer, ApiProvider, Call, retry_after
from worker.delivery.base import Message, Outcome
from worker.delivery.mail_url import read_mail_url
from worker.errors import DeliveryError, TransientDeliveryError
from worker.reach import Reach

_SHAPE = "ses://KEY_ID:SECRET@REGION, where REGION is such as us-east-1"
_OURS = {
    "AccountSuspendedException",
    "SendingPausedException",
    "MailFromDomainNotVerifiedException",
    "LimitExceededException",
    "MessageRejected",  # an identity that is not verified, or a virus, which our emails have not
}
_LATER = {"TooManyRequestsException", "ThrottlingException", "Throttling"}


class SesProvider(ApiProvider):
    """One message a request, in MIME, signed by AWS Signature Version 4."""

    name = "ses"
    harmless = "/v2/email/account"

    def __init__(self, mail_url: str, reach: Reach) -> None:
        url = read_mail_url(mail_url, _SHAPE, {"configuration_set"}, has_secret=True)
        self._configuration_set = url.options.get("configuration_set")
        signer = AWS4Auth(url.user, url.password, url.host, "ses")
        super().__init__(url, f"https://email.{url.host}.amazonaws.com", signer, reach)

    def _call(self, message: Message) -> Call:
        request: dict[str, Any] = {
            "Destination": {"ToAddresses": [message.recipient]},
            "Content": {"Raw": {"Data": base64.b64encode(message.content).decode("ascii")}},
            "EmailTags": [{"Name": "send_id", "Value": message.send_id}],
        }
        if self._configuration_set:
            request["ConfigurationSetName"] = self._configuration_set
        return Call(path="/v2/email/outbound-emails", json=request)

    def _receipt(self, answer: Answer) -> Outcome:
        return self._taken(answer.text("MessageId"))

    def _error(self, answer: Answer) -> str:
        """The error's type, without the namespace that may follow it."""
        return answer.headers.get("x-amzn-ErrorType", "").partition(":")[0]

    def _refusal(self, answer: Answer) -> DeliveryError:
        word = self._error(answer)
        if answer.status < 500 and word in _OURS:
            return TransientDeliveryError(self._code(answer), is_our_fault=True)
        if answer.status < 500 and word in _LATER:
            return TransientDeliveryError(self._code(answer), retry_after(answer))
        return super()._refusal(answer)
