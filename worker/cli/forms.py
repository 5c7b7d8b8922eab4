"""`nurture forms`: how forms of other vendors are understood, and whether all of them came."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.cli import reconciling
from worker.cli.common import AsJson
from worker.cli.output import console, print_json, print_table
from worker.content.catalog import read_content_files
from worker.content.load import load_catalog
from worker.hooks.readers import GENERIC
from worker.settings import TEMPLATES
from worker.usecases.arrival.understand import DEFAULT_FORM
from worker.usecases.forms.explain_mapping import LEAD, MappingReport, explain_mapping

app = typer.Typer(help="Forms of other vendors, and how they are understood.", no_args_is_help=True)
reconciling.register(app)


@app.command("map")
def map_payload(
    payload: Annotated[typer.FileBinaryRead, typer.Option("--payload", help="What the vendor posted, or -.")],
    form: Annotated[str, typer.Option("--form", help="Key of the form in forms.toml.")] = DEFAULT_FORM,
    source: Annotated[str, typer.Option("--source", help="The vendor; without it, told by what comes.")] = GENERIC,
    content: Annotated[Path, typer.Option(help="Folder of the draft files.")] = TEMPLATES,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show what was typed, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what each answer of a payload becomes by the draft files, and why. Exits with 1 when it would be parked.

    Example: nurture forms map --payload webhook.json --form sandbox
    """
    catalog = load_catalog(read_content_files(content))
    reports = explain_mapping(payload.read(), source, form, catalog, datetime.now(UTC))
    if as_json:
        print_json({"posts": [_public(report, reveal=reveal) for report in reports]})
    else:
        for report in reports:
            _print(_public(report, reveal=reveal))
        if not reports:
            console.print("This is an event that is no form: it would be let go.")
    raise typer.Exit(0 if all(report.end == LEAD for report in reports) else 1)


def _print(post: dict[str, Any]) -> None:
    columns = ["asked", "field", "because", *(["typed"] if any("typed" in row for row in post["answers"]) else [])]
    rows = [[str(row.get(name) or "–") for name in columns] for row in post["answers"]]
    print_table(f"{post['vendor'] or 'unknown'} → {post['end']}", columns, rows, "No answer could be read.")
    if post["end"] == LEAD:
        agreed = "agrees to email" if post["agrees"] else "does not agree to email"
        console.print(f"A lead of {post['location']} ({post['reason']}), who {agreed}.", markup=False)
    else:
        console.print(f"It would be parked: {post['code']}.", markup=False)
    for flag in post["flags"]:
        console.print(f"Staff would see: {flag}", markup=False)


def _public(report: MappingReport, *, reveal: bool) -> dict[str, Any]:
    answers = [
        {"asked": decision.answer.names[0], "field": decision.field, "because": decision.because}
        | ({"typed": ", ".join(decision.answer.values)} if reveal else {})
        for decision in report.decisions
    ]
    end = {"end": report.end, "code": report.code, "flags": list(report.flags), "agrees": report.agrees}
    return {"vendor": report.vendor, "answers": answers, "location": report.location, "reason": report.reason} | end
