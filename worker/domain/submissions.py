"""A submission: one posted form, kept verbatim and immutable, with what intake understood of it.

This is what is sealed into the spool and onto the queue; only capture opens it. The version number lets a
worker read what an older or newer intake wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.domain.ids import SubmissionId
from worker.domain.safety import CrisisTier

VERSION = 1

KNOWN_FIELDS = frozenset(
    {
        "email", "phone", "first_name", "last_name", "location", "zip", "state", "condition", "treatment",
        "message", "preferred_contact", "consent_email", "form", "page_url",
    }
)  # fmt: skip
"""The fields of the public contract, beside any `utm_…`; others are kept, sealed, and decide nothing."""

Fields = Mapping[str, tuple[str, ...]]
"""What was posted: each name with all its values."""

IMPORTED = "imported"
"""The flag of a submission that came from a table: its person did not write just now."""

TRUE_WORDS = frozenset({"true", "on", "yes", "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPost:
    """A foreign form's webhook, byte for byte (as Latin-1), until it is mapped; `source` is the vendor's name."""

    source: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """`fields` is what was posted, verbatim, each name with all its values.

    `email` is normalised (lower case, ASCII domain), `phone` E.164; `flags` are oddities for staff such as
    `phone.odd`; `suspicions` send it to quarantine; `crisis` is the tier of its free text. One that came from
    a foreign form has the `digest` of its answers and, until capture has mapped it, its `raw` post and no fields.
    """

    id: SubmissionId
    reference: str
    received_at: datetime
    form: str
    fields: Fields
    email: str | None
    phone: str | None
    consent_email: bool
    wording_version: str
    flags: tuple[str, ...] = ()
    suspicions: tuple[str, ...] = ()
    crisis: CrisisTier | None = None
    raw: RawPost | None = None
    digest: str = ""

    @property
    def is_imported(self) -> bool:
        """True for one that came from a table."""
        return IMPORTED in self.flags

    def first(self, name: str) -> str | None:
        """The first value of a field, stripped; None where it is missing or blank."""
        values = self.fields.get(name, ())
        return next((value.strip() for value in values if value.strip()), None)

    def to_json(self) -> dict[str, Any]:
        """What is sealed."""
        return {
            "version": VERSION,
            "id": self.id,
            "reference": self.reference,
            "received_at": self.received_at.isoformat(),
            "form": self.form,
            "fields": {name: list(values) for name, values in self.fields.items()},
            "email": self.email,
            "phone": self.phone,
            "consent_email": self.consent_email,
            "wording_version": self.wording_version,
            "flags": list(self.flags),
            "suspicions": list(self.suspicions),
            "crisis": self.crisis,
        } | self._of_foreign_form()

    def _of_foreign_form(self) -> dict[str, Any]:
        """What only such a post has: the others read as the first release wrote them."""
        raw = {"raw": [self.raw.source, self.raw.body]} if self.raw else {}
        return raw | ({"digest": self.digest} if self.digest else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Submission:
        """Read what any version wrote; keys that this version does not know are ignored."""
        crisis, raw = data.get("crisis"), data.get("raw")
        return cls(
            id=SubmissionId(data["id"]),
            reference=data["reference"],
            received_at=datetime.fromisoformat(data["received_at"]),
            form=data["form"],
            fields={name: tuple(values) for name, values in data["fields"].items()},
            email=data.get("email"),
            phone=data.get("phone"),
            consent_email=bool(data.get("consent_email")),
            wording_version=data.get("wording_version", ""),
            flags=tuple(data.get("flags", ())),
            suspicions=tuple(data.get("suspicions", ())),
            crisis=CrisisTier(crisis) if crisis else None,
            raw=RawPost(source=raw[0], body=raw[1]) if raw else None,
            digest=data.get("digest", ""),
        )


def flat(fields: Fields, name: str) -> str:
    """The first value of a field, stripped, or an empty text."""
    values = fields.get(name)
    return values[0].strip() if values else ""


def is_true(text: str | None) -> bool:
    """How forms say yes: true, on, yes, 1."""
    return (text or "").strip().casefold() in TRUE_WORDS
