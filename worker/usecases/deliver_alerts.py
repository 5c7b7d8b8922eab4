"""Tell staff what waits in the alert outbox; try again with back-off, park what is hopeless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from worker.delivery.alerts import AlertText
from worker.domain.leads import Location
from worker.errors import ConfigurationError, DeliveryError, PermanentDeliveryError
from worker.storage import alerts, installation, leads, timeline
from worker.storage.alerts import AlertKind
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
    AlertKind.QUARANTINED: "A submission waits in quarantine",
    AlertKind.CONTENT_HELD: "An email is held: its content needs someone",
    AlertKind.SEND_UNKNOWN: "An email may or may not have gone out",
    AlertKind.SUBMISSION_PARKED: "A submission could not be read",
    AlertKind.MESSAGE_PARKED: "A message on the queue could not be read",
    AlertKind.UNANSWERED: "Someone still waits for an answer",
    AlertKind.SENDING_HELD: "URGENT: sending is held until someone confirms this database",
    AlertKind.SENDING_STOPPED: "URGENT: all sending has stopped, since mail servers refuse us",
    AlertKind.SEQUENCE_STOPPED: "A sequence has stopped: too many bounces or complaints",
    AlertKind.ADDRESS_BAD: "A lead's email address does not work: please call",
    AlertKind.REPLIED: "A lead has replied by email: please answer",
    AlertKind.FEEDBACK_PARKED: "News of an email could not be read",
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
    except PermanentDeliveryError as error:
        return _finish(services, alert, alerts.PARKED, error)
    except DeliveryError as error:
        hopeless = alert["attempts"] >= MAX_ATTEMPTS
        return _finish(services, alert, alerts.PARKED if hopeless else alerts.PENDING, error)
    return _finish(services, alert, alerts.SENT, None)


def _finish(services: Services, alert: Mapping[str, Any], state: str, error: DeliveryError | None) -> str:
    with services.database.write() as connection:
        now = installation.product_now(connection)
        values: dict[str, Any] = {"last_code": error.code if error else None}
        if state == alerts.SENT:
            values["sent_at"] = now
        if state == alerts.PENDING:
            wait = min(_FIRST_RETRY * 2 ** (alert["attempts"] - 1), _LONGEST_RETRY)
            values["not_before"] = real_now(connection) + wait
        alerts.finish(connection, alert["id"], state, **values)
        if state != alerts.PENDING and alert["lead_id"]:
            kind = Happened.ALERTED if state == alerts.SENT else Happened.ALERT_PARKED
            timeline.add(connection, kind, now, alert["lead_id"], alert=alert["kind"], code=values["last_code"])
    log.info(f"alert.{state}", alert_id=alert["id"], kind=alert["kind"], code=values["last_code"])
    return state


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
            body=f"At {alert['created_at']:%Y-%m-%d %H:%M} UTC.",
            link=f"{services.public_url}/console/",
            urgent=kind in _URGENT,
        )
    where = Location(lead["location"])
    place = clinic.places[where].city if clinic and where in clinic.places else where.value.replace("_", " ")
    zone = clinic.calendars(where)[0].zone if clinic else "UTC"
    lines = [f"{place}, {_local(alert['created_at'], zone)}, reference {lead['reference']}."]
    lines.append(f"On the server: nurture leads explain {lead['reference']}.")
    if lead["email_hash"] is None:
        lines.append("They left a phone number only: no email will be sent. Please call.")
    return AlertText(
        id=alert["id"],
        title=f"{_TITLES[kind]}, {place}",
        body=" ".join(lines),
        link=f"{services.public_url}/console/leads/{lead['id']}",
        urgent=kind in _URGENT,
    )


def _clinic(services: Services, connection: Any) -> Any:
    try:
        return services.content.renderer(connection)[1].catalog.clinic
    except ConfigurationError:
        return None


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%d %b %H:%M %Z}"
