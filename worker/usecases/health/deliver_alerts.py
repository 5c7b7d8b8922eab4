"""Tell staff what waits in the alert outbox; try again with back-off, park what is hopeless.

Of a person who may be in danger they are told again and again, until someone acknowledges it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from worker.delivery.alerts import AlertText
from worker.domain.leads import Location
from worker.domain.paging import until_next_page, until_retry
from worker.errors import ConfigurationError, DeliveryError, PermanentDeliveryError
from worker.storage import alerts, installation, leads, timeline
from worker.storage.alerts import PAGED, AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.services import Services

log = structlog.get_logger()

MAX_ATTEMPTS = 10
_BATCH = 20
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=5), timedelta(minutes=30)

_URGENT = {AlertKind.CRISIS, AlertKind.SENDING_HELD, AlertKind.SENDING_STOPPED}
_TITLES = {
    AlertKind.NEW_LEAD: "New consultation request",
    AlertKind.WROTE_AGAIN: "A lead wrote again",
    AlertKind.CRISIS: "URGENT: please look at this message now",
    AlertKind.CRISIS_REVIEW: "Please read this message today",
    AlertKind.QUARANTINED: "A submission waits in quarantine",
    AlertKind.CONTENT_HELD: "An email is held: its content needs someone",
    AlertKind.SEND_UNKNOWN: "An email may or may not have gone out",
    AlertKind.SUBMISSION_PARKED: "A submission could not be read",
    AlertKind.MESSAGE_PARKED: "A message on the queue could not be read",
    AlertKind.UNANSWERED: "Someone still waits for an answer",
    AlertKind.PLANS_REPAIRED: "Many plans of emails were lost, and worked out again: please look why",
    AlertKind.SENDING_HELD: "URGENT: sending is held until someone confirms this database",
    AlertKind.SENDING_STOPPED: "URGENT: all sending has stopped, since we are refused; it waits for a person",
    AlertKind.SEQUENCE_STOPPED: "A sequence has stopped: too many bounces or complaints",
    AlertKind.SEQUENCE_ANNOYS: "A sequence was marked as spam: please read it again before it stops itself",
    AlertKind.ADDRESS_BAD: "A lead's email address does not work: please call",
    AlertKind.REPLIED: "A lead has replied by email: please answer",
    AlertKind.FEEDBACK_PARKED: "News of an email could not be read",
    AlertKind.PROVIDER_FAILS: "The mail provider fails: emails wait, and it is tried again by itself",
    AlertKind.BOOKING_PARKED: "Someone booked, and it is not clear who: please look whether their emails should end",
    AlertKind.EVENT_PARKED: "A system that is told what happens does not take it",
    AlertKind.PROVIDER_WORKS: "The mail provider works again: emails go out",
    AlertKind.NEEDS_ATTENTION: "Something has needed attention for ten minutes: nurture status says what",
    AlertKind.NO_LEADS: "No lead for two working days: is the form broken?",
}


def deliver_alerts(services: Services) -> Counter[str]:
    """Post every alert that is due; how many ended in each state."""
    total: Counter[str] = Counter()
    while batch := _claim(services):
        for alert in batch:
            total[_deliver_one(services, alert)] += 1
    return total


def _claim(services: Services) -> list[Mapping[str, Any]]:
    with services.database.read() as connection:
        if not alerts.is_due(connection, real_now(connection)):
            return []  # the writer lock is not worth taking for nothing
    with services.database.write() as connection:
        return alerts.claim_due(connection, real_now(connection), _BATCH)


def _deliver_one(services: Services, alert: Mapping[str, Any]) -> str:
    text = _text_of(services, alert)
    try:
        services.alerts.post(text)
    except DeliveryError as error:
        return _finish(services, alert, _after_failure(alert, error), error)
    return _finish(services, alert, alerts.PAGING if alert["kind"] in PAGED else alerts.SENT, None)


def _after_failure(alert: Mapping[str, Any], error: DeliveryError) -> str:
    """A person in danger is never given up, whatever the channel says."""
    if alert["kind"] in PAGED:
        return str(alert["state"])
    is_hopeless = isinstance(error, PermanentDeliveryError) or alert["attempts"] >= MAX_ATTEMPTS
    return alerts.PARKED if is_hopeless else alerts.PENDING


def _finish(services: Services, alert: Mapping[str, Any], state: str, error: DeliveryError | None) -> str:
    with services.database.write() as connection:
        now = installation.product_now(connection)
        values: dict[str, Any] = {"last_code": error.code if error else None}
        if error is None:
            values |= {"sent_at": now, "attempts": 0, "pages": alert["pages"] + 1}
        if (wait := _wait(alert, state, error)) is not None:
            values["not_before"] = real_now(connection) + wait
        is_there = alerts.finish(connection, alert["id"], state, **values)
        if is_there and alert["lead_id"] and (error is None or state == alerts.PARKED):
            kind = Happened.ALERTED if error is None else Happened.ALERT_PARKED
            timeline.add(connection, kind, now, alert["lead_id"], alert=alert["kind"], code=values["last_code"])
    log.info(f"alert.{state}", alert_id=alert["id"], kind=alert["kind"], code=values["last_code"])
    return state


def _wait(alert: Mapping[str, Any], state: str, error: DeliveryError | None) -> timedelta | None:
    """How long until this alert is due again; None when it is done with."""
    if alert["kind"] in PAGED:
        if error is not None:
            return until_retry(alert["attempts"])
        return until_next_page(PAGED[AlertKind(alert["kind"])], alert["pages"] + 1)
    if state != alerts.PENDING:
        return None
    attempts: int = alert["attempts"]
    return min(_FIRST_RETRY * (1 << attempts - 1), _LONGEST_RETRY)


def _text_of(services: Services, alert: Mapping[str, Any]) -> AlertText:
    kind = AlertKind(alert["kind"])
    lead, clinic = None, None
    if alert["lead_id"]:
        with services.database.read() as connection:
            lead = leads.by_ids(connection, [alert["lead_id"]]).get(alert["lead_id"])
            clinic = _clinic(services, connection)
    if lead is None:
        return AlertText(
            id=alert["id"],
            title=_TITLES[kind],
            body=" ".join([f"At {alert['created_at']:%Y-%m-%d %H:%M} UTC.", *_how_to_acknowledge(alert, None)]),
            link=f"{services.public_url}/console/",
            urgent=kind in _URGENT,
        )
    where = Location(lead["location"])
    place = clinic.places[where].city if clinic and where in clinic.places else where.value.replace("_", " ")
    zone = clinic.calendar(where).zone if clinic else "UTC"
    lines = [f"{place}, {_local(alert['created_at'], zone)}, reference {lead['reference']}."]
    lines.append(f"On the server: nurture leads explain {lead['reference']}.")
    lines += _how_to_acknowledge(alert, lead["reference"])
    if lead["email_hash"] is None:
        lines.append("They left a phone number only: no email will be sent. Please call.")
    return AlertText(
        id=alert["id"],
        title=f"{_TITLES[kind]}, {place}",
        body=" ".join(lines),
        link=f"{services.public_url}/console/leads/{lead['id']}",
        urgent=kind in _URGENT,
    )


def _how_to_acknowledge(alert: Mapping[str, Any], reference: str | None) -> list[str]:
    """How to end the calling, and since how many calls nobody has."""
    if alert["kind"] not in PAGED:
        return []
    lines = [f"Told {alert['pages']} times so far, and nobody has acknowledged it."] if alert["pages"] else []
    if reference is None:
        return [*lines, "It lies in quarantine. See nurture quarantine list, then nurture quarantine acknowledge."]
    return [*lines, f"Whoever takes it: nurture leads acknowledge {reference}."]


def _clinic(services: Services, connection: Any) -> Any:
    try:
        return services.content.renderer(connection)[1].catalog.clinic
    except ConfigurationError:
        return None


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%d %b %H:%M %Z}"
