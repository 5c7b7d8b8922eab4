"""Tell an endpoint by a webhook, signed by Standard Webhooks: https://www.standardwebhooks.com."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from requests import Response
from standardwebhooks import Webhook

from worker.delivery.api import wait_asked_for
from worker.domain.redelivery import Fate, Told, judge
from worker.outgoing import AddressRefused, OutgoingError, OutgoingSession


def tell_webhook(
    session: OutgoingSession, url: str, secrets: Sequence[str], message_id: str, body: Mapping[str, Any], now: datetime
) -> Told:
    """Post it, signed with each secret; the id is the same at each try. Never raises, never follows a redirect."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    moment = now.astimezone(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, moment, content) for secret in secrets),
    }
    return ask(lambda: session.post(url, data=content.encode(), headers=headers))


def ask(call: Callable[[], Response]) -> Told:
    """Make a call, and say what its end means."""
    try:
        answer = call()
    except AddressRefused:
        return Told(fate=Fate.AWAY, code="address_refused")
    except OutgoingError as error:
        return Told(fate=Fate.AWAY, code=_trouble(error))
    return judge(answer.status_code, wait_asked_for(answer.headers))


def _trouble(error: OutgoingError) -> str:
    """The kind of trouble; never its words, which quote the address."""
    return type(error).__name__[:40]
