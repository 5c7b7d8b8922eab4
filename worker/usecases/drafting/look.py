"""A text as it would be if it were saved now: how it renders, and what lint says, without saving anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from worker.content.lint.engine import lint_order, told
from worker.content.lint.finding import Finding
from worker.content.lint.front_rules import unreadable
from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.domain.drafting import tidy
from worker.errors import ContentInvalid
from worker.usecases.content.check_content import check_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`renderer` is None where the files do not load; then the findings say why."""

    renderer: Renderer | None
    findings: list[Finding]


def look_at(files: Mapping[str, str], path: str, typed: str, today: date) -> Look:
    """What becomes of the draft with this text in its place. Of an email only itself is read; of others, the quick."""
    try:
        renderer = Renderer(load_catalog({**files, path: tidy(typed)}))
    except ContentInvalid as error:
        return Look(renderer=None, findings=told(unreadable(problem) for problem in error.problems))
    email = email_of(path)
    findings = check_content(renderer, today, emails={email}) if email else lint_order(renderer)
    return Look(renderer=renderer, findings=findings)


def email_of(path: str) -> str:
    """The id of the email in this file; empty for any other file."""
    folder, _, name = path.partition("/")
    return name.removesuffix(".md") if folder == "emails" else ""


def sequence_of(path: str) -> str:
    """The id of the sequence in this file; empty for any other file."""
    folder, _, name = path.partition("/")
    return name.removesuffix(".toml") if folder == "sequences" else ""
