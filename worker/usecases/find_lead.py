"""Find one lead by what people have at hand: its id, a reference, an email address or a phone number."""

from __future__ import annotations

from uuid import UUID

import phonenumbers
from sqlalchemy import Connection

from worker.errors import Ambiguous, NotFound
from worker.storage import leads
from worker.storage.leads import Vault


def find_lead(connection: Connection, vault: Vault, wanted: str) -> str:
    """The id of the lead meant. Raises NotFound; Ambiguous where several are meant."""
    found = sorted(set(_candidates(connection, vault, wanted.strip())))
    if not found:
        raise NotFound("no lead has this id, reference, email or phone")
    if len(found) > 1:
        raise Ambiguous(f"{len(found)} leads match; name one by its id: {', '.join(found)}")
    return found[0]


def _candidates(connection: Connection, vault: Vault, wanted: str) -> list[str]:
    if wanted.upper().startswith("TAC-"):
        return leads.by_reference(connection, wanted.upper())
    if "@" in wanted:
        return leads.by_hashes(connection, vault.email_hash(wanted.casefold()), None)
    try:
        return list(leads.by_ids(connection, [str(UUID(wanted))]))
    except ValueError:
        return leads.by_hashes(connection, None, vault.phone_hash(_e164(wanted)))


def _e164(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
