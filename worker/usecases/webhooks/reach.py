"""One call to one endpoint, in the way of its kind. A further CRM is one more line here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from worker.delivery.hubspot import HubSpot
from worker.delivery.webhook import tell_webhook
from worker.domain.outgoing_events import TEST, Tell
from worker.domain.redelivery import Told
from worker.storage.endpoints import Access, EndpointKind
from worker.usecases.services import Services


def reach(
    services: Services, endpoint: Mapping[str, Any], access: Access, message_id: str, body: Mapping[str, Any]
) -> Told:
    """Tell it. Never raises."""
    match EndpointKind(endpoint["kind"]):
        case EndpointKind.WEBHOOK:
            now = datetime.now(UTC)
            return tell_webhook(services.outgoing, access.url, secrets_at(access, now), message_id, body, now)
        case EndpointKind.HUBSPOT:
            crm = HubSpot(services.outgoing, access.url, access.secret)
            if body["type"] == TEST:
                return crm.check(with_health=Tell.CONDITION in endpoint["tells"])
            return crm.tell(body)


def secrets_at(access: Access, now: datetime) -> list[str]:
    """The secrets that sign at this moment: the one before the last change too, for a while."""
    is_old_good = access.old_secret and access.old_until and now < datetime.fromisoformat(access.old_until)
    return [access.secret, *([access.old_secret] if is_old_good and access.old_secret else [])]
