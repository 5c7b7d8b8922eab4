"""Find one lead by what people have at hand: its id, a reference, an email address or a phone number."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from worker.errors import Ambiguous, NotFound, UnusableContact
from worker.storage import installation, leads, timeline
from worker.storage.leads import Vault
from worker.storage.timeline import Entry, Happened
from worker.usecases.arrival.contact import normal_email, normal_phone
from worker.usecases.services import Services


def find_lead(connection: Connection, vault: Vault, wanted: str) -> str:
    """The id of the lead meant. Raises NotFound; Ambiguous where several are meant."""
    found = find_leads(connection, vault, wanted)
    if not found:
        raise NotFound("no lead has this id, reference, email or phone")
    if len(found) > 1:
        raise Ambiguous(f"{len(found)} leads match; name one by its id: {', '.join(found)}")
    return found[0]


def find_leads(connection: Connection, vault: Vault, wanted: str) -> list[str]:
    """The ids of all leads that may be meant: households share numbers."""
    return sorted(set(_candidates(connection, vault, wanted.strip())))


def search(services: Services, wanted: str, actor: str, most: int) -> list[str]:
    """The same for whoever looks on a page. To find a person by an address is to learn that they wrote to us, so it
    is written down: who was found, not what was typed."""
    with services.database.write() as connection:
        found = find_leads(connection, services.vault, wanted)[:most]
        now = installation.product_now(connection)
        looked: list[str | None] = [*found] or [None]
        timeline.add_all(
            connection,
            [Entry(kind=Happened.SEARCHED, at=now, lead_id=lead_id, detail={}, actor=actor) for lead_id in looked],
        )
    return found


def _candidates(connection: Connection, vault: Vault, wanted: str) -> list[str]:
    if wanted.upper().startswith("TAC-"):
        return leads.by_reference(connection, wanted.upper())
    if "@" in wanted:
        return leads.by_hashes(connection, vault.email_hash(_email(wanted)), None)
    try:
        return list(leads.by_ids(connection, [str(UUID(wanted))]))
    except ValueError:
        return leads.by_hashes(connection, None, vault.phone_hash(normal_phone(wanted)))


def _email(text: str) -> str | None:
    try:
        return normal_email(text)
    except UnusableContact:
        return None
