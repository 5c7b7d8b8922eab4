"""Amazon SES v2, after https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.

The signature is computed anew from https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html,
by none of the code that signed.
"""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from tests.support.providers.stub import Accepted, ProviderStub, Read, Reply, Request, read_mime

REGION = "us-east-1"
SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


class SesStub(ProviderStub):
    key_id = "AKIAIOSFODNN7EXAMPLE"
    credentials = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    sending = ("POST", "/v2/email/outbound-emails")

    @property
    def mail_url(self) -> str:
        secret = quote(self.credentials, safe="")
        return f"ses://{self.key_id}:{secret}@{REGION}?configuration_set=nurture&endpoint={self.endpoint}"

    def too_many(self) -> Reply:
        return error(429, "TooManyRequestsException", {"Retry-After": self.retry_after})

    def broken(self) -> Reply:
        return error(500, "InternalFailure")

    def handle(self, request: Request) -> Reply:
        wrong = self.wrong_signature(request)
        if wrong:
            return error(403, wrong)
        if (request.method, request.path) == ("GET", "/v2/email/account"):
            return Reply(status=200, body={"SendingEnabled": True, "ProductionAccessEnabled": True})
        if (request.method, request.path) != self.sending:
            return error(404, "NotFoundException")
        if len(request.body) > self.max_bytes:
            return error(413, "RequestEntityTooLargeException")
        mail = json.loads(request.body)
        raw = base64.b64decode(mail["Content"]["Raw"]["Data"], validate=True)
        found = self.problem(mail, raw)
        if found:
            return found
        message_id = f"{uuid4().hex[:16]}-{uuid4()}-000000"
        tags = {tag["Name"]: tag["Value"] for tag in mail.get("EmailTags", [])}
        (to,) = mail["Destination"]["ToAddresses"]
        self.accept(message_id, tags.get("send_id", ""), to, {"raw": raw.decode("ascii"), **mail})
        return Reply(status=200, body={"MessageId": message_id})

    def problem(self, mail: dict[str, Any], raw: bytes) -> Reply | None:
        if mail.get("ConfigurationSetName") != "nurture":
            return error(404, "NotFoundException")
        if set(mail["Destination"]["ToAddresses"]) & self.bad_addresses:
            return error(400, "BadRequestException")
        if not all(TAG.fullmatch(tag["Name"]) and TAG.fullmatch(tag["Value"]) for tag in mail.get("EmailTags", [])):
            return error(400, "BadRequestException")
        (sender,) = email.message_from_bytes(raw, policy=email.policy.default)["From"].addresses
        if sender.domain not in self.domains:
            return error(400, "MessageRejected")
        if self.quota is not None and len(self.accepted) >= self.quota:
            return error(400, "LimitExceededException")
        return None

    def wrong_signature(self, request: Request) -> str | None:
        given = SIGNED.fullmatch(request.headers.get("Authorization", ""))
        if given is None:
            return "MissingAuthenticationTokenException"
        if (given["key"], given["region"], given["service"]) != (self.key_id, REGION, "ses"):
            return "UnrecognizedClientException"
        at = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) - at) > timedelta(minutes=5):
            return "RequestTimeTooSkewed"
        names = given["headers"].split(";")
        if "host" not in names or "x-amz-date" not in names:
            return "IncompleteSignatureException"
        headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
        digest = hashlib.sha256(request.body).hexdigest()
        canonical = f"{request.method}\n{quote(request.path)}\n\n{headers}\n{given['headers']}\n{digest}"
        scope = f"{given['day']}/{REGION}/ses/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{hashed}"
        key = f"AWS4{self.credentials}".encode()
        for word in (given["day"], REGION, "ses", "aws4_request"):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return None if hmac.compare_digest(expected, given["signature"]) else "SignatureDoesNotMatch"

    def read(self, accepted: Accepted) -> Read:
        return read_mime(accepted.message["raw"].encode("ascii"))


def error(status: int, kind: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"message": "Words for people, with an address: maya@example.com"}
    return Reply(
        status=status, body=body, headers={"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/", **(headers or {})}
    )
