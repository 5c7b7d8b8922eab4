"""Tell HubSpot: a contact is created, updated or deleted, by an event about its lead. By its CRM API, version 3.

Contacts are looked up by address in a request's body, never in its path, where addresses would end up in logs. Of two
that create the same contact, one is refused with 409; its event comes again, and then finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from requests import JSONDecodeError, Response

from worker.delivery.api import Bearer
from worker.delivery.webhook import ask
from worker.domain.outgoing_events import EventType
from worker.domain.redelivery import Fate, Told, judge
from worker.outgoing import OutgoingSession

BASE = "https://api.hubapi.com"
_CONTACTS = "/crm/v3/objects/contacts"
_PROPERTIES = "/crm/v3/properties/contacts"

OWN_PROPERTIES = ("clinic_reference", "clinic_location", "clinic_stage")
HEALTH_PROPERTIES = ("clinic_condition", "clinic_treatment")
"""Properties that an administrator makes in HubSpot; those about health only where an agreement covers it."""

_STAGES: Mapping[str, str] = {
    EventType.LEAD_CREATED: "asked",
    EventType.CONSULTATION_BOOKED: "booked",
    EventType.LEAD_UNSUBSCRIBED: "unsubscribed",
}
HUBSPOT_EVENTS = (*_STAGES, EventType.LEAD_ROUTED, EventType.LEAD_ERASED)
NOT_FOR_HUBSPOT = Told(fate=Fate.TAKEN, code="hubspot_not_needed")
_GONE = Told(fate=Fate.TAKEN, code="hubspot_404")
"""Of a contact that is to be deleted: it is."""
MISSING = "hubspot_property_missing"


class HubSpot:
    """One account, by the token of a private app."""

    def __init__(self, session: OutgoingSession, base: str, token: str) -> None:
        self._session, self._base, self._auth = session, base.rstrip("/"), Bearer(token)

    def tell(self, body: Mapping[str, Any]) -> Told:
        """Create or update the contact that an event is about, or delete whoever was erased here."""
        if body["type"] == EventType.LEAD_ERASED:
            return self._forget(body["data"]["reference"])
        properties = properties_of(body)
        if properties is None:
            return NOT_FOR_HUBSPOT
        found, told = self._find(properties["email"])
        if told.fate is not Fate.TAKEN:
            return told
        content = {"properties": properties}
        if found is not None:
            return self._ask("PATCH", f"{_CONTACTS}/{found}", content)[1]
        return self._ask("POST", _CONTACTS, content)[1]

    def _forget(self, reference: str) -> Told:
        """Delete for good the contacts that bear this reference; the address that they would be found by is gone."""
        wanted = {"propertyName": "clinic_reference", "operator": "EQ", "value": reference}
        asked = {"filterGroups": [{"filters": [wanted]}], "properties": ["clinic_reference"], "limit": 100}
        answer, told = self._ask("POST", f"{_CONTACTS}/search", asked)
        for key in _ids(answer):
            if told.fate is Fate.TAKEN:
                told = self._ask("POST", f"{_CONTACTS}/gdpr-delete", {"objectId": key})[1]
                told = _GONE if told.code == _GONE.code else told
        return told

    def check(self, *, with_health: bool) -> Told:
        """Does the token work, and are our properties there?"""
        answer, told = self._ask("GET", _PROPERTIES, None)
        if told.fate is not Fate.TAKEN:
            return told
        names = {row.get("name") for row in answer.get("results", ()) if isinstance(row, dict)}
        wanted = {*OWN_PROPERTIES, *(HEALTH_PROPERTIES if with_health else ())}
        return told if wanted <= names else Told(fate=Fate.AWAY, code=MISSING)

    def _find(self, email: str) -> tuple[str | None, Told]:
        """The id of the contact with this address, if there is one."""
        asked = {"idProperty": "email", "inputs": [{"id": email}], "properties": ["email"]}
        answer, told = self._ask("POST", f"{_CONTACTS}/batch/read", asked)
        return next(iter(_ids(answer)), None), told

    def _ask(self, method: str, path: str, content: Any) -> tuple[Mapping[str, Any], Told]:
        """What came back, and what it means. Its own words quote what we sent, so only codes are kept."""
        answers: list[Response] = []

        def call() -> Response:
            answers.append(self._session.request(method, self._base + path, json=content, auth=self._auth))
            return answers[0]

        told = ask(call)
        answer = _json(answers[0]) if answers else {}
        return answer, _judged(told, answers[0].status_code, answer) if answers else told


def properties_of(body: Mapping[str, Any]) -> dict[str, str] | None:
    """What a contact is given by an event; None where there is none to be made: no address, a test, another event."""
    data, kind = body["data"], body["type"]
    contact = data.get("contact") or {}
    if kind not in HUBSPOT_EVENTS or data.get("is_test") or not contact.get("email"):
        return None
    found = {
        "email": contact["email"],
        "firstname": contact["first_name"],
        "lastname": contact["last_name"],
        "phone": contact["phone"],
        "clinic_reference": data["reference"],
        "clinic_location": data["location"],
        "clinic_stage": _STAGES.get(kind),
        "clinic_condition": data.get("condition"),
        "clinic_treatment": data.get("treatment"),
    }
    return {name: value for name, value in found.items() if value}


def _judged(told: Told, status: int, answer: Mapping[str, Any]) -> Told:
    """HubSpot's statuses where they mean more than HTTP says."""
    if status == 400:
        is_ours = "PROPERTY_DOESNT_EXIST" in _codes(answer)
        return Told(fate=Fate.AWAY, code=MISSING) if is_ours else Told(fate=Fate.HOPELESS, code="hubspot_400")
    if status == 409:
        return Told(fate=Fate.NOT_THIS, code="hubspot_409")
    return replace(told, code=f"hubspot_{status}") if told.fate is not Fate.GONE else judge(404)


def _ids(answer: Mapping[str, Any]) -> list[str]:
    """The contacts that an answer names."""
    found = (str(row.get("id", "")) for row in answer.get("results", ()) if isinstance(row, dict))
    return [key for key in found if key.isdigit()]


def _codes(answer: Mapping[str, Any]) -> set[str]:
    errors = answer.get("errors")
    return {str(row.get("code")) for row in errors if isinstance(row, dict)} if isinstance(errors, list) else set()


def _json(answer: Response) -> Mapping[str, Any]:
    try:
        content = answer.json()
    except JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}
