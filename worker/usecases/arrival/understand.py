"""Understand a post: from fields to a `Submission`, or every problem at once (`InvalidSubmission`).

Strict only where the person can mend it and we could not reach them otherwise; anything merely odd is
flagged, anything suspicious marked for quarantine. No network: an address is not looked up here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from worker.content.catalog import Catalog
from worker.domain.forms import CAPTCHA_FIELD, Form, TokenCheck
from worker.domain.ids import reference, submission_id
from worker.domain.safety import screen
from worker.domain.submissions import Fields, Submission, flat, is_true
from worker.errors import FieldError, InvalidSubmission, UnusableContact
from worker.usecases.arrival.contact import normal_email, normal_phone

DEFAULT_FORM = "clinic"
HONEYPOT = "website"
OURS = frozenset({HONEYPOT, CAPTCHA_FIELD, "form_token", "idempotency_key"})
"""Fields of our own form that say nothing about the person; they are not kept."""

_MAX_SHORT = 200
_SHORT = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "zip",
    "state",
    "location",
    "treatment",
    "preferred_contact",
)
_MIN_PHONE_DIGITS = 7
_PRIVATE = frozenset({"email", "phone", "first_name", "last_name", "zip", "state", "location", "form", "page_url"})


def understand(
    fields: Fields, catalog: Catalog, received_at: datetime, key: str | None, token: TokenCheck
) -> Submission:
    """The submission that these fields make. Raises InvalidSubmission."""
    errors: list[FieldError] = []
    flags: list[str] = []
    form = _form(fields, catalog, errors)
    _check_lengths(fields, errors)
    email = _email(flat(fields, "email"), errors)
    phone = _phone(flat(fields, "phone"), has_email=bool(flat(fields, "email")), errors=errors, flags=flags)
    if not flat(fields, "email") and not flat(fields, "phone"):
        errors.append(
            _error(
                "/email",
                "contact.missing",
                "Please give an email address or a phone number, so that we can answer you.",
            )
        )
    if errors:
        raise InvalidSubmission(errors)
    kept = {name: values for name, values in fields.items() if name not in OURS}
    identity = submission_id(form.key, key and f"{key}/{digest(kept)}" if token.nonce == key else key)
    return Submission(
        id=identity,
        reference=reference(identity),
        received_at=received_at,
        form=form.key,
        fields=kept,
        email=email,
        phone=phone,
        consent_email=is_true(flat(fields, "consent_email")),
        wording_version=form.consent_version,
        flags=tuple(flags),
        suspicions=tuple(_suspicions(fields, token)),
        crisis=screen(_free_texts(kept), catalog.crisis),
    )


def digest(fields: Mapping[str, tuple[str, ...]]) -> str:
    """A short digest of what was posted, for telling a repeat from a correction."""
    return hashlib.sha256(repr(sorted(fields.items())).encode()).hexdigest()[:16]


def _error(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _form(fields: Fields, catalog: Catalog, errors: list[FieldError]) -> Form:
    key = flat(fields, "form") or DEFAULT_FORM
    if key not in catalog.forms:
        errors.append(
            _error("/form", "form.unknown", "No such form is registered; leave `form` out for the clinic's own.")
        )
        key = DEFAULT_FORM
    return catalog.forms[key]


def _check_lengths(fields: Fields, errors: list[FieldError]) -> None:
    detail = f"Please keep this within {_MAX_SHORT} characters."
    errors += [
        FieldError(pointer=f"/{name}", code="text.too_long", detail=detail)
        for name in _SHORT
        if len(flat(fields, name)) > _MAX_SHORT
    ]


def _email(text: str, errors: list[FieldError]) -> str | None:
    """The address in its one spelling; None, with the problem noted, where it is of no use."""
    if not text or len(text) > _MAX_SHORT:
        return None
    try:
        return normal_email(text)
    except UnusableContact as error:
        errors.append(FieldError(pointer="/email", code=error.code, detail=error.detail))
        return None


def _phone(text: str, *, has_email: bool, errors: list[FieldError], flags: list[str]) -> str | None:
    """E.164; an odd number is kept as it was typed, and flagged, since a person can often still read it."""
    if not text or len(text) > _MAX_SHORT:
        return None
    if (normal := normal_phone(text)) is not None:
        return normal
    if sum(character.isdigit() for character in text) < _MIN_PHONE_DIGITS and not has_email:
        errors.append(_error("/phone", "phone.too_short", "Please enter a phone number like 618-555-0142."))
        return None
    flags.append("phone.odd")
    return text


def _suspicions(fields: Fields, token: TokenCheck) -> list[str]:
    found = ["honeypot"] if flat(fields, HONEYPOT) else []
    return found + ([token.suspicion] if token.suspicion else [])


def _free_texts(fields: Fields) -> list[str]:
    """Everything a person may have written in words of their own; unknown fields count."""
    return [value for name, values in fields.items() if name not in _PRIVATE for value in values]
