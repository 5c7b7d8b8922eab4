"""`nurture leads export|correct|erase`: what the law, and decency, give a person over what is held about them."""

from __future__ import annotations

import csv
import io
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.common import Actor, AsJson, Wanted, open_lead, open_services
from worker.cli.output import console, fail, print_json, print_table
from worker.domain.consent import SuppressionScope
from worker.storage.local_files import write_privately
from worker.usecases.privacy.allow_again import allow_again
from worker.usecases.privacy.breach_list import COLUMNS, breach_list
from worker.usecases.privacy.correct_identity import correct_identity
from worker.usecases.privacy.erase import Erased, Erasure, erase_lead
from worker.usecases.privacy.export_person import export_person
from worker.usecases.privacy.readable import as_html
from worker.usecases.privacy.retain import preview, retain


class Suppress(StrEnum):
    """What stays suppressed after an erasure."""

    ALL = "all"
    NURTURE = "nurture"
    NONE = "none"


retention = typer.Typer(help="How long what is kept.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to `nurture leads`."""
    app.command("export")(export)
    app.command("correct")(correct)
    app.command("erase")(erase)
    app.command("breach")(breach)
    app.command("allow")(allow)


def export(
    lead: Wanted,
    out: Annotated[Path | None, typer.Option("--out", help="A new file: .json, or .html to read and print.")] = None,
    by: Actor = "",
) -> None:
    """Everything held about a person: posts, consent word for word, emails as sent, who looked. This is noted.

    Example: nurture leads export TAC-7Q4F-K2MD --out maya.html
    """
    if out is not None and (out.exists() or out.suffix not in {".json", ".html"}):
        fail("Give --out a new file that ends in .json or .html; nothing is overwritten.")
    with open_lead(lead) as (services, lead_id):
        found = export_person(services, lead_id, by)
    if out is None:
        print_json(found)
        return
    text = as_html(found) if out.suffix == ".html" else json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    write_privately(out, text)
    console.print(f"Written: {out}. It holds health data: hand it over, then delete it.", markup=False)


def correct(
    lead: Wanted,
    reason: Annotated[str, typer.Option("--reason", help="Why, without name or address; kept.")],
    email: Annotated[str | None, typer.Option(help="the right address; '' takes it away")] = None,
    phone: Annotated[str | None, typer.Option(help="the right number; '' takes it away")] = None,
    first_name: Annotated[str | None, typer.Option(help="the right first name; '' takes it away")] = None,
    last_name: Annotated[str | None, typer.Option(help="the right last name; '' takes it away")] = None,
    by: Actor = "",
) -> None:
    """Correct who a lead is. Where it belongs is corrected by `leads set`.

    Example: nurture leads correct TAC-7Q4F-K2MD --email maya@example.com --reason "a typing error, told on the phone"
    """
    given = {"email": email, "phone": phone, "first_name": first_name, "last_name": last_name}
    wanted = {name: text for name, text in given.items() if text is not None}
    if not wanted:
        fail("Nothing to correct: give --email, --phone, --first-name or --last-name.")
    with open_lead(lead) as (services, lead_id):
        done = correct_identity(services, lead_id, wanted, reason=reason, actor=by)
    console.print(f"Corrected: {', '.join(done.changed)}." if done.changed else "It was so already.", markup=False)
    if done.is_suppressed:
        console.print("The address is suppressed: what is planned for it will not go out.")


def allow(
    lead: Wanted,
    reason: Annotated[str, typer.Option("--reason", help="How they asked for it; kept.")],
    by: Actor = "",
) -> None:
    """Write again to someone who was erased, has written anew, and asks for an answer. Nurture waits for their click.

    Example: nurture leads allow TAC-7Q4F-K2MD --reason "asked for it on the phone"
    """
    with open_lead(lead) as (services, lead_id):
        email = allow_again(services, lead_id, by, reason)
    console.print(f"The email {email} goes out now.", markup=False)


def erase(
    lead: Wanted,
    reason: Annotated[str, typer.Option("--reason", help="Why, without name or address; kept in the audit trail.")],
    suppress: Annotated[Suppress, typer.Option(help="What is never sent to the address again.")] = Suppress.ALL,
    is_confirmed: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    by: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Erase a person: rows, files, queued copies. Searches everywhere afterwards and says what it found.

    Example: nurture leads erase TAC-7Q4F-K2MD --reason "asked for it by phone on 2 March"
    """
    scope = None if suppress is Suppress.NONE else SuppressionScope(suppress.value)
    with open_lead(lead) as (services, lead_id):
        if not is_confirmed and not typer.confirm(f"Erase lead {lead_id} for good?", err=True):
            fail("Nothing was erased.")
        done = erase_lead(services, lead_id, Erasure(actor=by, reason=reason, suppress=scope))
    if as_json:
        print_json(_public(done))
    else:
        _tell(done, suppress)
    raise typer.Exit(0 if done.residue.is_clean else 1)


def _tell(done: Erased, suppress: Suppress) -> None:
    console.print(f"Erased: {done.rows} rows, {done.files} files, {done.messages} queued copies.")
    console.print(f"What stays: audit entry {done.number}; suppression of the address: {suppress}.", markup=False)
    if done.residue.is_clean:
        console.print("Searched the database, the broker and this host's files: nothing is left.", style="green")
    for place, kind in done.residue.found:
        console.print(f"Left in {place}: {kind}", style="red", markup=False)
    for place in done.residue.unsearched:
        console.print(f"Could not be searched: {place}", style="red", markup=False)


def _public(done: Erased) -> dict[str, object]:
    return {
        "number": done.number,
        "rows": done.rows,
        "files": done.files,
        "messages": done.messages,
        "left": [{"place": place, "kind": kind} for place, kind in done.residue.found],
        "unsearched": list(done.residue.unsearched),
    }


def breach(
    out: Annotated[Path, typer.Option("--out", help="A new file that ends in .csv.")],
    by: Actor = "",
) -> None:
    """Who was in this store, with contact data: for the notice that must follow a breach. Noted in the audit trail.

    Example: nurture leads breach --out notice.csv
    """
    if out.exists() or out.suffix != ".csv":
        fail("Give --out a new file that ends in .csv; nothing is overwritten.")
    with open_services() as services:
        found = breach_list(services, by)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(found)
    write_privately(out, text.getvalue())
    console.print(f"Written: {out}, {len(found)} people. Keep it as you would keep the database.", markup=False)


@retention.command("preview")
def preview_retention(as_json: AsJson = False) -> None:
    """What would go now by the rules in clinic.toml, as published. Changes nothing.

    Example: nurture retention preview
    """
    with open_services() as services:
        found = preview(services)
    if as_json:
        print_json(
            [
                {"kept": due.kept, "days": due.rule.after.days, "because": due.rule.because, "due": due.count}
                for due in found
            ]
        )
        return
    rows = [[due.kept, f"{due.rule.after.days} days", due.count, due.rule.because] for due in found]
    print_table("", ["what", "kept for", "due now", "because"], rows, "No rules.")


@retention.command("run")
def run_retention(by: Actor = "", as_json: AsJson = False) -> None:
    """Let go of what is due now, rather than at the daily time; up to 1000 things of each kind.

    Example: nurture retention run
    """
    with open_services() as services:
        done = retain(services, by)
    if as_json:
        print_json(dict(done))
        return
    print_table("", ["what", "gone"], list(done.items()), "Nothing was due.")
