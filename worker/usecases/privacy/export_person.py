"""Everything held about a person, in one readable value: what they posted and agreed to, what they were sent, word
for word, what happened, who looked. What is sealed is opened; hashes and other inner works are left out.

Tables are walked by their foreign keys, so that one added later is in the export without being named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.render import Rendered
from worker.errors import NotFound, SealError, TemplateError
from worker.storage import installation, leads, persons, submissions, suppressions, timeline
from worker.storage.leads import Identity
from worker.storage.persons import Rows
from worker.storage.timeline import Happened
from worker.usecases.privacy.belongings import belongings_of
from worker.usecases.privacy.consent_wording import find_wordings
from worker.usecases.sending.compose import render_send
from worker.usecases.services import Services

LOST = "(sealed with a key that is lost)"
_LOOKS = {Happened.SEARCHED, Happened.REVEALED, Happened.EXPORTED}
_TOLD_APART = {"leads", "submissions", "consents", "sends", "timeline", "alerts", "enrollments", "parked"}
_INNER = {"claim", "lease_until", "not_before", "key_until", "plan", "token_id"}


def export_person(services: Services, lead_id: str, actor: str) -> dict[str, Any]:
    """The export, as values that JSON can hold; that it was made is noted on the timeline. Raises NotFound."""
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is None:
            raise NotFound(f"there is no lead {lead_id}")
        now = installation.product_now(connection)
        timeline.add(connection, Happened.EXPORTED, now, lead_id, actor=actor)
        identity = services.vault.readable_identity(lead)
        beside = belongings_of(connection, services, lead_id, identity or Identity())
        found = persons.find(connection, lead_id, beside.submission_ids, beside.parked_ids)
        return {
            "made_at": now.isoformat(),
            "made_by": actor,
            "person": _person(lead, identity),
            "posted": [_posted(services, row) for row in found["submissions"]],
            "agreed": _agreed(services, connection, found),
            "emails": [_email(services, connection, send, identity, found) for send in found["sends"]],
            "sequences": [_plain(row) for row in found["enrollments"]],
            "suppressed": _suppressed(connection, lead),
            "happened": [_entry(row) for row in found["timeline"]],
            "looked_at": [_look(row) for row in found["timeline"] if row["kind"] in _LOOKS],
            "staff_were_told": [_plain(row) for row in found["alerts"]],
            "could_not_be_read": [_plain(row) for row in found["parked"]],
            "more": {name: [_plain(row) for row in rows] for name, rows in found.items() if name not in _TOLD_APART},
        }


def _person(lead: Mapping[str, Any], identity: Identity | None) -> dict[str, Any]:
    names = ("first_name", "last_name", "email", "phone")
    contact = {name: getattr(identity, name) if identity else LOST for name in names}
    return {**contact, **_plain(lead)}


def _posted(services: Services, row: Mapping[str, Any]) -> dict[str, Any]:
    """A submission word for word."""
    try:
        fields: Any = {
            name: list(values) for name, values in submissions.open_stored(row, services.ring).fields.items()
        }
    except SealError:
        fields = LOST
    return {**_plain(row), "fields": fields}


def _agreed(services: Services, connection: Connection, found: Rows) -> list[dict[str, Any]]:
    """Each consent with the very words, when, on which form, and on which page."""
    wordings = find_wordings(connection, {(row["form"], row["wording_version"]) for row in found["consents"]})
    posted = {row["id"]: row for row in found["submissions"]}
    return [
        {
            **_plain(row),
            "page": _page(services, posted[row["submission_id"]]),
            "wording": [
                {"text": wording.text, "published_in": wording.snapshot}
                for wording in wordings[row["form"], row["wording_version"]]
            ],
        }
        for row in found["consents"]
    ]


def _page(services: Services, row: Mapping[str, Any]) -> str | None:
    try:
        return submissions.open_stored(row, services.ring).first("page_url")
    except SealError:
        return LOST


def _email(
    services: Services, connection: Connection, send: Mapping[str, Any], identity: Identity | None, found: Rows
) -> dict[str, Any]:
    """A send; one that left, or may have left, with its exact copy from the content that it was sent from."""
    events = [_plain(row) for row in found.get("delivery_events", ()) if row["send_id"] == send["id"]]
    copy = _copy(services, connection, send, identity) if send["snapshot"] else None
    return {**_plain(send), "events": events, "copy": copy}


def _copy(
    services: Services, connection: Connection, send: Mapping[str, Any], identity: Identity | None
) -> dict[str, str] | None:
    try:
        renderer = services.content.at(connection, send["snapshot"])
        sent: Rendered = render_send(renderer, send, identity or Identity(), services.vault.lookup, services.public_url)
    except TemplateError:
        return None
    return {"subject": sent.subject, "text": sent.text, "html": sent.html}


def _suppressed(connection: Connection, lead: Mapping[str, Any]) -> list[dict[str, Any]]:
    if lead["email_hash"] is None:
        return []
    return [_plain(row) for row in suppressions.of_address(connection, lead["email_hash"])]


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"at": row["at"].isoformat(), "what": row["kind"], "by": row["actor"], "details": row["detail"]}


def _look(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"at": row["at"].isoformat(), "by": row["actor"], "what": row["kind"]}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without what is sealed, hashed, or about our own machinery."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if not name.endswith(("_hash", "_sealed")) and name != "sealed" and name not in _INNER
    }
