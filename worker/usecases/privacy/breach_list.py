"""Who was in this store: everyone a notice must go to after a breach (New York: within 30 days), opened, one row each.

Forgotten and erased people are not in it: nothing of theirs was there to take. That it was made is noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.storage import installation, leads, timeline
from worker.storage.retention import FORGOTTEN
from worker.storage.timeline import Happened
from worker.usecases.services import Services

COLUMNS = ("lead_id", "reference", "location", "created_at", "first_name", "last_name", "email", "phone")
_LOST = "(sealed with a lost key)"


def breach_list(services: Services, actor: str, since: datetime | None = None) -> list[dict[str, Any]]:
    """Everyone known now, who came before now and (where given) since an instant."""
    with services.database.write() as connection:
        found = list(_rows(services, connection, since))
        now = installation.product_now(connection)
        timeline.add(connection, Happened.EXPORTED, now, None, actor=actor, what="breach_list", count=len(found))
    return found


def _rows(services: Services, connection: Connection, since: datetime | None) -> Iterator[dict[str, Any]]:
    for lead in leads.everyone(connection):
        if lead["status"] == FORGOTTEN or (since is not None and lead["created_at"] < since):
            continue
        yield {
            "lead_id": lead["id"],
            "reference": lead["reference"],
            "location": lead["location"],
            "created_at": lead["created_at"].isoformat(),
            **_contact(services, lead),
        }


def _contact(services: Services, lead: Any) -> dict[str, str]:
    names, identity = COLUMNS[4:], services.vault.readable_identity(lead)
    if identity is None:
        return dict.fromkeys(names, _LOST)
    return {name: _harmless(getattr(identity, name) or "") for name in names}


def _harmless(text: str) -> str:
    """As it is, unless a spreadsheet would take it for a formula: people may type anything into a form."""
    is_number = text[:1] == "+" and text[1:].isdigit()
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not is_number else text
