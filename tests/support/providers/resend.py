"""Resend, after https://resend.com/docs/api-reference/emails/send-email, …/errors and …/idempotency-keys."""

from __future__ import annotations

import json
import re
import time
from email.headerregistry import HeaderRegistry
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.providers.stub import Accepted, ProviderStub, Read, Reply, Request

KNOWN = {
    "from", "to", "subject", "bcc", "cc", "scheduled_at", "reply_to", "html", "text", "react", "headers", "topic_id",
    "attachments", "tags", "template",
}  # fmt: skip
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
SENDER = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^<>"]*) ?<?[^<>\s@]+@(?P<domain>[^<>\s@]+?)>?')
KEY_TTL_S = 24 * 3600


class ResendStub(ProviderStub):
    credentials = "re_stub_0123456789"
    sending = ("POST", "/emails")

    def __init__(self, log: Path | None = None, port: int = 0) -> None:
        self.now = time.time
        self.remembered: dict[str, tuple[bytes, dict[str, Any], float]] = {}
        self.running: set[str] = set()
        super().__init__(log, port)
        self.max_bytes = 40 * 1024 * 1024

    @property
    def mail_url(self) -> str:
        return f"resend://{self.credentials}@api.resend.com?endpoint={self.endpoint}"

    def too_many(self) -> Reply:
        return error(429, "rate_limit_exceeded", {"retry-after": self.retry_after})

    def broken(self) -> Reply:
        return error(500, "internal_server_error")

    def handle(self, request: Request) -> Reply:
        given = request.headers.get("Authorization")
        if given is None:
            return error(401, "missing_api_key")
        if given != f"Bearer {self.credentials}":
            return error(403, "invalid_api_key")
        if (request.method, request.path) == ("GET", "/domains"):
            return error(401, "restricted_api_key")  # as for every key that may only send
        if request.path != "/emails":
            return error(404, "not_found")
        if request.method != "POST":
            return error(405, "method_not_allowed")
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return self.send(request)
        if not 1 <= len(key) <= 256:
            return error(400, "invalid_idempotency_key")
        return self.send_once(key, request)

    def send_once(self, key: str, request: Request) -> Reply:
        """The same key and payload within 24 hours gets the same answer, and sends nothing."""
        with self.lock:
            if key in self.running:
                return error(409, "concurrent_idempotent_requests")
            known = self.remembered.get(key)
            if known and self.now() - known[2] < KEY_TTL_S:
                return (
                    Reply(status=200, body=known[1])
                    if known[0] == request.body
                    else error(409, "invalid_idempotent_request")
                )
            self.running.add(key)
        reply = self.send(request)
        with self.lock:
            self.running.discard(key)
            if reply.status == 200:
                self.remembered[key] = (request.body, reply.body, self.now())
        return reply

    def send(self, request: Request) -> Reply:
        if len(request.body) > self.max_bytes:
            return error(413, "payload_too_large")
        try:
            email = json.loads(request.body)
        except ValueError:
            return error(400, "validation_error")
        problem = self.problem(email)
        if problem:
            return problem
        if self.quota is not None and len(self.accepted) >= self.quota:
            return error(429, "daily_quota_exceeded")
        message_id = str(uuid4())
        tags = {tag["name"]: tag["value"] for tag in email.get("tags", [])}
        self.accept(message_id, tags.get("send_id", ""), email["to"][0], email)
        return Reply(status=200, body={"id": message_id})

    def read(self, accepted: Accepted) -> Read:
        fields = accepted.message
        (sender,) = HeaderRegistry()("From", fields["from"]).addresses
        return Read(
            from_name=sender.display_name,
            from_address=sender.addr_spec,
            reply_to=fields["reply_to"],
            subject=fields["subject"],
            text=fields["text"],
            html=fields["html"],
            headers=fields["headers"],
        )

    def problem(self, email: dict[str, Any]) -> Reply | None:
        missing = [name for name in ("from", "to", "subject") if not email.get(name)]
        if missing or not (email.get("html") or email.get("text")):
            return error(422, "missing_required_field")
        to = email["to"] if isinstance(email["to"], list) else [email["to"]]
        sender = SENDER.fullmatch(email["from"])
        if email.keys() - KNOWN or len(to) > 50 or not all(SENDER.fullmatch(person) for person in to):
            return error(422, "validation_error")
        if set(to) & self.bad_addresses:
            return error(422, "validation_error")
        if not sender:
            return error(422, "invalid_from_address")
        if sender["domain"] not in self.domains:
            return error(403, "validation_error")
        headers = email.get("headers", {})
        if not all(isinstance(value, str) and "\n" not in value for value in headers.values()):
            return error(422, "validation_error")
        if not all(TAG.fullmatch(tag["name"]) and TAG.fullmatch(tag["value"]) for tag in email.get("tags", [])):
            return error(422, "validation_error")
        return None


def error(status: int, name: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"statusCode": status, "name": name, "message": "Words for people, with an address: maya@example.com"}
    return Reply(status=status, body=body, headers=headers or {})
