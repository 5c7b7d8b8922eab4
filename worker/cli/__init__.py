"""`nurture`: the command line. Each command parses, calls one use case, and prints what came of it.

With `--json` it prints one JSON value on standard output and nothing else. Errors go to standard error in
plain words; exit codes: 0 done, 1 it is not so or could not be done, 2 the words are wrong.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from worker import __version__
from worker.cli import (
    content,
    doctor,
    feedback,
    forms,
    importing,
    keys,
    leads,
    lint,
    operate,
    parked,
    pausing,
    preview,
    product,
    queues,
    report,
    rights,
    sends,
    tokens,
    users,
    versions,
    webhooks,
)
from worker.cli.output import fail
from worker.errors import ContentInvalid, WorkerError
from worker.logs import describe

app = typer.Typer(
    name="nurture",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"nurture {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print which release this is.")
    ] = False,
) -> None:
    """The lead and nurture worker of The Albany Clinic."""


for part in (product, operate, doctor, pausing, report, content, lint, preview):
    part.register(app)
rights.register(leads.app)
importing.register(leads.app)
app.add_typer(rights.retention, name="retention")
app.add_typer(leads.app, name="leads")
app.add_typer(forms.app, name="forms")
app.add_typer(sends.app, name="sends")
app.add_typer(sends.quarantine, name="quarantine")
app.add_typer(parked.app, name="parked")
app.add_typer(queues.app, name="queue")
app.add_typer(operate.spool_app, name="spool")
app.add_typer(versions.app, name="content")
app.add_typer(keys.app, name="keys")
app.add_typer(tokens.app, name="tokens")
app.add_typer(users.app, name="users")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(feedback.app, name="feedback")
app.add_typer(operate.database_app, name="db")


def main() -> None:
    """Run a command."""
    try:
        app()
    except ContentInvalid as error:
        fail("\n".join(str(problem) for problem in error.problems) or str(error))
    except WorkerError as error:
        fail(str(error))
    except OperationalError:
        fail("The database does not answer. What people post is kept in the spool meanwhile; try: nurture doctor")
    except SQLAlchemyError as error:
        fail(f"The database refused: {type(error).__name__}. Its words may hold health data and are not shown.")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        kind, where = describe(error)
        fail(f"A fault of ours: {kind} in {where or 'a library'}. Its words may hold health data and are not shown.")
