"""HubSpot's contacts, after https://developers.hubspot.com/docs/api-reference/crm-contacts-v3 and …/error-handling."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.providers.stub import ProviderStub, Reply, Request

STANDARD = {"email", "firstname", "lastname", "phone"}


class HubSpotStub(ProviderStub):
    """One account. `contacts` by id; `properties` are those that its administrator has made."""

    credentials = "pat-na1-11111111-2222-3333-4444-555555555555"
    sending = ("POST", "/crm/v3/objects/contacts")

    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, dict[str, str]] = {}
        self.properties = {"clinic_reference", "clinic_location", "clinic_stage"}

    def handle(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {self.credentials}":
            return error(401, "INVALID_AUTHENTICATION")
        body = json.loads(request.body) if request.body else {}
        if request.method == "GET" and request.path == "/crm/v3/properties/contacts":
            return Reply(status=200, body={"results": [{"name": name} for name in sorted(STANDARD | self.properties)]})
        if request.method == "POST" and request.path == "/crm/v3/objects/contacts/batch/read":
            return self.read_batch(body)
        if request.method == "POST" and request.path == "/crm/v3/objects/contacts":
            return self.create(body)
        if request.method == "POST" and request.path == "/crm/v3/objects/contacts/search":
            return self.search(body)
        if request.method == "POST" and request.path == "/crm/v3/objects/contacts/gdpr-delete":
            return self.forget(body)
        if request.method == "PATCH" and (found := re.fullmatch(r"/crm/v3/objects/contacts/(\d+)", request.path)):
            return self.update(found[1], body)
        return error(404, "OBJECT_NOT_FOUND")

    def read_batch(self, body: dict[str, Any]) -> Reply:
        assert body["idProperty"] == "email"
        wanted = [row["id"].lower() for row in body["inputs"]]
        found = [
            {"id": key, "properties": values, "archived": False}
            for key, values in self.contacts.items()
            if values["email"] in wanted
        ]
        if len(found) == len(wanted):
            return Reply(status=200, body={"status": "COMPLETE", "results": found})
        problem = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": f"Could not get {wanted}",
                   "context": {"ids": wanted}}  # fmt: skip
        return Reply(status=207, body={"status": "COMPLETE", "results": found, "numErrors": 1, "errors": [problem]})

    def search(self, body: dict[str, Any]) -> Reply:
        ((wanted,),) = (group["filters"] for group in body["filterGroups"])
        assert wanted["operator"] == "EQ"
        if refused := self.problem({wanted["propertyName"]: ""}):
            return refused
        found = [
            {"id": key, "properties": values, "archived": False}
            for key, values in self.contacts.items()
            if values.get(wanted["propertyName"]) == wanted["value"]
        ]
        return Reply(status=200, body={"total": len(found), "results": found})

    def forget(self, body: dict[str, Any]) -> Reply:
        """Permanently, with all that hangs on it; HubSpot answers without content, for one it does not have as well."""
        assert "idProperty" not in body, "by address it would block the address as well"
        self.contacts.pop(body["objectId"], None)
        return Reply(status=204, body={})

    def create(self, body: dict[str, Any]) -> Reply:
        properties = body["properties"]
        if refused := self.problem(properties):
            return refused
        with self.lock:
            email = properties["email"].lower()
            for key, values in self.contacts.items():
                if values["email"] == email:
                    return error(409, "CONFLICT", message=f"Contact already exists. Existing ID: {key}")
            key = str(501 + len(self.contacts))
            self.contacts[key] = {**properties, "email": email}
        return Reply(status=201, body={"id": key, "properties": self.contacts[key]})

    def update(self, key: str, body: dict[str, Any]) -> Reply:
        if key not in self.contacts:
            return error(404, "OBJECT_NOT_FOUND")
        if refused := self.problem(body["properties"]):
            return refused
        self.contacts[key].update(body["properties"])
        return Reply(status=200, body={"id": key, "properties": self.contacts[key]})

    def problem(self, properties: dict[str, Any]) -> Reply | None:
        for name in sorted(properties.keys() - STANDARD - self.properties):
            return error(400, "VALIDATION_ERROR", code="PROPERTY_DOESNT_EXIST", name=name)
        if properties.get("email") in self.bad_addresses:
            return error(400, "VALIDATION_ERROR", code="INVALID_EMAIL", name="email")
        return None

    def too_many(self) -> Reply:
        body = {"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}
        return Reply(status=429, body=body)


def error(status: int, category: str, *, code: str = "", name: str = "", message: str = "") -> Reply:
    body: dict[str, Any] = {
        "status": "error",
        "message": message or "Words about maya@example.com.",
        "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
        "category": category,
    }
    if code:
        body["errors"] = [{"message": f"Property {name}", "code": code, "context": {"propertyName": [name]}}]
    return Reply(status=status, body=body)
