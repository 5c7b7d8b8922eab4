"""SendGrid, after https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send and …/errors."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

from tests.support.providers.stub import Accepted, ProviderStub, Read, Reply, Request

RESERVED = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from",
    "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
KNOWN = {
    "personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id",
    "headers", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name", "mail_settings",
    "tracking_settings",
}  # fmt: skip


class SendGridStub(ProviderStub):
    credentials = "SG.stub.0123456789"
    sending = ("POST", "/v3/mail/send")

    @property
    def mail_url(self) -> str:
        return f"sendgrid://{self.credentials}@api.sendgrid.com?endpoint={self.endpoint}"

    def too_many(self) -> Reply:
        reset = str(int(time.time()) + int(self.retry_after))
        return problem(429, None, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})

    def broken(self) -> Reply:
        return problem(500, None)

    def handle(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {self.credentials}":
            return problem(401, None)
        if (request.method, request.path) == ("GET", "/v3/scopes"):
            return Reply(status=200, body={"scopes": ["mail.send"]})
        if (request.method, request.path) != self.sending:
            return problem(404, None)
        if len(request.body) > self.max_bytes:
            return problem(413, None)
        try:
            mail = json.loads(request.body)
        except ValueError:
            return problem(400, None)
        found = self.check(mail)
        if found:
            return found
        message_id = uuid4().hex[:22]
        (to,) = mail["personalizations"][0]["to"]
        self.accept(message_id, mail.get("custom_args", {}).get("send_id", ""), to["email"], mail)
        return Reply(status=202, headers={"X-Message-Id": message_id})

    def check(self, mail: dict[str, Any]) -> Reply | None:
        for name in ("personalizations", "from", "subject", "content"):
            if not mail.get(name):
                return problem(400, name)
        if mail.keys() - KNOWN:
            return problem(400, "unknown")
        if [part["type"] for part in mail["content"]] != ["text/plain", "text/html"]:
            return problem(400, "content")
        if {name.lower() for name in mail.get("headers", {})} & RESERVED:
            return problem(400, "headers")
        if len(json.dumps(mail.get("custom_args", {}))) > 10_000:
            return problem(400, "custom_args")
        if mail["personalizations"][0]["to"][0]["email"] in self.bad_addresses:
            return problem(400, "personalizations.0.to.0.email")
        if mail["from"]["email"].partition("@")[2] not in self.domains:
            return problem(403, "from")
        if self.quota is not None and len(self.accepted) >= self.quota:
            return problem(401, None)  # "Maximum credits exceeded"
        return None

    def read(self, accepted: Accepted) -> Read:
        mail = accepted.message
        text, html = (part["value"] for part in mail["content"])
        return Read(
            from_name=mail["from"]["name"],
            from_address=mail["from"]["email"],
            reply_to=mail["reply_to"]["email"],
            subject=mail["subject"],
            text=text,
            html=html,
            headers=mail["headers"],
        )


def problem(status: int, field: str | None, headers: dict[str, str] | None = None) -> Reply:
    errors = [{"message": "Words for people, with an address: maya@example.com", "field": field, "help": None}]
    return Reply(status=status, body={"errors": errors}, headers=headers or {})
