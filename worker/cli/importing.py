"""`nurture leads import`: bring leads in from a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from worker.cli.common import AsJson, open_services
from worker.cli.output import console, errors, fail, print_json, print_table
from worker.errors import Refused
from worker.storage.local_files import write_privately
from worker.usecases.arrival.import_leads import Imported, ImportPlan, import_leads, plan_import
from worker.usecases.arrival.read_sheet import PROBLEM, Sheet, SheetRow, open_sheet


def register(app: typer.Typer) -> None:
    """Add the command to `nurture leads`."""
    app.command("import")(import_file)


def import_file(
    file: Annotated[Path, typer.Argument(help="a CSV file in UTF-8, its first row naming the columns")],
    form: Annotated[str, typer.Option("--form", help="Key of the form whose wording these people agreed to.")],
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="What a column holds; repeat.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, and change nothing.")] = False,
    problems_in: Annotated[
        Path | None, typer.Option("--errors", help="A new file for rows with problems; default: beside FILE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring leads in from a table. Nobody is acknowledged; each row counts once, however often it is run.

    Exits with 1 when rows had problems. They stand in a file of their own, to mend and import.

    Example: nurture leads import old-leads.csv --form old-list --map 'Their mail=email' --dry-run
    """
    sheet = open_sheet(file)
    aside = problems_in or file.with_suffix(".errors.csv")
    if aside.exists() and not dry_run:
        fail(f"{aside} is there already; move it, or name another with --errors.")
    with open_services() as services:
        plan = plan_import(services, sheet, form, _named(columns or ()))
        if not as_json:
            _show_columns(plan)
        with Progress(console=errors, transient=True) as progress:
            task = progress.add_task("Importing", total=sheet.count)
            rows = progress.track(sheet.rows(), task_id=task)
            done = import_leads(services, rows, plan, dry_run=dry_run)
    if done.problems and not dry_run:
        _write_problems(aside, sheet, done.problems)
    _tell(done, aside, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(1 if done.problems or done.captured.parked else 0)


def _named(texts: Iterable[str]) -> dict[str, str]:
    pairs = [text.rpartition("=")[::2] for text in texts]
    if not all(theirs and ours for theirs, ours in pairs):
        raise Refused("--map is written COLUMN=FIELD, such as --map 'Their mail=email'")
    return {theirs.strip(): ours.strip() for theirs, ours in pairs}


def _show_columns(plan: ImportPlan) -> None:
    rows = [[decision.answer.names[0], decision.field or "(kept)", decision.because] for decision in plan.columns]
    print_table("Columns", ["column", "field", "because"], rows, "")


def _write_problems(path: Path, sheet: Sheet, problems: Sequence[tuple[SheetRow, str]]) -> None:
    """The rows as they were, each with its problem: to be mended, and imported."""
    text = io.StringIO()
    columns = [name for name in sheet.columns if name != PROBLEM]
    writer = csv.DictWriter(text, [*columns, PROBLEM], extrasaction="ignore")
    writer.writeheader()
    for row, problem in problems:
        writer.writerow({**row.cells, PROBLEM: problem})
    write_privately(path, text.getvalue())


def _tell(done: Imported, aside: Path, *, dry_run: bool, as_json: bool) -> None:
    captured = done.captured
    figures = {
        "understood": done.understood,
        "stored": captured.stored,
        "repeated": captured.repeated,
        "parked": captured.parked,
        "problems": [{"row": row.number, "problem": problem} for row, problem in done.problems],
    }
    if as_json:
        print_json(figures)
        return
    if dry_run:
        count = len(done.problems)
        console.print(f"{done.understood} rows can be imported, {count} have problems. Nothing was changed.")
    else:
        console.print(f"{captured.stored} imported, {captured.repeated} were there already.")
    for row, problem in done.problems[:10]:
        console.print(f"  row {row.number}: {problem}", markup=False)
    if done.problems and not dry_run:
        console.print(f"{len(done.problems)} rows have problems. Mend them in {aside}, and import that.", markup=False)
    if captured.parked:
        console.print(f"{captured.parked} are parked: nurture parked list")
