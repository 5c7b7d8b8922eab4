"""One call to one endpoint, in the way of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from worker.delivery.webhook import tell_webhook
from worker.domain.redelivery import Told
from worker.storage.endpoints import Access
from worker.usecases.services import Services


def reach(services: Services, access: Access, message_id: str, body: Mapping[str, Any]) -> Told:
    """Tell it. Never raises."""
    now = datetime.now(UTC)
    return tell_webhook(services.outgoing, access.url, secrets_at(access, now), message_id, body, now)


def secrets_at(access: Access, now: datetime) -> list[str]:
    """The secrets that sign at this moment: the one before the last change too, for a while."""
    is_old_good = access.old_secret and access.old_until and now < datetime.fromisoformat(access.old_until)
    return [access.secret, *([access.old_secret] if is_old_good and access.old_secret else [])]
