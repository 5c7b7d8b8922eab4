"""`nurture content`: the published versions of the emails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.bootstrap import open_desk
from worker.cli.common import AsJson, open_services, times_of
from worker.cli.output import console, print_json, print_table
from worker.settings import load_settings
from worker.usecases.content import content_history
from worker.usecases.drafting.publish_draft import restore_version

app = typer.Typer(help="The published versions of the emails, kept for ever.", no_args_is_help=True)

Version = Annotated[
    str, typer.Argument(help="the version's hash, or its first characters; for export also: draft", metavar="VERSION")
]


@app.command()
def history(as_json: AsJson = False) -> None:
    """Every published version: who approved it, and when it was first and last sent from.

    Example: nurture content history
    """
    with open_services() as services:
        found = content_history.history(services.database)
        times = times_of(services)
    if as_json:
        print_json({"versions": found})
        return
    rows = [
        [
            row["snapshot"][:10],
            "active" if row["active"] else "",
            times(row["published_at"]),
            row["approved_by"],
            row["note"],
            "; ".join(f"{times(one['at'])} by {one['by']}" for one in row["again"]),
        ]
        for row in found
    ]
    columns = ["version", "", "published", "approved by", "note", "sent from again"]
    print_table("Published", columns, rows, "Nothing is published yet.")


@app.command()
def restore(
    version: Version, approved_by: Annotated[str, typer.Option("--approved-by", help="who approves it; kept")]
) -> None:
    """Send from an earlier version again. The draft files stay as they are. Where the clinic wants two people, whoever
    approves it has an account that may publish, and wrote nothing of what comes back.

    Example: nurture content restore 1f2e3d4c5b --approved-by "Jordan Example"
    """
    with open_services() as services:
        restore_version(open_desk(load_settings(), services.database), version, approved_by)
    console.print("Restored. The draft files are unchanged: publish them when they are right again.")


@app.command()
def export(version: Version, out: Annotated[Path, typer.Option(help="an empty folder to write to")]) -> None:
    """Write the exact files of a version, as they were sent from (New York asks to keep them a year); of `draft`, those
    that are written in the studio, to be put back into templates/email.

    Example: nurture content export 1f2e3d4c5b --out version-1f2e
    """
    with open_services() as services:
        if version == "draft":
            files = open_desk(load_settings(), services.database).read().files
            written = content_history.write_out(files, out)
        else:
            written = content_history.export(services.database, version, out)
    console.print(f"{written} files written to {out}.", markup=False)
