"""Postmark, after https://postmarkapp.com/developer/api/email-api, …/messages-api and …/overview#error-codes."""

from __future__ import annotations

import json
from email.headerregistry import HeaderRegistry
from typing import Any
from uuid import uuid4

from tests.support.providers.stub import Accepted, ProviderStub, Read, Reply, Request

KNOWN = {
    "From", "To", "Cc", "Bcc", "Subject", "Tag", "HtmlBody", "TextBody", "ReplyTo", "Headers", "TrackOpens",
    "TrackLinks", "Metadata", "Attachments", "MessageStream",
}  # fmt: skip
MOST_MESSAGES = 500
MOST_BATCH_BYTES = 50 * 1024 * 1024


class PostmarkStub(ProviderStub):
    credentials = "11111111-2222-3333-4444-555555555555"
    sending = ("POST", "/email/batch")

    @property
    def mail_url(self) -> str:
        return f"postmark://{self.credentials}@api.postmarkapp.com?endpoint={self.endpoint}"

    def too_many(self) -> Reply:
        return error(429, 429, {"Retry-After": self.retry_after})

    def broken(self) -> Reply:
        return error(500, 0)

    def handle(self, request: Request) -> Reply:
        if request.headers.get("X-Postmark-Server-Token") != self.credentials:
            return error(401, 10)
        if (request.method, request.path) == ("GET", "/server"):
            return Reply(status=200, body={"ID": 1, "Name": "clinic"})
        if (request.method, request.path) == ("GET", "/messages/outbound"):
            return self.search(request.query)
        if (request.method, request.path) != self.sending:
            return error(404, 404)
        if not request.headers.get("Content-Type", "").startswith("application/json"):
            return error(422, 409)
        if len(request.body) > min(MOST_BATCH_BYTES, self.max_bytes):
            return error(413, 0)
        try:
            messages = json.loads(request.body)
        except ValueError:
            return error(422, 402)
        if not isinstance(messages, list):
            return error(422, 403)
        if len(messages) > MOST_MESSAGES:
            return error(422, 410)
        return Reply(status=200, body=[self.take(message) for message in messages])

    def take(self, message: dict[str, Any]) -> dict[str, Any]:
        code = self.problem(message)
        if code:
            return {"ErrorCode": code, "Message": f"Words about {message.get('To')}."}
        message_id = str(uuid4())
        self.accept(message_id, message.get("Metadata", {}).get("send_id", ""), message["To"], message)
        return {"To": message["To"], "SubmittedAt": "2026-03-02T10:00:00.0000000-05:00", "MessageID": message_id,
                "ErrorCode": 0, "Message": "OK"}  # fmt: skip

    def problem(self, message: dict[str, Any]) -> int:
        if message.keys() - KNOWN or not message.get("To") or not (message.get("HtmlBody") or message.get("TextBody")):
            return 300
        (sender,) = HeaderRegistry()("From", message["From"]).addresses
        if sender.domain not in self.domains:
            return 400
        if self.quota is not None and len(self.accepted) >= self.quota:
            return 405
        if message.get("MessageStream", "outbound") not in {"outbound", "broadcast"}:
            return 1235
        if message["To"] in self.bad_addresses:
            return 406
        metadata = message.get("Metadata", {})
        if len(metadata) > 10 or any(len(key) > 20 or len(value) > 80 for key, value in metadata.items()):
            return 300
        return 0

    def search(self, query: dict[str, str]) -> Reply:
        if "count" not in query or "offset" not in query:
            return error(422, 700)
        asked = {name.removeprefix("metadata_"): value for name, value in query.items() if name.startswith("metadata_")}
        found = [
            {"MessageID": accepted.id, "Metadata": accepted.message.get("Metadata", {}), "Status": "Sent"}
            for accepted in self.accepted
            if asked.items() <= accepted.message.get("Metadata", {}).items()
        ]
        return Reply(status=200, body={"TotalCount": len(found), "Messages": found[: int(query["count"])]})

    def read(self, accepted: Accepted) -> Read:
        fields = accepted.message
        (sender,) = HeaderRegistry()("From", fields["From"]).addresses
        return Read(
            from_name=sender.display_name,
            from_address=sender.addr_spec,
            reply_to=fields["ReplyTo"],
            subject=fields["Subject"],
            text=fields["TextBody"],
            html=fields["HtmlBody"],
            headers={header["Name"]: header["Value"] for header in fields["Headers"]},
        )


def error(status: int, code: int, headers: dict[str, str] | None = None) -> Reply:
    body = {"ErrorCode": code, "Message": "Words for people, with an address: maya@example.com"}
    return Reply(status=status, body=body, headers=headers or {})
