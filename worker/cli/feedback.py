"""`nurture feedback`: what comes back by mail, from a mail server's pipe or a mailbox."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import structlog
import typer

from worker.cli.common import AsJson, open_services
from worker.cli.output import console, print_facts, print_json
from worker.usecases.feedback.poll_mailbox import poll_mailboxes
from worker.usecases.feedback.receive_mail import receive_mail

app = typer.Typer(help="Bounces, complaints and replies that come by mail.", no_args_is_help=True)
log = structlog.get_logger()

_TRY_AGAIN = 75
"""EX_TEMPFAIL: the mail server keeps the mail and offers it again. Any other failure would bounce it."""


@app.command()
def read(
    recipient: Annotated[str, typer.Option("--recipient", help="The address it was delivered to.")] = "",
) -> None:
    """Read one mail from standard input, as a mail server's pipe gives it. Exits with 0, or 75 for "offer it again".

    Example: nurture feedback read < bounce.eml
    """
    raw = sys.stdin.buffer.read()
    delivered_to = recipient or os.environ.get("ORIGINAL_RECIPIENT") or os.environ.get("RECIPIENT") or ""
    try:
        with open_services() as services:
            receive_mail(services, raw, delivered_to)
    except Exception:
        log.exception("mail.offered_again")
        raise typer.Exit(_TRY_AGAIN) from None


@app.command()
def poll(as_json: AsJson = False) -> None:
    """Read what is new in the mailboxes of NURTURE_FEEDBACK_IMAP now; a worker does it every minute.

    Example: nurture feedback poll
    """
    with open_services() as services:
        found = dict(poll_mailboxes(services))
        if not services.mailboxes:
            console.print("No mailbox is set: see NURTURE_FEEDBACK_IMAP.")
            return
    print_json(found) if as_json else print_facts(found or {"new": 0})
