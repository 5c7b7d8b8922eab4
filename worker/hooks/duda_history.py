"""What Duda has kept of its forms, by its Partner API: https://developer.duda.co/reference/reporting-form-submissions.

It tells each submission as labels and values, with a time in seconds and no zone; without an id, as its webhook does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from worker.errors import Refused
from worker.hooks.delivery import rows, table, word
from worker.outgoing import OutgoingError, OutgoingSession

BASE = "https://api.duda.co/api"
_WINDOW = timedelta(days=7)
"""Asked week by week: without a first day Duda answers with everything it ever kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastForm:
    """One submission as Duda keeps it: when (taken for UTC), and as the webhook that it should have caused."""

    at: datetime
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DudaHistory:
    """One site's history. `credentials` are `user:password` of the Partner API."""

    session: OutgoingSession
    credentials: str
    site: str
    base: str = BASE

    def between(self, first: date, last: date) -> Iterator[PastForm]:
        """Every submission from the first day to the last. Raises Refused, which says why there is no answer."""
        start = first
        while start <= last:
            end = min(start + _WINDOW - timedelta(days=1), last)
            yield from (self._past(row) for row in self._ask(start, end))
            start = end + timedelta(days=1)

    def _ask(self, first: date, last: date) -> list[dict[str, Any]]:
        user, _, password = self.credentials.partition(":")
        try:
            answer = self.session.get(
                f"{self.base.rstrip('/')}/sites/multiscreen/get-forms/{quote(self.site, safe='')}",
                params={"from": first.isoformat(), "to": last.isoformat()},
                auth=(user, password),
            )
            data = answer.json() if answer.status_code == 200 else None
        except (OutgoingError, ValueError) as error:
            raise Refused(f"Duda did not answer: {type(error).__name__}") from None
        if not isinstance(data, list):
            raise Refused(
                f"Duda did not tell its history: http_{answer.status_code}; check NURTURE_DUDA_API and --site"
            )
        return rows(data)

    def _past(self, row: dict[str, Any]) -> PastForm:
        at = _moment(word(row.get("date")))
        fields = [
            {"field_label": label, "field_value": value, "field_type": "", "field_key": "", "field_id": ""}
            for label, value in table(row.get("message")).items()
        ]
        fields.append({"field_label": "Title", "field_value": row.get("form_title"), "field_type": "form_title"})
        data = {
            "fieldsData": fields,
            **({"utm_campaign": word(row["utm_campaign"])} if row.get("utm_campaign") else {}),
        }
        event = {
            "event_type": "CONTACT_FORM_SENT_V2",
            "event_timestamp": int(at.timestamp() * 1000),
            "resource_data": {"site_name": self.site},
            "data": data,
        }
        return PastForm(at=at, body=json.dumps(event, ensure_ascii=False).encode())


def _moment(text: str) -> datetime:
    """A time without a zone is taken for UTC; whoever compares must allow for a day. None at all is the beginning."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return datetime(2000, 1, 1, tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
