"""Duda's Partner API, the history of forms: after https://developer.duda.co/reference/reporting-form-submissions."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Any

from tests.support.providers.stub import ProviderStub, Reply, Request

SITE = "974d714008f440529ea58094ccf9a97c"


class DudaStub(ProviderStub):
    """One site. `kept` is what its forms were sent, newest first as Duda tells it."""

    credentials = "partner:pass:word"
    sending = ("GET", f"/api/sites/multiscreen/get-forms/{SITE}")

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[dict[str, Any]] = []

    def keep(self, at: datetime, message: dict[str, str], title: str = "Contact Us") -> None:
        """A form that was sent; its time is kept in seconds, without a zone."""
        self.kept.insert(0, {"form_title": title, "message": message, "date": f"{at:%Y-%m-%dT%H:%M:%S}"})

    def handle(self, request: Request) -> Reply:
        expected = base64.b64encode(self.credentials.encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return Reply(status=401, body={"error_code": "InvalidCredentials", "message": "Bad credentials"})
        if (request.method, request.path) != self.sending:
            return Reply(status=404, body={"error_code": "ResourceNotExist", "message": "Site not exists"})
        first, last = (date.fromisoformat(request.query[name]) for name in ("from", "to"))
        return Reply(status=200, body=[row for row in self.kept if first <= _day(row) <= last])


def _day(row: dict[str, Any]) -> date:
    return datetime.fromisoformat(row["date"]).date()
