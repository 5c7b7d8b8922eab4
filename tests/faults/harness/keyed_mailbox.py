"""Resend, as its stub understands it, with the same log and temper as the SMTP one: a provider that honours keys."""

from __future__ import annotations

import time
from typing import Any

from tests.faults.harness.log import Log
from tests.faults.harness.mailbox import Temper
from tests.support.providers.resend import ResendStub
from tests.support.providers.stub import Request


class KeyedMailbox(ResendStub):
    """`url` is what NURTURE_MAIL_URL takes."""

    def __init__(self, log: Log, temper: Temper) -> None:
        self.log, self.temper = log, temper
        super().__init__()
        self.retry_after = "1"

    @property
    def url(self) -> str:
        return self.mail_url

    def stop(self) -> None:
        self.close()
        self.log.close()

    def problem(self, email: dict[str, Any]) -> Any:
        """Whatever domain the clinic sends from is verified."""
        sender = email["from"].rpartition("@")[2].rstrip(">")
        self.domains.add(sender)
        return super().problem(email)

    def accept(self, message_id: str, send_id: str, to: str, message: dict[str, Any]) -> None:
        """Into the log before the answer goes out."""
        self.log.note("accepted", to, send_id, str(message["subject"]), f"{time.time():.3f}")

    def deed(self, request: Request) -> str | None:
        if (request.method, request.path) != self.sending:
            return None
        if self.temper.seconds:
            time.sleep(self.temper.seconds)
        if self.temper.is_down:
            return "drop_before"
        if self.temper.happens(self.temper.refuses):
            return "429"
        if self.temper.happens(self.temper.drops_after_accepting):
            return self.temper.is_strange.choice(["drop_after", "500_after", "garbage"])
        return None
