"""What a group of submissions shares on its way in, and what is decided about each before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from worker.content.catalog import (
    ACKNOWLEDGEMENT,
    ACKNOWLEDGEMENT_CONFIRM,
    IN_SPANISH,
    Catalog,
    content_location,
)
from worker.domain.clock import ProductClock
from worker.domain.ids import acknowledgement_id
from worker.domain.leads import Language, Location
from worker.domain.routing import Route, Topic, read_topic, route
from worker.domain.sends import SendKind
from worker.domain.sequences import Plan
from worker.domain.submissions import Submission
from worker.storage.installation import Moment
from worker.storage.leads import Vault
from worker.storage.sends import NewSend
from worker.usecases.arrival.evidence import read_evidence
from worker.usecases.services import Services


class PinnedPlan(NamedTuple):
    """A sequence's plan at a location, and the form in which enrollments store it."""

    plan: Plan
    stored: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The content, the keys and the time (`now` by the product clock) at which a group is admitted."""

    vault: Vault
    catalog: Catalog
    snapshot: str
    clock: ProductClock
    real_now: datetime
    now: datetime
    is_anyone_told: bool
    _plans: dict[tuple[str, Location], PinnedPlan] = field(default_factory=dict)

    def plan_of(self, sequence: str, location: Location) -> PinnedPlan:
        """What an enrollment of this moment pins; the same object for all alike."""
        key = sequence, location
        if key not in self._plans:
            plan = self.catalog.sequences[sequence].plan_for(location)
            self._plans[key] = PinnedPlan(plan, plan.to_json())
        return self._plans[key]

    def in_language_of(self, form: str, email: str) -> str:
        """The email to send in place of this one to who wrote by this form: itself, where there is no other."""
        shown = self.catalog.forms.get(form)
        if shown is None or shown.language is not Language.SPANISH:
            return email
        spanish = IN_SPANISH.get(email, email)
        return spanish if spanish in self.catalog.emails else email

    def is_sandbox(self, form: str) -> bool:
        """True for a form whose leads are tests."""
        return form in self.catalog.forms and self.catalog.forms[form].sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One submission, routed. The hashes are those by which its person is found."""

    submission: Submission
    topic: Topic
    route: Route
    submitted_at: datetime
    email_hash: str | None
    phone_hash: str | None

    @property
    def person(self) -> str:
        """By which its person is found: the address, else the number."""
        return self.email_hash or self.phone_hash or ""


def open_desk(services: Services, connection: Connection, moment: Moment) -> Desk:
    """The desk as it stands at this moment. Raises ConfigurationError before the first publish."""
    snapshot, renderer = services.content.named(connection, moment.snapshot)
    return Desk(
        vault=services.vault,
        catalog=renderer.catalog,
        snapshot=snapshot,
        clock=moment.clock,
        real_now=moment.real,
        now=moment.now,
        is_anyone_told=moment.is_anyone_told,
    )


def receive(desk: Desk, submission: Submission) -> Arrival:
    """Decide where a submission belongs."""
    topic, decided = route_submission(desk.catalog, submission)
    return Arrival(
        submission=submission,
        topic=topic,
        route=decided,
        submitted_at=desk.clock.at(submission.received_at),
        email_hash=desk.vault.email_hash(submission.email),
        phone_hash=desk.vault.phone_hash(submission.phone),
    )


def route_submission(catalog: Catalog, submission: Submission) -> tuple[Topic, Route]:
    """Where a submission belongs, and why."""
    form = catalog.forms.get(submission.form)
    evidence = read_evidence(
        choice=submission.first("location"),
        zip_code=submission.first("zip"),
        state=submission.first("state"),
        phone=submission.phone,
        form_default=form.default_location if form else None,
        clinic=catalog.clinic,
    )
    topic = read_topic(list(submission.fields.get("condition", ())), submission.first("treatment"), catalog.routing)
    return topic, route(evidence, topic, catalog.routing)


def acknowledgement(
    desk: Desk, submission: Submission, lead_id: str, location: Location, *, was_unsubscribed: bool
) -> NewSend:
    """The answer to a submission, due at once.

    Someone who had unsubscribed and ticked the box again is asked to confirm it; nurture waits for that.
    """
    must_confirm = was_unsubscribed and submission.consent_email
    answer = answer_to(submission.id, lead_id, location, must_confirm=must_confirm, now=desk.now)
    return replace(answer, email=desk.in_language_of(submission.form, answer.email))


def answer_to(key: str, lead_id: str, location: Location, *, must_confirm: bool, now: datetime) -> NewSend:
    """The one answer of this key, due at once; `must_confirm` where only a click makes the person's consent count."""
    return NewSend(
        id=acknowledgement_id(key),
        lead_id=lead_id,
        enrollment_id=None,
        kind=SendKind.ACKNOWLEDGEMENT,
        step=None,
        email=ACKNOWLEDGEMENT_CONFIRM if must_confirm else ACKNOWLEDGEMENT,
        location=content_location(location),
        sequence=None,
        due_at=now,
    )
