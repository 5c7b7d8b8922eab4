"""Capture: from a sealed submission to a stored, routed, answered lead, in one transaction, exactly once.

Idempotent on the submission's id: a message that comes twice, or a relay that pushes again, changes
nothing. A submission that can't be opened, or whose key was used for another body, is parked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from worker.domain.ids import is_id
from worker.domain.submissions import Submission
from worker.errors import ContentInvalid, SealError, Unmappable
from worker.faults import fault
from worker.queues import QueueName
from worker.storage import alerts, erased, installation, parked, pauses, submissions, timeline
from worker.storage.alerts import AlertKind, crisis_kind
from worker.storage.database import is_transient, real_now
from worker.storage.installation import Moment
from worker.storage.leads import Vault
from worker.storage.pauses import PauseScope
from worker.storage.sealing import LookupKey
from worker.storage.timeline import Happened
from worker.usecases.arrival.admit import admit
from worker.usecases.forms.map_raw import crisis_in, map_raw
from worker.usecases.services import Services
from worker.usecases.webhooks.tell import is_anything_to_tell

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What became of a group: newly stored, known already, quarantined, parked; and whether other systems are
    told of it."""

    stored: int = 0
    repeated: int = 0
    quarantined: int = 0
    parked: int = 0
    is_anyone_told: bool = field(default=False, compare=False)

    def __add__(self, other: Captured) -> Captured:
        return Captured(
            stored=self.stored + other.stored,
            repeated=self.repeated + other.repeated,
            quarantined=self.quarantined + other.quarantined,
            parked=self.parked + other.parked,
            is_anyone_told=self.is_anyone_told or other.is_anyone_told,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """An envelope and what was in it; a `code` says why it could not be opened."""

    envelope: str
    submission: Submission | None = None
    body_hash: str = ""
    sealed: str = ""
    code: str = ""


def capture(services: Services, envelopes: Sequence[str], *, unless_paused: bool = False) -> Captured:
    """Store what these envelopes hold; nothing where a person has paused intake, if that is to be heeded. Raises only
    for trouble of this process, such as a database that is away; the relay tries again."""
    total = _capture_group(services, envelopes, unless_paused=unless_paused)
    if total.stored:
        services.queue.deliver()
        if total.is_anyone_told and is_anything_to_tell(services):
            services.queue.tell()
    if total.stored or total.quarantined or total.parked:
        services.queue.alert()
    return total


def park_arguments(services: Services, arguments: object, code: str) -> None:
    """Keep what came in place of sealed submissions."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        item_id = parked.park_message(connection, repr(arguments).encode(), code, services.ring, now)
        alerts.queue(connection, AlertKind.MESSAGE_PARKED, item_id, None, now, real_now(connection))


def _capture_group(services: Services, envelopes: Sequence[str], *, unless_paused: bool) -> Captured:
    """One transaction for all. Where one of them breaks it, each gets its own, so that the others get through."""
    total, vault = Captured(), services.vault  # without the look-up key nothing can be captured, nor parked
    try:
        opened = [_open(vault, envelope) for envelope in envelopes]
        with services.database.write() as connection:
            moment = installation.moment(connection)
            if unless_paused and _is_paused(connection, moment):
                return total
            total = _store_all(services, connection, opened, moment)
            fault("capture_in_transaction")
        fault("capture_committed")
    except Exception as error:
        if _is_of_this_process(error) or not all(isinstance(envelope, str) for envelope in envelopes):
            raise
        if len(envelopes) == 1:
            return _park_failing(services, envelopes[0], error)
        alone = (_capture_group(services, [envelope], unless_paused=unless_paused) for envelope in envelopes)
        return sum(alone, Captured())
    return total


def _is_paused(connection: Connection, moment: Moment) -> bool:
    """As it nearly never is: then it was told along with the moment."""
    return moment.may_be_paused and pauses.is_paused(connection, PauseScope.QUEUE, QueueName.INTAKE, moment.now)


def _is_of_this_process(error: Exception) -> bool:
    """No fault of the submission: the database is away, or this process can't read what is published, as one of an
    older release can't during a roll-out. Another process takes what the relay offers again."""
    return is_transient(error) or isinstance(error, ContentInvalid)


def _park_failing(services: Services, envelope: str, error: Exception) -> Captured:
    """A submission that our own code fails on: kept for a person, who replays it once that is mended."""
    log.error("capture.failed", exc_info=error)
    with services.database.write() as connection:
        return _park(connection, envelope, type(error).__name__[:40], installation.product_now(connection))


def _open(vault: Vault, envelope: str) -> _Opened:
    try:
        submission = submissions.open_envelope(envelope, vault.ring)
    except SealError as error:
        return _Opened(envelope=envelope, code=type(error).__name__)
    return _Opened(
        envelope=envelope,
        submission=submission,
        body_hash=submissions.body_hash(submission, vault.lookup),
        sealed=submissions.seal_again(envelope, submission, vault.ring),
    )


def _mapped(services: Services, connection: Connection, one: _Opened) -> _Opened:
    """A foreign form's post by the published mapping, sealed again; with a code where it can't be mapped."""
    if one.submission is None or one.submission.raw is None:
        return one
    catalog = services.content.renderer(connection)[1].catalog
    try:
        submission = map_raw(one.submission, one.submission.raw, catalog)
    except Unmappable as error:
        return replace(one, code=error.code)
    envelope = submissions.envelope(submission, services.ring)
    return replace(one, submission=submission, sealed=envelope.partition(":")[2])


def _page_for_raw(services: Services, connection: Connection, one: _Opened, now: datetime) -> None:
    """Who may be in danger is not kept waiting until a mapping is mended."""
    if one.submission is None or one.submission.raw is None:
        return
    tier = crisis_in(one.submission.raw, services.content.renderer(connection)[1].catalog)
    if tier:
        alerts.queue(connection, crisis_kind(tier), one.submission.id, None, now, real_now(connection))


def _store_all(services: Services, connection: Connection, opened: Sequence[_Opened], moment: Moment) -> Captured:
    now, total = moment.now, Captured(is_anyone_told=moment.is_anyone_told)
    readable: dict[str, _Opened] = {}
    for one in (_mapped(services, connection, each) for each in opened):
        if one.submission is None or one.code:
            total += _park(connection, one.envelope, one.code, now)
            _page_for_raw(services, connection, one, now)
        elif one.submission.id in readable:
            total += _known(connection, one, readable[one.submission.id].body_hash, now)
        else:
            readable[one.submission.id] = one
    rows = [_row(one, one.submission, now) for one in readable.values() if one.submission]
    fresh = submissions.store(connection, rows)
    late = erased.bodies_of(connection, services.vault.lookup, fresh)
    admitted = []
    for submission_id, one in readable.items():
        if submission_id not in fresh:
            stored = submissions.by_id(connection, submission_id)
            total += _known(connection, one, stored["body_hash"] if stored else "", now)
        elif submission_id in late:
            total += _late_copy(connection, one, submission_id, late[submission_id], services.vault.lookup, now)
        elif one.submission and one.submission.suspicions:
            total += _quarantine(connection, one.submission, now)
        elif one.submission:
            admitted.append(one.submission)
    admit(services, connection, admitted, moment)
    return total + Captured(stored=len(admitted))


def _known(connection: Connection, one: _Opened, body_hash: str, now: datetime) -> Captured:
    """A repeat of what is stored changes nothing; another body under the same id is for a person to look at."""
    if one.body_hash != body_hash:
        return _park(connection, one.envelope, "idempotency_conflict", now)
    return Captured(repeated=1)


def _late_copy(
    connection: Connection, one: _Opened, submission_id: str, mark: str, lookup: LookupKey, now: datetime
) -> Captured:
    """What was erased stays so, however late a copy of it turns up: asked only once it is stored, so that an
    erasure in this very moment is seen. Another body under its id is a new post, and kept for a person."""
    submissions.remove(connection, submission_id)
    if mark == erased.body_mark(lookup, submission_id, one.body_hash):
        return Captured(repeated=1)
    return _park(connection, one.envelope, "idempotency_conflict", now)


def _row(one: _Opened, submission: Submission, now: datetime) -> Mapping[str, Any]:
    return {
        "id": submission.id,
        "reference": submission.reference,
        "form": submission.form,
        "received_at": submission.received_at,
        "captured_at": now,
        "sealed": one.sealed,
        "body_hash": one.body_hash,
        "status": submissions.QUARANTINED if submission.suspicions else submissions.ACCEPTED,
        "suspicions": list(submission.suspicions),
        "flags": list(submission.flags),
        "crisis": submission.crisis,
    }


def _quarantine(connection: Connection, submission: Submission, now: datetime) -> Captured:
    timeline.add(
        connection,
        Happened.QUARANTINED,
        now,
        None,
        submission_id=submission.id,
        suspicions=list(submission.suspicions),
    )
    if submission.crisis:  # suspicion may be wrong, and this can't wait for someone to tidy the quarantine
        alerts.queue(connection, crisis_kind(submission.crisis), submission.id, None, now, real_now(connection))
    return Captured(quarantined=1, stored=0)


def _park(connection: Connection, envelope: str, code: str, now: datetime) -> Captured:
    written, _, sealed = envelope.partition(":")
    submission_id = written if is_id(written) else None  # a damaged one is kept all the same
    log.warning("submission.parked", submission_id=submission_id, code=code)
    item_id = parked.park_submission(connection, submission_id, sealed or envelope, code, now)
    if item_id is not None:
        alerts.queue(connection, AlertKind.SUBMISSION_PARKED, item_id, None, now, real_now(connection))
    return Captured(parked=1)
