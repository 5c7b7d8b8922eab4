"""`lint`: read the draft files as a careful colleague would, before anyone else does. Needs no database."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.text import Text

from worker.cli.common import AsJson
from worker.cli.output import console, errors, fail, print_json
from worker.content.catalog import Catalog, read_content_files
from worker.content.lint.engine import told
from worker.content.lint.finding import Finding, Severity, count, errors_in, summary
from worker.content.lint.front_rules import unreadable
from worker.content.load import CONTENT_LOCATIONS, load_catalog
from worker.content.render import Renderer
from worker.domain.leads import Location
from worker.errors import ContentInvalid
from worker.settings import TEMPLATES
from worker.usecases.content.check_content import check_content

_LOOKS = {Severity.E: ("error", "red"), Severity.W: ("warning", "yellow"), Severity.I: ("note", "dim")}


def lint(
    emails: Annotated[list[str] | None, typer.Argument(help="ids of emails; every email without it")] = None,
    location: Annotated[Location | None, typer.Option(help="only as it is at this location")] = None,
    content: Annotated[Path, typer.Option(help="folder of the draft files")] = TEMPLATES,
    as_of: Annotated[str, typer.Option("--as-of", help="the day to judge review dates by; today without it")] = "",
    as_json: AsJson = False,
) -> None:
    """Check the draft emails: words, disclosures, links, claims, dates, sequences. Exits with 1 on an error.

    Example: nurture lint risks first-visit --location albany
    """
    today = _day(as_of)
    try:
        catalog = load_catalog(read_content_files(content))
    except ContentInvalid as error:
        found = told(unreadable(problem) for problem in error.problems)
        _finish(found, None, as_json=as_json, sequences=0)
    wanted = _known(emails, catalog)
    if location is not None and location not in CONTENT_LOCATIONS:
        fail(f"Nothing is written for {location}; say {', '.join(CONTENT_LOCATIONS)}.")
    with errors.status(f"reading {len(wanted or catalog.emails)} emails"):
        found = check_content(Renderer(catalog), today, emails=wanted, locations=[location] if location else None)
    _finish(found, wanted or list(catalog.emails), as_json=as_json, sequences=0 if wanted else len(catalog.sequences))


def _finish(found: Sequence[Finding], emails: Sequence[str] | None, *, as_json: bool, sequences: int) -> NoReturn:
    """Tell what was found; never comes back."""
    if as_json:
        totals = {"emails": len(emails or ()), "sequences": sequences, **count(found)}
        print_json({"ok": not errors_in(found), "summary": totals, "findings": [one.to_json() for one in found]})
    else:
        for one in found:
            word, style = _LOOKS[one.severity]
            console.print(Text.assemble((f"{word:<8}", style), str(one)), soft_wrap=True)
        if found:
            console.print()
        if emails is None:
            console.print("The files can't be read as content yet; mend these first.", markup=False)
        else:
            console.print(summary(found, len(emails), sequences), markup=False)
    sys.exit(1 if errors_in(found) else 0)


def _known(emails: Sequence[str] | None, catalog: Catalog) -> list[str] | None:
    """The ids as typed, also as `emails/risks.md`; None where none were."""
    ids = [text.rsplit("/", 1)[-1].removesuffix(".md") for text in emails or ()]
    unknown = [name for name in ids if name not in catalog.emails]
    if unknown:
        fail(f"There is no email {unknown[0]!r}; there are {', '.join(catalog.emails)}.")
    return ids or None


def _day(text: str) -> date:
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no day; write 2026-11-22")
