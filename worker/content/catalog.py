"""The content as values: everything under `templates/email/`, loaded, cross-checked and ready to render.

A catalog that loads is whole: every sequence's emails, blocks and claims exist, every location and
condition has a sequence, and every slot that an email uses is filled by each sequence that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from worker.domain.clinic import Clinic
from worker.domain.eligibility import EmailScope
from worker.domain.forms import Form
from worker.domain.leads import Condition, Language, Location
from worker.domain.routing import RoutingRules
from worker.domain.safety import CrisisPatterns
from worker.domain.sends import SendKind
from worker.domain.sequences import Sequence
from worker.errors import ContentInvalid, TemplateError

ACKNOWLEDGEMENT = "acknowledgement"
"""The id of the email that answers every lead."""

ACKNOWLEDGEMENT_CONFIRM = "acknowledgement-confirm"
"""The id of the answer to someone who had unsubscribed and ticked the box again: it asks for a confirming click."""

IN_SPANISH: Mapping[str, str] = {
    ACKNOWLEDGEMENT: "acknowledgement-es",
    ACKNOWLEDGEMENT_CONFIRM: "acknowledgement-confirm-es",
}
"""What is sent in place of an answer to someone who wrote by a form in Spanish, where the content has it."""

ARTICLES: Mapping[str, str] = {
    "ketamine-infusion-2024": "Understanding how ketamine infusion therapy works (15 July 2024)",
    "tms-antidepressants-2025": "TMS compared with antidepressants (22 January 2025; only its introduction)",
    "social-anxiety-2025": "Ketamine for social anxiety disorder (3 March 2025)",
    "illinois-insurance-2025": "Insurance-backed depression treatment in Illinois (1 April 2025)",
}
"""The clinic's articles, the source of every fact."""


class Purpose(StrEnum):
    """Why an email is sent. Required and typed: an educational email always needs consent."""

    ACKNOWLEDGEMENT = "acknowledgement"
    EDUCATIONAL = "educational"

    @property
    def send_kind(self) -> SendKind:
        """The kind of send that carries such an email."""
        return SendKind.ACKNOWLEDGEMENT if self is Purpose.ACKNOWLEDGEMENT else SendKind.NURTURE


class ClaimKind(StrEnum):
    """What a claim is about; insurance claims age fastest."""

    MEDICAL = "medical"
    INSURANCE = "insurance"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One medical, insurance or process claim, in its only wording."""

    id: str
    says: str
    kind: ClaimKind
    source: str
    section: str
    locations: frozenset[Location]
    conditions: frozenset[Condition]
    needs: tuple[str, ...]
    review_by: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One email: its front matter and its Markdown body. `body_line` is the line of the file where it begins."""

    scope: EmailScope
    subject: str
    preheader: str
    purpose: Purpose
    topics: tuple[str, ...]
    slots: tuple[str, ...]
    claims: tuple[str, ...]
    sources: tuple[str, ...]
    reviewed: date
    sponsor: str
    language: Language
    body: str
    body_line: int

    @property
    def id(self) -> str:
        """The email's id, which is also its file's name."""
        return self.scope.id

    @property
    def path(self) -> str:
        """Its file, as people see it."""
        return f"emails/{self.id}.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A lint rule that a file may break until a day, because a named person says so. `path` is that file."""

    path: str
    rule: str
    reason: str
    by: str
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A fictional lead for previews, lint and tests."""

    id: str
    name: str
    first_name: str
    last_name: str
    email: str
    phone: str
    location: str
    zip: str
    condition: str
    treatment: str
    consent_email: bool
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything under `templates/email/`. `files` is what it was loaded from, to show where things stand."""

    clinic: Clinic
    routing: RoutingRules
    crisis: CrisisPatterns
    forms: Mapping[str, Form]
    synonyms: Mapping[str, str]
    claims: Mapping[str, Claim]
    blocks: Mapping[str, str]
    emails: Mapping[str, Email]
    sequences: Mapping[str, Sequence]
    layout: Mapping[str, str]
    personas: Mapping[str, Persona]
    waivers: tuple[Waiver, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)

    def footer_of(self, language: Language) -> str:
        """The block that ends every email in this language; without one of its own, the English one."""
        own = f"footer-{language}"
        return own if own in self.blocks else "footer"

    def sequences_with(self, email: str) -> tuple[Sequence, ...]:
        """The sequences that have a step with this email."""
        return tuple(
            sequence for sequence in self.sequences.values() if any(step.email == email for step in sequence.steps)
        )


def read_content_files(root: Path) -> dict[str, str]:
    """The draft files of a folder, by their path within it, as a snapshot holds them. Raises ContentInvalid: without
    a problem where there is no such folder, else with each file that is no text."""
    if not root.is_dir():
        raise ContentInvalid([])
    files, problems = dict[str, str](), list[TemplateError]()
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix in _TEXTS:
            name = path.relative_to(root).as_posix()
            try:
                files[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                problems.append(TemplateError(name, "is not UTF-8 text; save it as UTF-8"))
    if problems:
        raise ContentInvalid(problems)
    return files


_TEXTS = {".toml", ".md", ".html", ".txt"}


def content_location(location: Location) -> Location:
    """The location whose content a lead gets: someone out of the area is answered like an undecided one."""
    return Location.UNDECIDED if location is Location.OUT_OF_AREA else location
