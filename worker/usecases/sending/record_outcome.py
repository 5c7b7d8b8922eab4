"""Record what a provider answered, and plan what follows, in one transaction fenced by the claim."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from worker.content.catalog import Catalog
from worker.delivery.base import Outcome, Receipt
from worker.domain.feedback import MAILBOX_FULL, DeliveryEvent, EventKind, kind_of_status
from worker.domain.sends import CancelReason, SendKind, SendState, SkipReason
from worker.errors import (
    AmbiguousDeliveryError,
    DeliveryError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from worker.faults import fault
from worker.storage import alerts, delivery_events, enrollments, installation, leads, sends, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.feedback.act_on_event import act_on_event
from worker.usecases.nurture.enroll import exit_sequence, plan_following
from worker.usecases.services import Services

log = structlog.get_logger()

MAX_ATTEMPTS = 12
"""With back-off from one minute to six hours: about two days (RFC 5321 4.5.4.1 asks for days, not hours)."""

_FIRST_RETRY = timedelta(minutes=1)
_LONGEST_RETRY = timedelta(hours=6)


def record_outcome(services: Services, send: Mapping[str, Any], outcome: Outcome, *, is_probe: bool = False) -> str:
    """Store an outcome; the state that the send is in now. A probe that is refused costs the send no attempt."""
    with services.database.write() as connection:
        now = installation.product_now(connection)
        if is_probe and isinstance(outcome, TransientDeliveryError):
            state: str = _not_probed(connection, send, outcome)
        else:
            state = _store(services, connection, send, outcome, now)
    fault("outcome_committed")
    log.info(f"send.{state}", send_id=send["id"], email=send["email"])
    return state


def _store(services: Services, connection: Connection, send: Mapping[str, Any], outcome: Outcome, now: datetime) -> str:
    match outcome:
        case Receipt():
            return _sent(services, connection, send, outcome, now)
        case TransientDeliveryError() if send["attempts"] + 1 < MAX_ATTEMPTS:
            return _refused_for_now(connection, send, outcome, now)
        case AmbiguousDeliveryError():
            return _unknown(services, connection, send, outcome.code, now)
        case DeliveryError():
            return _failed(services, connection, send, outcome, now)


def named(send: Mapping[str, Any]) -> dict[str, Any]:
    """A send as an entry of the timeline names it."""
    return {"send_id": send["id"], "email": send["email"], "step": send["step"]}


def _sent(
    services: Services, connection: Connection, send: Mapping[str, Any], receipt: Receipt, now: datetime
) -> SendState:
    finished = sends.finish(
        connection,
        send,
        SendState.SENT,
        sent_at=now,
        provider=receipt.provider,
        provider_message_id=receipt.provider_message_id,
        last_code=None,
    )
    if finished:
        timeline.add(connection, Happened.SENT, now, send["lead_id"], **named(send))
        _, renderer = services.content.renderer(connection)
        _plan_next(connection, renderer.catalog, send, anchor=now, now=now)
    return SendState.SENT


def _refused_for_now(
    connection: Connection, send: Mapping[str, Any], error: TransientDeliveryError, now: datetime
) -> SendState:
    wait = error.retry_after or min(_FIRST_RETRY * 2 ** send["attempts"], _LONGEST_RETRY)
    until = real_now(connection) + wait
    if sends.finish(connection, send, SendState.PLANNED, not_before=until, last_code=error.code):
        timeline.add(connection, Happened.REFUSED, now, send["lead_id"], code=error.code, **named(send))
    return SendState.PLANNED


def _not_probed(connection: Connection, send: Mapping[str, Any], error: TransientDeliveryError) -> SendState:
    """The provider is still down: as if this send had never been tried. The breaker's back-off is wait enough."""
    sends.finish(connection, send, SendState.PLANNED, attempts=send["attempts"], last_code=error.code)
    return SendState.PLANNED


def _unknown(
    services: Services, connection: Connection, send: Mapping[str, Any], code: str, now: datetime
) -> SendState:
    if sends.finish(connection, send, SendState.UNKNOWN, last_code=code):
        note_unknown(connection, send, code, now, has_key=services.provider.key_ttl is not None)
    return SendState.UNKNOWN


def note_unknown(connection: Connection, send: Mapping[str, Any], code: str, now: datetime, *, has_key: bool) -> None:
    """Say on the timeline, and to staff, that a hand-over has no known end. One with a key may yet settle by itself."""
    timeline.add(connection, Happened.UNKNOWN, now, send["lead_id"], code=code, **named(send))
    if not has_key:
        alerts.queue(connection, AlertKind.SEND_UNKNOWN, send["id"], send["lead_id"], now, real_now(connection))


def _failed(
    services: Services, connection: Connection, send: Mapping[str, Any], error: DeliveryError, now: datetime
) -> SendState:
    if not sends.finish(connection, send, SendState.FAILED, last_code=error.code, provider=services.provider.name):
        return SendState.FAILED
    timeline.add(connection, Happened.FAILED, now, send["lead_id"], code=error.code, **named(send))
    catalog = services.content.renderer(connection)[1].catalog
    event = _as_event(send, error)
    if event is not None:
        delivery_events.record(connection, services.provider.name, event, send, now)
        lead = leads.by_ids(connection, [send["lead_id"]])[send["lead_id"]]
        if act_on_event(connection, "refused_by_server", event, send, lead, catalog.clinic.reputation, now):
            return SendState.FAILED
    plan_after_skip(connection, catalog, send, None, now)
    return SendState.FAILED


def _as_event(send: Mapping[str, Any], error: DeliveryError) -> DeliveryEvent | None:
    """A refusal of the mailbox, or of us, as if it had been told later: it is counted and judged with those. One of
    the message itself is nobody's bounce."""
    status = error.status if isinstance(error, PermanentDeliveryError) else ""
    match error:
        case PermanentDeliveryError(address_is_bad=True):
            kind = EventKind.HARD_BOUNCE
        case PermanentDeliveryError() if kind_of_status(status) is EventKind.OUR_FAULT:
            kind = EventKind.OUR_FAULT
        case PermanentDeliveryError() if status == MAILBOX_FULL:
            kind = EventKind.SOFT_BOUNCE
        case TransientDeliveryError(is_about_recipient=True):
            kind = EventKind.SOFT_BOUNCE  # it was busy, or full, until we gave up
        case _:
            return None
    return DeliveryEvent(event_id=f"refused/{send['id']}", kind=kind, code=status or error.code)


def plan_after_skip(
    connection: Connection,
    catalog: Catalog,
    send: Mapping[str, Any],
    reason: SkipReason | None,
    now: datetime,
) -> None:
    """Plan the step after one that was not sent. Its wait counts from the last send that was."""
    if send["kind"] != SendKind.NURTURE or reason is SkipReason.ENROLLMENT_ENDED:
        return  # whatever ended the enrollment has seen to what follows, perhaps another sequence
    if reason in _EXIT_FOR:
        exit_sequence(connection, send["lead_id"], _EXIT_FOR[reason], now)
        return
    anchor = sends.last_of_enrollment(connection, send["enrollment_id"])
    _plan_next(connection, catalog, send, anchor=anchor, now=now)


def plan_after_resolution(services: Services, connection: Connection, send: Mapping[str, Any], now: datetime) -> None:
    """Plan the step after one whose unknown outcome was settled, unless the sequence has gone on meanwhile."""
    if send["enrollment_id"] is None:
        return
    latest = sends.latest_of_enrollment(connection, send["enrollment_id"])
    if latest is not None and latest["id"] == send["id"]:
        _, renderer = services.content.renderer(connection)
        _plan_next(connection, renderer.catalog, send, anchor=send["handed_over_at"], now=now)


def _plan_next(
    connection: Connection,
    catalog: Catalog,
    send: Mapping[str, Any],
    *,
    anchor: datetime | None,
    now: datetime,
) -> None:
    if send["enrollment_id"] is None:
        return
    enrollment = enrollments.by_ids(connection, [send["enrollment_id"]])[send["enrollment_id"]]
    if enrollment["status"] == enrollments.ACTIVE:
        plan_following(
            connection,
            catalog,
            enrollment,
            last_step=send["step"],
            anchor=anchor or enrollment["started_at"],
            now=now,
        )


_EXIT_FOR: dict[SkipReason | None, CancelReason] = {
    SkipReason.SUPPRESSED: CancelReason.UNSUBSCRIBED,
    SkipReason.NO_CONSENT: CancelReason.UNSUBSCRIBED,
    SkipReason.NO_EMAIL_ADDRESS: CancelReason.STAFF_STOP,
}
