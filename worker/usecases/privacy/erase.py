"""Erase a person, whatever state their lead is in and whoever is mailing them at this moment.

  stop ─▶ wait for what is with a provider ─▶ forget, in one transaction ─▶ tidy files and queues ─▶ search everywhere

After `stop` the gate lets nothing more out; a hand-over that was under way completes before anything is deleted.
Interrupted anywhere, it goes on when it is asked again, and by itself with a sweep. What remains leads to nobody: a
keyed hash that suppresses the address, keyed hashes that keep late copies from coming back, and one entry that says
who erased someone, and why; and, sealed until they are told, a notice for the systems that were told of the lead.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from worker.domain.consent import SuppressionReason, SuppressionScope
from worker.domain.ids import new_id
from worker.domain.messages import text_of
from worker.domain.sends import CancelReason, SendKind
from worker.errors import NamesPerson, NotFound, WithProvider
from worker.storage import (
    erased,
    erasure_notices,
    installation,
    leads,
    persons,
    sends,
    sends_of_lead,
    submissions,
    suppressions,
    timeline,
)
from worker.storage.database import real_now
from worker.storage.leads import Identity
from worker.storage.persons import Rows
from worker.storage.search import overwrite_deleted
from worker.storage.timeline import Happened
from worker.storage.traces import NAMES_OF_ROWS, ids_of, quotes, traces_of
from worker.usecases.nurture.enroll import exit_sequence
from worker.usecases.privacy.belongings import belongings_of
from worker.usecases.privacy.residue import Residue, search_everywhere
from worker.usecases.reports.tally import count_again
from worker.usecases.services import Services

log = structlog.get_logger()

PATIENCE = timedelta(seconds=100)
"""Longer than the lease of a hand-over: whoever has it then is dead."""

_LOOK_EVERY = timedelta(seconds=0.2)
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Who asks for it and why, and what stays suppressed: everything, nurture only, or nothing."""

    actor: str
    reason: str
    suppress: SuppressionScope | None = SuppressionScope.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was done: the number that the audit entry bears, and how much went."""

    number: str
    rows: int
    files: int
    messages: int
    residue: Residue


def erase_lead(
    services: Services,
    lead_id: str,
    erasure: Erasure,
    *,
    patience: timedelta = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> Erased:
    """Erase a lead and prove it. Raises NotFound; NamesPerson, and then nothing has changed; WithProvider, and then it
    goes on by itself."""
    _stop(services, lead_id, erasure)
    _wait_for_hand_overs(services, lead_id, patience, sleep)
    return finish(services, lead_id, erasure)


def finish(services: Services, lead_id: str, erasure: Erasure) -> Erased:
    """All that comes after the stop. Raises NotFound; WithProvider."""
    if _is_with_provider(services, lead_id):
        raise WithProvider("one of their emails is with the provider at this moment; the rest follows in some minutes")
    forgotten = _forget(services, lead_id, erasure)
    traces = traces_of(forgotten.found, forgotten.identity)
    files = _tidy_files(services, forgotten.found, traces.only(NAMES_OF_ROWS).spellings)
    messages = _tidy_broker(services, persons.ids(forgotten.found, "submissions", "parked"))
    overwrite_deleted(services.database)
    log.info("lead.erased", count=forgotten.rows)
    services.queue.tell()
    return Erased(
        number=forgotten.number,
        rows=forgotten.rows,
        files=files,
        messages=messages,
        residue=search_everywhere(services, traces),
    )


def _stop(services: Services, lead_id: str, erasure: Erasure) -> None:
    """Let nothing more out: what is planned is withdrawn, the address suppressed."""
    with services.database.write() as connection:
        lead = leads.lock(connection, lead_id)
        if lead is None:
            raise NotFound(f"there is no lead {lead_id}")
        if quotes(erasure.reason, _identity(services, lead)):
            raise NamesPerson("the reason names the person; it outlives them here, so write it without name or address")
        now = installation.product_now(connection)
        _suppress(connection, lead, erasure.suppress, now)
        exit_sequence(connection, lead_id, CancelReason.ERASED, now, erasure.actor)
        sends.cancel_pending(connection, lead_id, CancelReason.ERASED, kinds=SendKind)
        sends_of_lead.forget_keys(connection, lead_id)
        leads.change(connection, lead_id, status=leads.ERASING)
        wanted = {"reason": erasure.reason, "suppressed": erasure.suppress, "began": real_now(connection).isoformat()}
        timeline.add(connection, Happened.ERASING, now, lead_id, actor=erasure.actor, **wanted)


def _suppress(connection: Connection, lead: Mapping[str, Any], scope: SuppressionScope | None, now: datetime) -> None:
    """What was suppressed before stays so. With `nurture`, a new form with consent may be confirmed by a click."""
    if scope is None or lead["email_hash"] is None:
        return
    reason = SuppressionReason.ERASED if scope is SuppressionScope.ALL else SuppressionReason.UNSUBSCRIBED
    suppressions.add(connection, lead["email_hash"], reason, "erasure", now)


def _wait_for_hand_overs(services: Services, lead_id: str, patience: timedelta, sleep: Callable[[float], None]) -> None:
    """Let what is with a provider come back, or its lease end: then whoever had it is dead."""
    for _ in range(int(patience / _LOOK_EVERY)):
        if not _is_with_provider(services, lead_id):
            return
        sleep(_LOOK_EVERY.total_seconds())


def _is_with_provider(services: Services, lead_id: str) -> bool:
    with services.database.read() as connection:
        return sends_of_lead.in_flight(connection, lead_id, real_now(connection)) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forgotten:
    number: str
    found: Rows
    identity: Identity
    rows: int


def _forget(services: Services, lead_id: str, erasure: Erasure) -> _Forgotten:
    """Delete every row, leave the entry and the marks. Of two transactions that wait for each other, PostgreSQL
    ends one; where it is this one, it is tried again."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(OperationalError), services.database.write() as connection:
            return _forget_once(services, connection, lead_id, erasure)
    with services.database.write() as connection:
        return _forget_once(services, connection, lead_id, erasure)


def _forget_once(services: Services, connection: Connection, lead_id: str, erasure: Erasure) -> _Forgotten:
    lead = leads.lock(connection, lead_id)
    if lead is None:
        raise NotFound(f"lead {lead_id} has just been erased by someone else")
    persons.lock(connection, persons.find(connection, lead_id))
    leads.lock_out(connection, lead_id)
    now, identity, lookup = installation.product_now(connection), _identity(services, lead), services.vault.lookup
    beside = belongings_of(connection, services, lead_id, identity)
    found = persons.find(connection, lead_id, beside.submission_ids, beside.parked_ids)
    bodies = {**beside.bodies, **{row["id"]: row["body_hash"] for row in found["submissions"]}}
    count_again(services, connection, found)
    for submission_id, body_hash in bodies.items():
        erased.remember(connection, lookup, submission_id, body_hash, now)
    erasure_notices.record(connection, services.ring, lead, found["outgoing_events"], now)
    rows, number = persons.erase(connection, found), new_id()
    entry = {"number": number, "rows": rows, "suppressed": erasure.suppress, "reason": erasure.reason}
    timeline.add(connection, Happened.ERASED, now, None, actor=erasure.actor, **entry)
    return _Forgotten(number=number, found=found, identity=identity, rows=rows)


def _identity(services: Services, lead: Mapping[str, Any]) -> Identity:
    """Who it is; nobody, where the key is lost: they are erased all the same."""
    return services.vault.readable_identity(lead) or Identity()


def _tidy_files(services: Services, found: Rows, spellings: Sequence[bytes]) -> int:
    """Remove the person's files and envelopes on this host, and blank their ids in logs."""
    if services.files is None:
        return 0
    meant = set(persons.ids(found, "submissions"))
    taken = services.files.spool.take_out(lambda envelope: submissions.envelope_id(envelope) in meant)
    services.files.blank_logs(ids_of(found))
    return taken + services.files.remove(spellings)


def _tidy_broker(services: Services, meant: Sequence[str]) -> int:
    """Take copies off the queues. Where the broker is away, the search says so, and the marks make them harmless."""
    if services.broker is None:
        return 0
    try:
        dropped = services.broker.drop(lambda raw: any(one in text_of(raw) for one in meant))
    except redis.RedisError:
        return 0
    services.broker.compact_log()
    return dropped
