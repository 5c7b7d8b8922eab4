"""`simulate`, `render`, `publish`: what would be sent, to whom and when. The first two need no database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from worker.bootstrap import open_desk
from worker.cli.common import AsJson, open_services
from worker.cli.output import console, fail, print_json, print_table
from worker.content.catalog import Catalog, Persona, content_location, read_content_files
from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.content.simulate import simulate as run_simulation
from worker.domain.leads import Location
from worker.settings import TEMPLATES, load_settings
from worker.storage.leads import Identity
from worker.usecases.content import publish as publishing
from worker.usecases.content.content_history import touched
from worker.usecases.drafting.publish_draft import publish_files
from worker.usecases.nurture.made_up import MadeUpForm, route_made_up
from worker.usecases.sending.compose import INERT_LINKS, compose, inert_send, render_send


class Format(StrEnum):
    """The parts of a message."""

    HTML = "html"
    TEXT = "text"
    EML = "eml"


def _draft() -> Renderer:
    return Renderer(load_catalog(read_content_files(TEMPLATES)))


def simulate(
    location: Annotated[str, typer.Option(help="what the form's location field says")] = "",
    condition: Annotated[list[str] | None, typer.Option(help="condition; may be repeated")] = None,
    treatment: Annotated[str, typer.Option(help="treatment of interest")] = "",
    zip_code: Annotated[str, typer.Option("--zip", help="ZIP code")] = "",
    state: Annotated[str, typer.Option(help="state")] = "",
    submitted_at: Annotated[str, typer.Option(help="ISO instant with offset; now without it")] = "",
    consent: Annotated[bool, typer.Option(help="whether the box is ticked")] = True,
    as_json: AsJson = False,
) -> None:
    """Where a made-up lead would be routed, and its whole calendar, from the draft files.

    Example: nurture simulate --location carbondale --condition depression --submitted-at 2026-03-06T22:15-06:00
    """
    renderer = _draft()
    catalog = renderer.catalog
    at = _instant(submitted_at)
    form = MadeUpForm(
        location=location, conditions=tuple(condition or ()), treatment=treatment, zip=zip_code, state=state
    )
    decided, topic = route_made_up(catalog, form)
    zone = ZoneInfo(catalog.clinic.calendar(decided.location).zone)
    calendar = [
        {
            "step": entry.step,
            "email": entry.email,
            "at": entry.at.astimezone(zone).isoformat(timespec="minutes"),
            "decision": entry.decision,
            "reason": entry.reason,
        }
        for entry in run_simulation(renderer, decided, topic.conditions, at, consent=consent)
    ]
    found = {
        "location": decided.location,
        "sequence": decided.sequence,
        "reason": decided.reason,
        "conflicts": list(decided.conflicts),
    }
    if as_json:
        print_json({"route": found, "calendar": calendar})
        return
    console.print(f"{decided.location}, {decided.sequence or 'a person answers'} ({decided.reason})", markup=False)
    rows = [[_day(str(entry["at"])), entry["email"], entry["decision"], entry["reason"]] for entry in calendar]
    print_table("", ["when", "email", "decision", "reason"], rows, "Nothing would be sent.")


def render(
    email: Annotated[str | None, typer.Argument(help="id of an email")] = None,
    location: Annotated[Location | None, typer.Option(help="carbondale, albany or undecided")] = None,
    persona: Annotated[str, typer.Option(help="id of a persona")] = "",
    output: Annotated[Format, typer.Option("--format", help="html, text or eml")] = Format.TEXT,
    every: Annotated[bool, typer.Option("--all", help="every email × location × persona that applies")] = False,
    out: Annotated[Path | None, typer.Option(help="folder to write to, with --all")] = None,
) -> None:
    """Exactly what would be sent, from the draft files; its links do nothing.

    Example: nurture render first-visit --location albany --persona albany-social-anxiety --format html
    """
    renderer = _draft()
    if every:
        _render_all(renderer, output, out or Path("rendered"))
        return
    if email is None or email not in renderer.catalog.emails:
        fail(f"Name an email: {', '.join(renderer.catalog.emails)}")
    personas = renderer.catalog.personas
    if persona and persona not in personas:
        fail(f"There is no persona {persona!r}; there are {', '.join(personas)}.")
    who = personas[persona] if persona else next(iter(personas.values()))
    use = _use_for(renderer, email, who, location, follow_persona=bool(persona))
    typer.echo(_output(renderer, use, who, output), nl=False)


def _use_for(
    renderer: Renderer, email: str, who: Persona, location: Location | None, *, follow_persona: bool
) -> tuple[str, Location, str | None]:
    """Where the email is shown: the location asked for, else the persona's; her own sequence where it has it."""
    uses = [use for use in publishing.places_of_use(renderer) if use[0] == email]
    own_location, own_sequence = _route_of(renderer.catalog, who)
    wanted = location or (own_location if follow_persona else None)
    at_place = [use for use in uses if wanted is None or use[1] == wanted]
    if not at_place:
        fail(f"{email} is not sent at {wanted}; it is at {', '.join(sorted({use[1] for use in uses}))}.")
    return next((use for use in at_place if follow_persona and use[2] == own_sequence), at_place[0])


def _render_all(renderer: Renderer, output: Format, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    suffix = {Format.HTML: "html", Format.TEXT: "txt", Format.EML: "eml"}[output]
    written = 0
    with console.status("rendering"):
        for (email, location, sequence), persona in _applicable(renderer):
            content = _output(renderer, (email, location, sequence), persona, output)
            (out / f"{email}.{location}.{persona.id}.{suffix}").write_bytes(content)
            written += 1
    console.print(f"{written} messages written to {out}", markup=False)


def _applicable(renderer: Renderer) -> Iterator[tuple[tuple[str, Location, str | None], Persona]]:
    """Each email with each persona who could get it: her location, and a sequence of hers where she is in it."""
    uses = publishing.places_of_use(renderer)
    for persona in renderer.catalog.personas.values():
        location, sequence = _route_of(renderer.catalog, persona)
        for email in sorted({use[0] for use in uses}):
            mine = [use for use in uses if use[0] == email and use[1] == location]
            chosen = next((use for use in mine if use[2] == sequence), mine[0] if mine else None)
            if chosen is not None:
                yield chosen, persona


def _route_of(catalog: Catalog, persona: Persona) -> tuple[Location, str | None]:
    decided, _ = route_made_up(catalog, MadeUpForm.of(persona))
    return content_location(decided.location), decided.sequence


def _output(renderer: Renderer, use: tuple[str, Location, str | None], persona: Persona, output: Format) -> bytes:
    send = inert_send(renderer.catalog, use)
    identity = Identity(email=persona.email or "nobody@example.com", first_name=persona.first_name or None)
    links = load_settings().links
    if output is Format.EML:
        return compose(renderer, send, identity, INERT_LINKS, links, datetime.now(UTC)).content
    rendered = render_send(renderer, send, identity, INERT_LINKS, links)
    return (rendered.html if output is Format.HTML else rendered.text).encode()


def publish(
    approved_by: Annotated[str, typer.Option("--approved-by", help="who approves it; kept for ever")] = "",
    note: Annotated[str, typer.Option(help="what changes, in a few words")] = "",
    written_by: Annotated[str, typer.Option("--written-by", help="who wrote it, where two people are wanted")] = "",
    diff: Annotated[bool, typer.Option("--diff", help="check, show what would change, and write nothing")] = False,
) -> None:
    """Check the draft files and make them what is sent; with --diff, check them and only say what would change.

    Example: nurture publish --approved-by "Jordan Example" --note "new opening hours"
    """
    files = read_content_files(TEMPLATES)
    with open_services() as services:
        reached = touched(services.database, files)
        if diff:
            typer.echo(publishing.diff(services.database, files) or "Nothing would change.")
        for change in reached:
            console.print(f"{change.path}: {change.in_words}", markup=False)
        if diff:
            publishing.check(services.database, files)
            return
        if not approved_by:
            fail("Say who approves it: --approved-by NAME")
        desk = open_desk(load_settings(), services.database)
        published = publish_files(desk, files, approved_by, note, written_by=written_by)
    state = "is active now" if published.changed else "was active already"
    console.print(f"{published.emails} emails; snapshot {published.snapshot} {state}.", markup=False)


def _instant(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no instant; write 2026-03-06T22:15-06:00")
    if at.tzinfo is None:
        fail(f"{text!r} has no offset; write 2026-03-06T22:15-06:00")
    return at


def _day(at: str) -> str:
    return f"{datetime.fromisoformat(at):%a %d %b %Y %H:%M}"
