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
from worker.cli.output import fail
from worker.cli.table import CommandGroup
from worker.errors import ContentInvalid, WorkerError
from worker.logs import describe

app = typer.Typer(
    name="nurture",
    cls=CommandGroup,
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
