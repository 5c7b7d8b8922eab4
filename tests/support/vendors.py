"""What vendors of forms post, in the shapes that they document and were seen to send, of one fictional person."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

URLENCODED = "application/x-www-form-urlencoded"
JSON = "application/json"
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"

WORDING = "Yes, email me a few short messages."
CONTACT = f"""
[forms.contact]
name = "The contact page of the website"
origins = ["https://www.example.com"]
consent_version = "2026-01-01"
consent_wording = "{WORDING}"

[forms.contact.fields]
email = ["Where can we write to you?", "2"]
first_name = ["1.3"]
last_name = ["1.6"]
phone = ["3"]
zip = ["4"]
consent_email = ["5.1", "May we email you?"]
"""


@dataclass(frozen=True)
class Posted:
    """One post: the address that it goes to, its body, and what kind of content it says it is."""

    source: str
    body: bytes
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(source: str, data: Any) -> Posted:
    return Posted(source, json.dumps(data).encode())


def multipart(fields: Mapping[str, str]) -> bytes:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in
             fields.items()]  # fmt: skip
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()


def duda_field(label: str, value: str, kind: str, number: int | None) -> dict[str, Any]:
    name = None if number is None else f"dmform-{number:02d}"
    return {"field_label": label, "field_value": value, "field_type": kind, "field_key": "", "field_id": name}


def duda_fields(email: str, email_label: str = "Email") -> list[dict[str, Any]]:
    return [
        duda_field("Name", "Maya Example", "text", 0),
        duda_field(email_label, email, "email", 1),
        duda_field("Phone", "(618) 555-0133", "phone", 2),
        duda_field("ZIP code", "62901", "text", 3),
        duda_field("May we email you?", WORDING, "checkbox", 4),
        duda_field("Title", "Contact Us", "form_title", None),
    ]


def duda_event(data: Any, at: int = 1772467200123) -> dict[str, Any]:
    return {
        "data": data,
        "source": None,
        "resource_data": {"site_name": "974d714008f440529ea58094ccf9a97c"},
        "event_timestamp": at,
        "event_type": "CONTACT_FORM_SENT_V2",
    }


def duda(email: str) -> Posted:
    details = {"utm_campaign": "spring", "fieldsData": duda_fields(email), "recipients": ["desk@example.com"],
               "emailSubject": "New form", "emailSender": "noreply@example.com"}  # fmt: skip
    return as_json("duda", duda_event(details))


def duda_list(email: str) -> Posted:
    """Deliveries may come as a list of events."""
    return Posted("duda", b"[" + duda(email).body + b"]")


def duda_bare(email: str) -> Posted:
    """As the app store sends it: the fields are `data` itself."""
    return as_json("duda", {**duda_event(duda_fields(email)), "event_type": "CONTACT_FORM_SENT"})


def typeform(email: str) -> Posted:
    fields = [
        {"id": "n1", "title": "First name", "type": "short_text", "ref": "first"},
        {"id": "n2", "title": "Last name", "type": "short_text", "ref": "last"},
        {"id": "e1", "title": "And how do we reach you by mail, {{field:n1}}?", "type": "email", "ref": "r-e1"},
        {"id": "g1", "title": "Your numbers", "type": "group", "properties": {"fields": [
            {"id": "p1", "title": "Mobile number", "type": "phone_number", "ref": "r-p1"},
            {"id": "z1", "title": "ZIP code", "type": "number", "ref": "r-z1"}]}},
        {"id": "c1", "title": "May we email you?", "type": "yes_no", "ref": "r-c1"},
        {"id": "w1", "title": "What would you like help with?", "type": "multiple_choice", "ref": "r-w1"},
    ]  # fmt: skip

    def answer(field_id: str, kind: str, value: Any) -> dict[str, Any]:
        return {"type": kind, kind: value, "field": {"id": field_id, "type": kind, "ref": f"r-{field_id}"}}

    response = {
        "form_id": "lT4Z3j",
        "token": f"token-of-{email}",
        "landed_at": "2026-03-02T15:58:30Z",
        "submitted_at": "2026-03-02T16:00:00Z",
        "hidden": {"utm_campaign": "spring"},
        "definition": {"id": "lT4Z3j", "title": "Contact", "fields": fields},
        "answers": [
            answer("n1", "text", "Maya"),
            answer("n2", "text", "Example"),
            answer("e1", "email", email),
            answer("p1", "phone_number", "+16185550133"),
            answer("z1", "number", 62901),
            answer("c1", "boolean", True),
            answer("w1", "choices", {"ids": ["a"], "labels": ["Anxiety"], "other": "sleep", "refs": ["b"]}),
        ],
    }
    data = {"event_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "event_type": "form_response", "form_response": response}
    return as_json("generic", data)


def jotform_fields(email: str) -> dict[str, str]:
    raw = {
        "slug": "submit/260000000000001",
        "q3_fullName3": {"first": "Maya", "last": "Example"},
        "q4_email": email,
        "q5_phoneNumber": {"full": "(618) 555-0133"},
        "q6_address": {"addr_line1": "1 Fictional Way", "city": "Carbondale", "state": "IL", "postal": "62901"},
        "q7_consent": ["I agree"],
        "event_id": "1772467200123_260000000000001",
    }
    return {
        "action": "",
        "webhookURL": "https://leads.example.com/",
        "formID": "260000000000001",
        "submissionID": f"600000{sum(email.encode())}",
        "formTitle": "Contact",
        "pretty": f"Name:Maya Example, Email:{email}",
        "type": "WEB",
        "ip": "192.0.2.7",
        "rawRequest": json.dumps(raw),
    }


def jotform(email: str) -> Posted:
    return Posted("generic", multipart(jotform_fields(email)), f"multipart/form-data; boundary={BOUNDARY}")


def jotform_urlencoded(email: str) -> Posted:
    return Posted("generic", urlencode(jotform_fields(email)).encode(), URLENCODED)


def webflow_post(email: str) -> dict[str, Any]:
    return {
        "name": "Contact form",
        "siteId": "65427cf400e02b306eaa049c",
        "data": {"Full name": "Maya Example", "E-Mail Address": email, "Phone": "618-555-0133", "Zip": "62901",
                 "May we email you?": "true"},
        "schema": [{"fieldName": "E-Mail Address", "fieldType": "FormTextInput", "fieldElementId": "285042f7"}],
        "submittedAt": "2026-03-02T16:00:00.123Z",
        "id": f"6321ca84-{email}",
        "formId": "65429eadebe8a9f3a30f62d0",
    }  # fmt: skip


def webflow(email: str) -> Posted:
    return as_json("generic", {"triggerType": "form_submission", "payload": webflow_post(email)})


def webflow_first_version(email: str) -> Posted:
    post = webflow_post(email)
    old = {"name": post["name"], "site": post["siteId"], "data": post["data"], "d": post["submittedAt"]}
    return as_json("generic", {**old, "_id": post["id"]})


def gravity_entry(email: str) -> dict[str, Any]:
    return {
        "id": "12", "form_id": "1", "post_id": None, "date_created": "2026-03-02 16:00:00", "is_starred": "0",
        "is_read": "0", "ip": "192.0.2.7", "source_url": "https://www.example.com/contact/", "user_agent": "Mozilla",
        "status": "active", "1.2": "", "1.3": "Maya", "1.6": "Example", "2": email, "3": "(618) 555-0133",
        "4": "62901", "5.1": "1", "5.2": WORDING, "5.3": "1",
    }  # fmt: skip


def gravity(email: str) -> Posted:
    return as_json("generic", gravity_entry(email))


def gravity_as_form(email: str) -> Posted:
    entry = {name: value or "" for name, value in gravity_entry(email).items()}
    return Posted("generic", urlencode(entry).encode(), URLENCODED)


def elementor(email: str) -> Posted:
    fields = {
        "Name": "Maya Example", "Email": email, "Phone": "618 555 0133", "ZIP": "62901", "May we email you?": "on",
        "Date": "March 2, 2026", "Time": "10:00 am", "Page URL": "https://www.example.com/contact",
        "User Agent": "Mozilla", "Remote IP": "192.0.2.7", "Powered by": "Elementor", "form_id": "3c1f2a",
        "form_name": "Contact",
    }  # fmt: skip
    return Posted("generic", urlencode(fields).encode(), URLENCODED)


def elementor_advanced(email: str) -> Posted:
    values = {"name": ("Your name", "Maya Example", "text"), "email": ("Email", email, "email"),
              "field_a1": ("Phone", "618 555 0133", "tel"), "field_b2": ("ZIP", "62901", "number"),
              "field_c3": ("May we email you?", "on", "acceptance")}  # fmt: skip
    pairs = {"form[id]": "3c1f2a", "form[name]": "Contact", "meta[page_url][title]": "Page URL",
             "meta[page_url][value]": "https://www.example.com/contact"}  # fmt: skip
    for name, (title, value, kind) in values.items():
        described = {"id": name, "type": kind, "title": title, "value": value, "raw_value": value, "required": "1"}
        pairs |= {f"fields[{name}][{key}]": text for key, text in described.items()}
    return Posted("generic", urlencode(pairs).encode(), URLENCODED)


def plain(email: str) -> Posted:
    person = {"firstName": "Maya", "last_name": "Example", "email": email, "phone": "6185550133"}
    data = {"submission_id": f"4711-{email}", "person": person, "answers": {"zip": 62901, "May we email you?": "YES"}}
    return as_json("generic", data)


VENDORS: Mapping[str, Callable[[str], Posted]] = {
    make.__name__: make
    for make in (
        duda, duda_bare, duda_list, elementor, elementor_advanced, gravity, gravity_as_form, jotform,
        jotform_urlencoded, plain, typeform, webflow, webflow_first_version,
    )
}  # fmt: skip
"""Every shape, by name."""


def mac(secret: bytes, signed: bytes) -> bytes:
    return hmac.new(secret, signed, hashlib.sha256).digest()


def signed_by_typeform(body: bytes, secret: str) -> dict[str, str]:
    return {"Typeform-Signature": "sha256=" + base64.b64encode(mac(secret.encode(), body)).decode()}


def signed_by_webflow(body: bytes, secret: str, at_ms: int) -> dict[str, str]:
    signature = mac(secret.encode(), f"{at_ms}:".encode() + body).hex()
    return {"X-Webflow-Signature": signature, "X-Webflow-Timestamp": str(at_ms)}


def signed_by_duda(body: bytes, secret: str, at_ms: int) -> dict[str, str]:
    signature = base64.b64encode(mac(base64.b64decode(secret), f"{at_ms}.".encode() + body)).decode()
    return {"X-Duda-Signature": signature, "X-Duda-Signature-Timestamp": str(at_ms)}
