"""Staff correct who a lead is: address, number, name, with a reason. What was posted stays as it was posted.

A wish is a person's, not an address's: who unsubscribed stays unsubscribed under the new address. A suppression of the
new address counts from the first moment, since the gate asks by the address that stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from worker.errors import BelongsToAnother, NamesPerson, NotFound, UnusableContact
from worker.storage import enrollments, installation, leads, sends_of_lead, suppressions, timeline
from worker.storage.leads import IDENTITY, Identity, Vault
from worker.storage.timeline import Happened
from worker.storage.traces import quotes
from worker.usecases.arrival.contact import normal_email, normal_phone
from worker.usecases.nurture.reroute import enroll_if_allowed
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCorrected:
    """Which fields changed, and whether the address that stands there now is suppressed in any way."""

    changed: tuple[str, ...]
    is_suppressed: bool


def correct_identity(
    services: Services, lead_id: str, wanted: Mapping[str, str], *, reason: str, actor: str
) -> IdentityCorrected:
    """Put these in place of what is known, by field (email, phone, first_name, last_name); an empty text takes away.

    Raises NotFound, UnusableContact, BelongsToAnother, NamesPerson, and then nothing has changed.
    """
    given = _normal(wanted)
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is None:
            raise NotFound(f"there is no lead {lead_id}")
        old = services.vault.open_identity(lead)
        new = replace(old, **given)
        changed = tuple(name for name in IDENTITY if getattr(old, name) != getattr(new, name))
        _check(connection, services.vault, lead_id, old, new, reason)
        if changed:
            _apply(services, connection, lead, new, changed, reason, actor)
        address_hash = services.vault.email_hash(new.email)
        is_suppressed = bool(address_hash and suppressions.scopes(connection, [address_hash]))
    if changed:
        services.queue.deliver()
    return IdentityCorrected(changed=changed, is_suppressed=is_suppressed)


def _normal(wanted: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {name: text.strip() or None for name, text in wanted.items()}
    if given.get("email"):
        given["email"] = normal_email(given["email"])
    if given.get("phone"):
        phone = normal_phone(given["phone"])
        if phone is None:
            raise UnusableContact("phone.too_short", "Please enter a phone number like 618-555-0142.")
        given["phone"] = phone
    return given


def _check(connection: Connection, vault: Vault, lead_id: str, old: Identity, new: Identity, reason: str) -> None:
    if new.email is None and new.phone is None:
        raise UnusableContact("contact.missing", "A lead keeps an address or a number; to forget someone, erase them.")
    if quotes(reason, old) or quotes(reason, new):
        raise NamesPerson("the reason names the person; it stands beside them in clear, so write it without")
    other = leads.find_person(connection, vault.email_hash(new.email), vault.phone_hash(new.phone))
    is_same = other is None or other["id"] == lead_id
    if other is not None and not is_same and (new.email is not None or other["email_hash"] is None):
        raise BelongsToAnother(other["id"])


def _apply(
    services: Services,
    connection: Connection,
    lead: Mapping[str, Any],
    new: Identity,
    changed: tuple[str, ...],
    reason: str,
    actor: str,
) -> None:
    now, vault, lead_id = installation.product_now(connection), services.vault, lead["id"]
    sealed = vault.seal_identity(lead_id, new)
    columns = {name: value for name, value in sealed.items() if name.rpartition("_")[0] in changed}
    leads.change(connection, lead_id, **columns)
    timeline.add(
        connection, Happened.IDENTITY_CORRECTED, now, lead_id, actor=actor, fields=list(changed), reason=reason
    )
    sends_of_lead.give_back_claimed(connection, lead_id)
    sends_of_lead.forget_keys(connection, lead_id)
    if "email" not in changed:
        return
    if lead["email_hash"] and sealed["email_hash"]:
        suppressions.carry_over(connection, lead["email_hash"], sealed["email_hash"], now)
    if lead["email_hash"] is None and not enrollments.was_in(connection, lead_id, lead["sequence"] or ""):
        snapshot, renderer = services.content.renderer(connection)
        now_there = {**lead, **columns}
        enroll_if_allowed(connection, renderer.catalog, snapshot, now_there, anchor=now, now=now, actor=actor)
