"""`nurture sends` and `nurture quarantine`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.common import Actor, AsJson, Limit, open_services, times_of
from worker.cli.output import console, fail, print_json, print_table
from worker.domain.leads import Location
from worker.domain.reasons import paused_by
from worker.domain.sends import SendState
from worker.storage import sends as ledger
from worker.storage import submissions
from worker.usecases.desk import quarantine as quarantining
from worker.usecases.desk.acknowledge import acknowledge_quarantined
from worker.usecases.desk.explain import public_send
from worker.usecases.health.upcoming import read_upcoming
from worker.usecases.sending.resolve_send import Resolution, resolve_send
from worker.usecases.sending.unknown import ask_provider

app = typer.Typer(help="The ledger of what was, and will be, sent.", no_args_is_help=True)
quarantine = typer.Typer(help="Submissions that looked suspicious: nothing is mailed until someone decides.",
                         no_args_is_help=True)  # fmt: skip


@app.callback()
def _sends() -> None:
    """The ledger of what was, and will be, sent."""


@app.command("list")
def list_sends(
    limit: Limit = 50,
    state: Annotated[SendState | None, typer.Option("--state", help="Only this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sends, the latest due first.

    Example: nurture sends list --json --state unknown
    """
    with open_services() as services:
        with services.database.read() as connection:
            found = [public_send(send) for send in ledger.recent(connection, limit, state)]
        times = times_of(services)
    if as_json:
        print_json({"sends": found})
        return
    columns = ["email", "location", "state", "reason", "due_at", "sent_at"]
    print_table("Sends", columns, times.rows(found, columns), f"No sends are {state}." if state else "No sends yet.")


@app.command()
def upcoming(
    location: Annotated[Location | None, typer.Option(help="Only this location.")] = None,
    sequence: Annotated[str, typer.Option(help="Only this sequence.")] = "",
    as_json: AsJson = False,
) -> None:
    """What is planned for the next thirty days, by day and email. A day is the clinic's own.

    Example: nurture sends upcoming --location albany
    """
    with open_services() as services, services.database.read() as connection:
        found = read_upcoming(connection, location=location, sequence=sequence or None)
    planned = [one for day in found.days for one in day.planned]
    columns = ["day", "location", "sequence", "email", "count"]
    if as_json:
        rows = [
            {name: str(getattr(one, name)) for name in columns[:4]} | {"count": one.count, "paused": bool(one.pause)}
            for one in planned
        ]
        print_json({"planned": rows, "overdue": found.overdue, "held": found.held})
        return
    rows_shown = [[*(getattr(one, name) for name in columns), "yes" if one.pause else ""] for one in planned]
    print_table("Planned", [*columns, "paused"], rows_shown, "Nothing is planned for the next thirty days.")
    for pause in found.pauses:
        console.print(f"{paused_by(pause).capitalize()}.", markup=False)
    console.print(f"{found.overdue} overdue, {found.held} held.")


@app.command()
def ask(send_id: str, as_json: AsJson = False) -> None:
    """What the mail provider knows of a send whose outcome is unknown. Changes nothing.

    Example: nurture sends ask 0192f7a4-…
    """
    with open_services() as services:
        can_ask = services.provider.can_look_up
        receipt = ask_provider(services, send_id) if can_ask else None
    answer = "taken" if receipt else "not_taken_or_not_known" if can_ask else "cannot_be_asked"
    if as_json:
        print_json({"send_id": send_id, "provider_says": answer})
        return
    console.print(_ANSWERS[answer])


_ANSWERS = {
    "taken": "The provider has taken it: `nurture sends resolve ID sent`.",
    "not_taken_or_not_known": "The provider does not know it: not taken, or no longer known there.",
    "cannot_be_asked": "This provider can't be asked about a send; its own log may know.",
}


@app.command()
def resolve(
    send_id: str,
    outcome: Annotated[Resolution, typer.Argument(help="what became of it, as far as you know")],
    reason: Annotated[str, typer.Option("--reason", help="How you know; kept.")],
    yes: Annotated[bool, typer.Option("--yes", help="With resend: yes, it may arrive twice.")] = False,
    by: Actor = "",
) -> None:
    """Decide about a send whose outcome is unknown.

    Example: nurture sends resolve 0192f7a4-… sent --reason "the provider's log shows it"
    """
    if outcome is Resolution.RESEND and not yes:
        fail("Sending again may give this person the same email twice. If you accept that, add --yes.")
    with open_services() as services:
        resolve_send(services, send_id, outcome, by, reason)
    console.print("Done.")


@quarantine.command("list")
def list_quarantine(limit: Limit = 50, as_json: AsJson = False) -> None:
    """What waits for someone to decide.

    Example: nurture quarantine list
    """
    with open_services() as services:
        with services.database.read() as connection:
            rows = submissions.quarantined(connection, limit)
        times = times_of(services)
    found = [
        {
            "submission_id": row["id"],
            "reference": row["reference"],
            "form": row["form"],
            "suspicions": row["suspicions"],
            "crisis": row["crisis"] is not None,
            "captured_at": row["captured_at"].isoformat(),
        }
        for row in rows
    ]
    if as_json:
        print_json({"quarantine": found})
        return
    columns = ["submission_id", "reference", "suspicions", "crisis", "captured_at"]
    print_table("Quarantine", columns, times.rows(found, columns), "Quarantine is empty.")


@quarantine.command("acknowledge")
def acknowledge_submission(submission_id: str, by: Actor = "") -> None:
    """Say that you take care of an urgent message in quarantine: staff are told of it no more.

    Example: nurture quarantine acknowledge 0192f7a4-…
    """
    with open_services() as services:
        acknowledge_quarantined(services, submission_id, by)
    console.print("Acknowledged. It still waits to be released or dismissed.")


@quarantine.command()
def release(submission_id: str, by: Actor = "") -> None:
    """Treat a submission as genuine: it is stored as a lead, routed and answered.

    Example: nurture quarantine release 0192f7a4-…
    """
    with open_services() as services:
        lead_id = quarantining.release(services, submission_id, by)
    console.print(f"Released: lead {lead_id}", markup=False)


@quarantine.command()
def dismiss(
    submission_id: str, reason: Annotated[str, typer.Option("--reason", help="Why; kept.")], by: Actor = ""
) -> None:
    """Leave a submission unanswered.

    Example: nurture quarantine dismiss 0192f7a4-… --reason "advertising"
    """
    with open_services() as services:
        quarantining.dismiss(services, submission_id, by, reason)
    console.print("Dismissed.")
