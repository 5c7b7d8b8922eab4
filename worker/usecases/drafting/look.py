"""A text as it would be if it were saved now: how it renders, and what lint says, without saving anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from worker.content.catalog import Catalog, Purpose
from worker.content.lint.engine import lint_order, told
from worker.content.lint.finding import Finding
from worker.content.lint.front_rules import unreadable
from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.domain.drafting import tidy
from worker.errors import ContentInvalid
from worker.usecases.content.check_content import check_content

_A_FEW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`renderer` is None where the files do not load; then the findings say why."""

    renderer: Renderer | None
    findings: list[Finding]


def look_at(files: Mapping[str, str], path: str, typed: str, today: date) -> Look:
    """What becomes of the draft with this text in its place. Of an email only itself is read; of a block or the claims
    what they do to a few of the emails that have them; of others, the quick."""
    try:
        renderer = Renderer(load_catalog({**files, path: tidy(typed)}))
    except ContentInvalid as error:
        return Look(renderer=None, findings=told(unreadable(problem) for problem in error.problems))
    email = email_of(path)
    if email:
        return Look(renderer=renderer, findings=check_content(renderer, today, emails={email}))
    shown = check_content(renderer, today, emails=_showing(renderer.catalog, files, path))
    return Look(renderer=renderer, findings=[*(found for found in shown if found.path == path), *lint_order(renderer)])


def _showing(catalog: Catalog, before: Mapping[str, str], path: str) -> set[str]:
    """A few emails by which a text is known for what it does: that have this block, or state a claim changed here."""
    if path == "claims.toml":
        names = {name for name, claim in catalog.claims.items() if claim.says not in before.get(path, "")}
        shows = re.compile(rf"claim\(\s*[\"'](?:{'|'.join(map(re.escape, names))})[\"']") if names else None
    else:
        shows = uses_of_block(path)
    if shows is None:
        return set()
    found = [email.id for email in catalog.emails.values() if shows.search(email.body)][:_A_FEW]
    if not found and path.startswith("blocks/"):  # a part of what every email ends with
        found = [next(one.id for one in catalog.emails.values() if one.purpose is purpose) for purpose in Purpose]
    return set(found)


def uses_of_block(path: str) -> re.Pattern[str] | None:
    """How a text says that it has the block of this file; None for any other file."""
    folder, _, name = path.partition("/")
    return re.compile(rf"block\(\s*[\"']{re.escape(name.removesuffix('.md'))}[\"']") if folder == "blocks" else None


def email_of(path: str) -> str:
    """The id of the email in this file; empty for any other file."""
    folder, _, name = path.partition("/")
    return name.removesuffix(".md") if folder == "emails" else ""


def sequence_of(path: str) -> str:
    """The id of the sequence in this file; empty for any other file."""
    folder, _, name = path.partition("/")
    return name.removesuffix(".toml") if folder == "sequences" else ""
