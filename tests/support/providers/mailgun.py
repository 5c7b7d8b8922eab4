"""Mailgun, after https://documentation.mailgun.com/docs/mailgun/api-reference: messages.mime and events."""

from __future__ import annotations

import base64
import email
import email.policy
import re

from tests.support.providers.stub import Accepted, ProviderStub, Read, Reply, Request, read_mime

DOMAIN = "mail.albanyclinic.example.com"
PATH = re.compile(r"/v3/(?P<domain>[^/]+)/(?P<what>messages\.mime|events)")
MOST_OPTION_BYTES = 16 * 1024


class MailgunStub(ProviderStub):
    credentials = "key-0123456789abcdef"
    sending = ("POST", f"/v3/{DOMAIN}/messages.mime")

    @property
    def mail_url(self) -> str:
        return f"mailgun://{self.credentials}@{DOMAIN}?endpoint={self.endpoint}"

    def too_many(self) -> Reply:
        return Reply(status=429, body={"message": "Too many requests"}, headers={"Retry-After": self.retry_after})

    def broken(self) -> Reply:
        return Reply(status=500, body={"message": "Internal Server Error"})

    def handle(self, request: Request) -> Reply:
        basic = base64.b64encode(f"api:{self.credentials}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {basic}":
            return Reply(status=401, body="Forbidden")
        asked = PATH.fullmatch(request.path)
        if not asked or asked["domain"] not in self.domains:
            return Reply(status=404, body={"message": "Domain not found"})
        if asked["what"] == "events" and request.method == "GET":
            return self.events(request)
        return self.send(request)

    def send(self, request: Request) -> Reply:
        form = form_of(request)
        options = sum(len(name) + len(value) for name, value in form.items() if name[:2] in {"o:", "v:", "h:", "t:"})
        if not form.get("to") or not form.get("message"):
            return Reply(status=400, body={"message": "to parameter is missing"})
        to = form["to"].decode()
        if to in self.bad_addresses or options > MOST_OPTION_BYTES:
            return Reply(status=400, body={"message": f"to parameter is not a valid address: {to}"})
        if len(form["message"]) > self.max_bytes:
            return Reply(status=413, body={"message": "Request Entity Too Large"})
        if self.quota is not None and len(self.accepted) >= self.quota:
            return Reply(status=403, body={"message": "Domain has reached its sending limit"})
        message_id = email.message_from_bytes(form["message"])["Message-ID"]
        send_id = form.get("v:send_id", b"").decode()
        self.accept(message_id, send_id, to, {"raw": form["message"].decode("ascii"), "tracking": form["o:tracking"]})
        return Reply(status=200, body={"id": message_id, "message": "Queued. Thank you."})

    def events(self, request: Request) -> Reply:
        wanted = request.query.get("message-id")
        items = [
            {
                "event": "accepted",
                "message": {"headers": {"message-id": accepted.id.strip("<>")}},
                "user-variables": {"send_id": accepted.send_id},
            }
            for accepted in self.accepted
            if wanted == accepted.id.strip("<>") and request.query.get("event") == "accepted"
        ]
        return Reply(status=200, body={"items": items, "paging": {}})

    def read(self, accepted: Accepted) -> Read:
        return read_mime(accepted.message["raw"].encode("ascii"))


def form_of(request: Request) -> dict[str, bytes]:
    """The fields of a multipart form."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parsed = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    assert parsed.is_multipart(), "messages.mime wants multipart/form-data"
    fields = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        raw = part.get_payload()
        inner = raw[0].as_bytes(policy=email.policy.HTTP) if isinstance(raw, list) else part.get_payload(decode=True)
        fields[str(name)] = inner
    return fields
