"""Drafts for lint: the shipped content with one thing changed, and what lint then says of it.

A draft is the one email of one sequence at one place unless a test says otherwise, so that a test takes
milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from tests.unit import shipped
from worker.content.catalog import Catalog, Email
from worker.content.lint.engine import lint
from worker.content.lint.finding import Finding
from worker.content.lint.rule import Hit
from worker.content.lint.sequence_rules import check_sequences
from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.domain.leads import Location
from worker.usecases.content.check_content import check_content

TODAY = date(2026, 11, 22)

CARBONDALE = "spravato-visit"
"""An email that is sent at one place, in one sequence."""
ALBANY = "albany-visit"
BOTH = "social-anxiety-day-to-day"

CALL = '{{ block("call-to-action") }}'
RISKS = '{{ block("off-label") }}\n\n{{ block("ketamine-risks") }}\n\n{{ block("who-it-may-not-suit") }}'


def body(text: str, *, before_button: str = "") -> str:
    """A body with this text in it."""
    parts = ["# A heading", "{{ greeting }}", text, before_button, CALL]
    return "\n" + "\n\n".join(part for part in parts if part) + "\n"


def catalog_of(email: Email, catalog: Catalog | None = None, **changes: Any) -> Catalog:
    """The catalog with this email in it."""
    catalog = catalog or shipped.catalog()
    return replace(catalog, emails={**catalog.emails, email.id: email}, **changes)


def email_with(text: str, email: str = CARBONDALE, *, scope: dict[str, Any] | None = None, **changes: Any) -> Email:
    """A shipped email with another body, and with other settings."""
    shipped_email = shipped.catalog().emails[email]
    changes.setdefault("claims", ())
    return replace(shipped_email, body=text, scope=replace(shipped_email.scope, **scope or {}), **changes)


def said_of(email: Email, catalog: Catalog | None = None, today: date = TODAY) -> list[Finding]:
    """What lint says of this email, and only of it."""
    return lint(Renderer(catalog_of(email, catalog)), today, emails={email.id})


def said_of_text(text: str, email: str = CARBONDALE) -> list[Finding]:
    """What lint says of an email with this text between its greeting and its button."""
    return said_of(email_with(body(text), email))


def said_of_body(text: str, email: str = CARBONDALE, **changes: Any) -> list[Finding]:
    """What lint says of an email with this body."""
    return said_of(email_with(text, email, **changes))


def said_of_inbox(subject: str = "What the day itself is like", preheader: str = "x" * 50) -> list[Finding]:
    """What lint says of this subject and preheader."""
    return said_of(email_with(body("A few words."), subject=subject, preheader=preheader))


def said_of_shipped(email: str = CARBONDALE, catalog: Catalog | None = None, today: date = TODAY) -> list[Finding]:
    """What lint says of a shipped email."""
    catalog = catalog or shipped.catalog()
    return said_of(catalog.emails[email], catalog, today)


def with_block(name: str, old: str, new: str) -> Catalog:
    """The catalog with other words in a block."""
    blocks = shipped.catalog().blocks
    assert old in blocks[name]
    return replace(shipped.catalog(), blocks={**blocks, name: blocks[name].replace(old, new)})


def with_layout(old: str, new: str) -> Catalog:
    """The catalog with another HTML layout."""
    layout = shipped.catalog().layout
    assert old in layout["email.html"]
    return replace(shipped.catalog(), layout={**layout, "email.html": layout["email.html"].replace(old, new)})


def with_place(location: Location, **changes: Any) -> Catalog:
    """The catalog with other facts about a place."""
    catalog = shipped.catalog()
    places = {**catalog.clinic.places, location: replace(catalog.clinic.places[location], **changes)}
    return replace(catalog, clinic=replace(catalog.clinic, places=places))


def with_claim(name: str, **changes: Any) -> Catalog:
    """The catalog with a claim changed."""
    catalog = shipped.catalog()
    return replace(catalog, claims={**catalog.claims, name: replace(catalog.claims[name], **changes)})


def with_sequence(name: str, **changes: Any) -> Catalog:
    """The catalog with a sequence changed."""
    catalog = shipped.catalog()
    return replace(catalog, sequences={**catalog.sequences, name: replace(catalog.sequences[name], **changes)})


def with_step(name: str, step: str, **changes: Any) -> Catalog:
    """The catalog with a step of a sequence changed."""
    steps = shipped.catalog().sequences[name].steps
    assert any(one.id == step for one in steps)
    return with_sequence(name, steps=tuple(replace(one, **changes) if one.id == step else one for one in steps))


def said_of_sequences(catalog: Catalog | None = None) -> list[Hit]:
    """What is said of sequences."""
    return [hit for hit, _ in check_sequences(catalog or shipped.catalog())]


def said_of_wire(catalog: Catalog, email: str = CARBONDALE) -> list[Finding]:
    """What lint says of an email with the bytes that would leave."""
    return check_content(Renderer(catalog), TODAY, emails={email})


def said_of_files(changes: dict[str, tuple[str, str]], email: str, today: date = TODAY) -> list[Finding]:
    """What lint says of an email once a piece of some files is replaced."""
    return lint(Renderer(edited(tuple((path, *change) for path, change in changes.items()))), today, emails={email})


@lru_cache(maxsize=32)
def edited(changes: tuple[tuple[str, str, str], ...]) -> Catalog:
    """The catalog of the shipped files with pieces replaced."""
    files = dict(shipped.files())
    for path, old, new in changes:
        assert old in files[path], f"{path} has no {old!r}"
        files[path] = files[path].replace(old, new, 1)
    return load_catalog(files)


def rules(findings: Iterable[Finding | Hit]) -> set[str]:
    """The rules that were broken."""
    return {finding.rule for finding in findings}
