"""Postmark: `postmark://SERVER_TOKEN@HOST`, where HOST is api.postmarkapp.com. A batch at a time, answered one by one.

No idempotency key. An unknown outcome is looked up by our id, which goes along as metadata. Message-ID stays ours
(X-PM-KeepID); the return path is Postmark's own, so bounces come by webhook. Opens and clicks are not tracked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from worker.delivery.api import Answer, ApiProvider, Bearer, Call, refusal, retry_after
from worker.delivery.base import Message, Outcome, Receipt
from worker.delivery.mail_url import read_mail_url
from worker.errors import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from worker.reach import Reach

_SHAPE = "postmark://SERVER_TOKEN@HOST, where HOST is api.postmarkapp.com"
_MOST_BYTES = 30 * 1024 * 1024
"""Of finished messages in one batch: the limit is 50 MB of JSON, which is a little longer."""

_OURS = {10, 400, 401, 405, 412, 413, 1235}
"""Token, sender signature, no credits, account not approved or closed, no such message stream."""

_LATER = {100, 429}
_INACTIVE_RECIPIENT = 406
"""It bounced for good, complained, or was suppressed there."""


class PostmarkProvider(ApiProvider):
    """Up to ten messages a request: as many as the gate lets out at once."""

    name = "postmark"
    harmless = "/server"
    can_look_up = True
    batch_size = 10

    def __init__(self, mail_url: str, reach: Reach) -> None:
        url = read_mail_url(mail_url, _SHAPE, {"stream"})
        self._stream = url.options.get("stream", "outbound")
        super().__init__(url, f"https://{url.host}", Bearer(url.user, "X-Postmark-Server-Token", ""), reach)

    def deliver(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Outcome]]:
        """Post each batch when the first of its outcomes is asked for."""
        for batch in _batches(messages, self.batch_size):
            yield from zip(batch, self._hand_over_all(batch), strict=True)

    def lookup(self, send_id: str) -> Receipt | None:
        """A receipt where Postmark knows a message with our id."""
        query = {"count": "1", "offset": "0", "metadata_send_id": send_id}
        answer = self.api.get("/messages/outbound", query)
        found = answer.json.get("Messages") if answer and answer.is_ok and isinstance(answer.json, dict) else None
        for message in found or []:
            if message.get("Metadata", {}).get("send_id") == send_id and message.get("MessageID"):
                return Receipt(provider=self.name, provider_message_id=message["MessageID"])
        return None

    def _hand_over_all(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        call = Call(path="/email/batch", json=[self._fields(message) for message in batch])
        try:
            answer = self.api.post(call)
        except DeliveryError as error:
            return [error] * len(batch)
        if answer.is_ok and isinstance(answer.json, list) and len(answer.json) == len(batch):
            return [self._one(item) for item in answer.json]
        return [self._taken("") if answer.is_ok else self._refusal(answer)] * len(batch)

    def _fields(self, message: Message) -> dict[str, Any]:
        fields = message.fields
        headers = {**fields.headers, "Message-ID": fields.message_id, "X-PM-KeepID": "true"}
        return {
            "From": fields.sender,
            "To": message.recipient,
            "ReplyTo": fields.reply_to,
            "Subject": fields.subject,
            "HtmlBody": fields.html,
            "TextBody": fields.text,
            "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
            "Metadata": {"send_id": message.send_id},
            "MessageStream": self._stream,
            "TrackOpens": False,
            "TrackLinks": "None",
        }

    def _one(self, item: Any) -> Outcome:
        item = item if isinstance(item, dict) else {}
        code = item.get("ErrorCode")
        if code == 0:
            return self._taken(str(item.get("MessageID") or ""))
        return self._by_code(code) or PermanentDeliveryError(f"{self.name}_{int(code or 0)}")

    def _refusal(self, answer: Answer) -> DeliveryError:
        """What Postmark says about the whole request."""
        code = answer.json.get("ErrorCode") if isinstance(answer.json, dict) else None
        if answer.status == 422 and (error := self._by_code(code, answer)):
            return error
        return refusal(answer, f"{self.name}_{code if isinstance(code, int) and code else answer.status}")

    def _by_code(self, code: Any, answer: Answer | None = None) -> DeliveryError | None:
        """The error that one of Postmark's codes means, where the status does not say it."""
        if code in _OURS:
            return TransientDeliveryError(f"{self.name}_{code}", is_our_fault=True)
        if code in _LATER:
            return TransientDeliveryError(f"{self.name}_{code}", retry_after(answer) if answer else None)
        if code == _INACTIVE_RECIPIENT:
            return PermanentDeliveryError(f"{self.name}_{code}", address_is_bad=True)
        return None


def _batches(messages: Sequence[Message], most: int) -> Iterator[Sequence[Message]]:
    """Split by number and by size."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == most or size + len(message.content) > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.content)
    if batch:
        yield batch
