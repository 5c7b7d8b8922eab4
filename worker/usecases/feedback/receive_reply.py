"""A person wrote back: their sequence ends, the front desk is told, and their words are read for crisis.

Their words are kept as a submission of the form `reply`: sealed, exported and erased like any other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import Catalog
from worker.domain.consent import SuppressionReason
from worker.domain.events import LeadEvent
from worker.domain.feedback import DeliveryEvent, EventKind
from worker.domain.ids import reference, submission_id
from worker.domain.safety import CrisisTier, screen
from worker.domain.sends import CancelReason
from worker.domain.submissions import Submission
from worker.feedback.mail import SOURCE, Reply
from worker.storage import alerts, installation, leads, sends, submissions, timeline
from worker.storage.alerts import AlertKind, crisis_kind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.arrival.hold_for_crisis import hold_for_crisis
from worker.usecases.desk.answer import start_waiting
from worker.usecases.events.record_event import note_event
from worker.usecases.feedback.receive_feedback import REPEATED, receive_event
from worker.usecases.feedback.suppress import suppress
from worker.usecases.services import Services

FORM = "reply"
RECIPIENT = "recipient"

_STOP = re.compile(
    r"\W*(?:please )?(?:stop|unsubscribe|opt[ -]?out|remove me|take me off|no more emails?)"
    r"(?: (?:me|this|these|it|now|please|all|the|your|from|emails?|emailing|sending|list|mailing|of))*\W*",
    re.IGNORECASE,
)
"""A first line that says nothing but stop."""


def receive_reply(services: Services, reply: Reply) -> str:
    """Store it and do what follows; what became of it, empty where its writer is no lead of ours."""
    with services.database.write() as connection:
        found = _find(services, connection, reply)
        if found is None:
            return ""
        lead, send = found
        now = installation.product_now(connection)
        catalog = services.content.renderer(connection)[1].catalog
        submission = _submission(services, reply, catalog)
        if not submissions.store(connection, [_row(services, submission, lead["id"], now)]):
            return REPEATED
        timeline.add(connection, Happened.REPLIED, now, lead["id"], actor=RECIPIENT, submission_id=submission.id,
                     send_id=send["id"] if send else None)  # fmt: skip
        _follow(services, connection, lead, send, submission, now)
    services.queue.alert()
    return EventKind.REPLIED


def says_stop(text: str) -> bool:
    """True when a reply asks for nothing but to be left alone."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return _STOP.fullmatch(first.strip()) is not None


def _follow(
    services: Services,
    connection: Connection,
    lead: Mapping[str, Any],
    send: Mapping[str, Any] | None,
    submission: Submission,
    now: datetime,
) -> None:
    real = real_now(connection)
    if send is not None:
        event = DeliveryEvent(event_id=f"reply/{submission.id}", kind=EventKind.REPLIED, send_id=send["id"])
        receive_event(services, connection, SOURCE, event)
    note_event(services, connection, lead["id"], LeadEvent.REPLIED, RECIPIENT, now)
    if says_stop(submission.first("message") or ""):
        suppress(connection, lead, SuppressionReason.UNSUBSCRIBED, CancelReason.UNSUBSCRIBED, SOURCE, now)
    start_waiting(connection, lead, now)
    alerts.queue(connection, AlertKind.REPLIED, submission.id, lead["id"], now, real)
    if submission.crisis:
        hold_for_crisis(connection, lead, submission.crisis, now)
        alerts.queue(connection, crisis_kind(submission.crisis), submission.id, lead["id"], now, real)


def _find(
    services: Services, connection: Connection, reply: Reply
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None] | None:
    """The lead whose email this answers, else the one who writes from this address; not the clinic itself."""
    if reply.address.rpartition("@")[2] in _own_domains(services, connection):
        return None
    answered = [send for send_id in reply.send_ids if (send := sends.by_id(connection, send_id))]
    if answered:
        lead = leads.lock(connection, answered[0]["lead_id"])
        return (lead, answered[0]) if lead else None
    writers = leads.by_hashes(connection, services.vault.email_hash(reply.address), None)
    lead = leads.lock(connection, writers[0]) if len(writers) == 1 else None
    return (lead, None) if lead else None


def _own_domains(services: Services, connection: Connection) -> set[str]:
    clinic = services.content.renderer(connection)[1].catalog.clinic
    ours = [clinic.undecided_sender_address, clinic.undecided_reply_to]
    ours += [address for place in clinic.places.values() for address in (place.sender_address, place.reply_to)]
    return {address.rpartition("@")[2].casefold() for address in ours}


def _submission(services: Services, reply: Reply, catalog: Catalog) -> Submission:
    """One and the same for one and the same mail, by whatever way it comes."""
    digest = hashlib.sha256(reply.text.encode(errors="replace")).hexdigest()
    identity = submission_id(FORM, services.vault.lookup.hash(f"{reply.key}/{reply.address}/{digest}", FORM))
    return Submission(
        id=identity,
        reference=reference(identity),
        received_at=datetime.now(UTC),
        form=FORM,
        fields={"message": (reply.text,), "subject": (reply.subject,), "email": (reply.address,)},
        email=None,
        phone=None,
        consent_email=False,
        wording_version="",
        crisis=_tier(reply, catalog),
    )


def _tier(reply: Reply, catalog: Catalog) -> CrisisTier | None:
    return screen(reply.texts, catalog.crisis)


def _row(services: Services, submission: Submission, lead_id: str, now: datetime) -> Mapping[str, Any]:
    return {
        "id": submission.id,
        "reference": submission.reference,
        "form": submission.form,
        "received_at": submission.received_at,
        "captured_at": now,
        "sealed": submissions.envelope(submission, services.ring).partition(":")[2],
        "body_hash": submissions.body_hash(submission, services.vault.lookup),
        "status": submissions.ACCEPTED,
        "suspicions": [],
        "flags": [],
        "crisis": submission.crisis,
        "lead_id": lead_id,
    }
