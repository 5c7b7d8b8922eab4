"""`nurture leads`: list, show, explain, set, acknowledge, hold, release, send-now, waiting, event."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from worker.cli import importing, rights
from worker.cli.common import Actor, AsJson, Limit, Wanted, open_lead, open_services, times_of
from worker.cli.output import Times, console, fail, print_facts, print_json, print_table
from worker.domain.events import EXIT_REASON, LeadEvent
from worker.domain.leads import Condition, Location, Treatment
from worker.storage import leads
from worker.usecases.desk.acknowledge import acknowledge
from worker.usecases.desk.correct import correct_lead
from worker.usecases.desk.explain import explain, public_lead
from worker.usecases.desk.front_desk import read_front_desk
from worker.usecases.desk.lead_file import answer_of
from worker.usecases.events.record_event import record_event
from worker.usecases.nurture.hold_lead import hold_lead
from worker.usecases.nurture.release_hold import release_hold
from worker.usecases.nurture.send_now import send_now
from worker.usecases.privacy.reveal import reveal_lead

app = typer.Typer(help="Who wrote to the clinic, and what became of them.", no_args_is_help=True)


@app.command("list")
def list_leads(limit: Limit = 50, as_json: AsJson = False) -> None:
    """The newest leads, without contact data and without what is in quarantine.

    Example: nurture leads list --json --limit 5
    """
    with open_services() as services:
        with services.database.read() as connection:
            found = [public_lead(lead) for lead in leads.recent(connection, limit)]
        times = times_of(services)
    if as_json:
        print_json({"leads": found})
        return
    columns = ["reference", "location", "condition", "sequence", "status", "created_at"]
    print_table("Leads", columns, times.rows(found, columns), "No leads yet.")


@app.command()
def show(
    lead: Wanted,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show contact data; this is written down.")] = False,
    by: Actor = "",
    as_json: AsJson = False,
) -> None:
    """One lead.

    Example: nurture leads show TAC-7Q4F-K2MD
    """
    with open_lead(lead) as (services, lead_id):
        with services.database.read() as connection:
            shown: dict[str, Any] = public_lead(leads.by_ids(connection, [lead_id])[lead_id])
        if reveal:
            identity = reveal_lead(services, lead_id, by).identity
            if identity is None:
                fail("The key that opens who this lead is has been lost: put it back into NURTURE_SECRET_KEYS.")
            shown["contact"] = {name: getattr(identity, name) for name in ("first_name", "last_name", "email", "phone")}
    print_json(shown) if as_json else print_facts(shown)


@app.command("explain")
def explain_lead(lead: Wanted, as_json: AsJson = False) -> None:
    """What happened to a lead, why, and what comes next.

    Example: nurture leads explain TAC-7Q4F-K2MD --json
    """
    with open_lead(lead) as (services, lead_id), services.database.read() as connection:
        answer, zone = answer_of(connection, services, lead_id)
        story = explain(connection, lead_id) | {"answer": answer}
    if as_json:
        print_json(story)
        return
    console.print(
        f"{story['lead']['reference']}: {story['route']['location']}, {story['route']['sequence']}",
        markup=False,
    )
    console.print(story["route"]["reason"], markup=False)
    console.print(story["answer"], markup=False)
    times = Times(zone)
    rows = [[times(entry["at"]), entry["what"], entry["by"], _details(entry, times)] for entry in story["timeline"]]
    print_table("", ["when", "what", "by", "details"], rows, "Nothing happened yet.")
    print_facts({"next": _next(story["next"], times)})


@app.command("set")
def set_route(
    lead: Wanted,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")],
    location: Annotated[Location | None, typer.Option(help="Where the lead belongs.")] = None,
    condition: Annotated[Condition | None, typer.Option(help="What it asked about.")] = None,
    treatment: Annotated[Treatment | None, typer.Option(help="The treatment it asked about.")] = None,
    by: Actor = "",
) -> None:
    """Correct where a lead belongs; it is routed and planned anew.

    Example: nurture leads set TAC-7Q4F-K2MD --location albany --reason "said so on the phone"
    """
    if location is None and condition is None and treatment is None:
        fail("Nothing to set: give --location, --condition or --treatment.")
    with open_lead(lead) as (services, lead_id):
        correct_lead(
            services,
            lead_id,
            location=location,
            condition=condition,
            treatment=treatment,
            reason=reason,
            actor=by,
        )
    console.print("Done. See: nurture leads explain " + lead, markup=False)


@app.command("release")
def release_lead(
    lead: Wanted,
    reason: Annotated[str, typer.Option("--reason", help="What you found; kept in the audit trail.")],
    by: Actor = "",
) -> None:
    """Let nurture go on for a lead that was held, once someone has looked.

    Example: nurture leads release TAC-7Q4F-K2MD --reason "spoke with them, a figure of speech"
    """
    with open_lead(lead) as (services, lead_id):
        release_hold(services, lead_id, by, reason)
    console.print("Released. What was held goes out at its next decent hour.")


@app.command("hold")
def hold(
    lead: Wanted,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="No email before this day.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")],
    by: Actor = "",
) -> None:
    """Send a lead no educational email until a day comes; then they go on by themselves.

    Example: nurture leads hold TAC-7Q4F-K2MD --until 2026-12-01 --reason "travels until then"
    """
    with open_lead(lead) as (services, lead_id):
        hold_lead(services, lead_id, until.date(), by, reason)
    console.print(f"Held until {until:%Y-%m-%d}.")


@app.command("send-now")
def send_next_now(lead: Wanted, by: Actor = "") -> None:
    """Send a lead's next educational email at the first decent instant, instead of when its wait is over.

    Windows, closed days and the gap between two emails stand; it says when that is.

    Example: nurture leads send-now TAC-7Q4F-K2MD
    """
    with open_lead(lead) as (services, lead_id):
        at = send_now(services, lead_id, by)
        times = times_of(services)
    console.print(f"It goes out at {times(at)}.")


@app.command("waiting")
def waiting_leads(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Who waits for an answer of the front desk, the longest first, counted in its working hours.

    Example: nurture leads waiting
    """
    with open_services() as services:
        desk = read_front_desk(services, limit)
        times = times_of(services)
    found = [
        public_lead(one.lead)
        | {
            "waiting_since": one.lead["waiting_since"].isoformat(),
            "waited_minutes": int(one.response.worked.total_seconds() // 60),
            "answer_by": one.response.answer_by.isoformat(),
            "waiting": one.response.waiting,
        }
        for one in desk.waiting
    ]
    if as_json:
        print_json({"leads": found})
        return
    columns = ["reference", "location", "waiting", "waited_minutes", "answer_by"]
    rows = [[*(lead[name] for name in columns[:-1]), times(lead["answer_by"])] for lead in found]
    print_table("Waiting", columns, rows, "Nobody waits.")


@app.command("acknowledge")
def acknowledge_lead(lead: Wanted, by: Actor = "") -> None:
    """Say that you take care of a lead's urgent message: staff are told of it no more. Emails stay held.

    Example: nurture leads acknowledge TAC-7Q4F-K2MD
    """
    with open_lead(lead) as (services, lead_id):
        acknowledge(services, lead_id, by)
    console.print("Acknowledged. Once you have looked: nurture leads release " + lead, markup=False)


@app.command("event")
def lead_event(
    lead: Wanted,
    event: Annotated[LeadEvent, typer.Argument(help="what happened")],
    by: Actor = "",
) -> None:
    """Say that someone called a lead, or that it booked, became a patient, replied, or shall be left alone.

    All but `contacted` end its emails; all but `replied` stop its wait for an answer.

    Example: nurture leads event TAC-7Q4F-K2MD consultation_booked
    """
    with open_lead(lead) as (services, lead_id):
        record_event(services, lead_id, event, by)
    ends = "; no more educational emails go to this lead" if event in EXIT_REASON else ""
    console.print(f"Recorded{ends}.")


def _details(entry: dict[str, Any], times: Times) -> str:
    hidden = {"at", "what", "by", "send_id", "submission_id", "before"}
    shown = {key: value for key, value in entry.items() if key not in hidden and value is not None}
    instants = {"due_at", "until"} & set(shown)
    return ", ".join(f"{key} {times(value) if key in instants else value}" for key, value in shown.items())


def _next(following: dict[str, Any], times: Times) -> str:
    if "nothing" in following:
        return f"nothing more ({following['nothing']})"
    return f"{following['email']}, {following['state']}, due {times(following['due_at'])}"


rights.register(app)
importing.register(app)
