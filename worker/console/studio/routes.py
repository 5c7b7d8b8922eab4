"""The addresses of the studio. Each reads what is asked for, and shows it; only a test mail has an effect.

Every page works without scripts: a view is a link, a choice is a form. A page that needs lint comes without
it where lint would have to read first, and is asked for again with `wait=1`: so nothing keeps a page waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from worker.console.studio import letters, words
from worker.console.studio.choice import Choice, View, choose
from worker.console.studio.drafts import Draft, Drafts
from worker.console.studio.email_page import EmailPage, query_of
from worker.console.studio.findings import Findings
from worker.console.studio.headers import EMAIL_HEADERS, FOR_EVER, PAGE_HEADERS, comes_from_elsewhere
from worker.console.studio.pages import FILES, Pages
from worker.console.studio.trial_mail import Result, TrialMail
from worker.console.studio.views.audience import asked_first, people_of
from worker.console.studio.views.calendar import Asked, Calendar, NotAnInstant, lead_calendar
from worker.console.studio.views.source import Fault, around, lines_of
from worker.console.studio.views.timeline import People, has_people, timeline
from worker.console.studio.views.tree import tree
from worker.content.render import Renderer
from worker.delivery.base import Message
from worker.domain.leads import Location
from worker.errors import TemplateError
from worker.usecases.nurture.made_up import NotKnown

_LOOK_EVERY_S = 0.1
_STILL_HERE_EVERY = 150
"""After so many looks without news a word is said all the same: a silent connection is closed by proxies."""


@dataclass(kw_only=True)
class Studio:
    """All that the pages need. `assets` is where static files are served; `home` is the name and address of what
    stands above the studio, if anything does."""

    drafts: Drafts
    findings: Findings
    now: Callable[[], datetime]
    links: str
    trial_mail: TrialMail | None = None
    people: People | None = None
    base: str = "/studio"
    assets: str = "/studio/assets"
    home: tuple[str, str] | None = None
    is_stopping: bool = field(default=False, init=False)

    def stop(self) -> None:
        """End what keeps telling browsers of changes, so that the server can end."""
        self.is_stopping = True


def studio_routes(studio: Studio) -> APIRouter:
    """The routes, for any application that serves them under `studio.base`."""
    pages = StudioPages(studio)
    router = APIRouter(prefix=studio.base, include_in_schema=False)
    handlers: dict[str, Callable[..., object]] = {
        "": pages.home,
        "/email/{email_id}": pages.email,
        "/frame/{email_id}": pages.frame,
        "/eml/{email_id}": pages.eml,
        "/sequence/{sequence_id}": pages.sequence,
        "/calendar": pages.calendar,
        "/check": pages.check,
        "/file/{path:path}": pages.file,
        "/assets/{name}": pages.asset,
        "/events": pages.events,
    }
    for path, handler in handlers.items():
        router.add_api_route(path, handler, methods=["GET"], response_class=Response)
    router.add_api_route("/test/{email_id}", pages.send_test, methods=["POST"], response_class=Response)
    return router


class StudioPages:
    """The pages of one studio. `seen_by` gives them the frame of the console around it."""

    _staff: object = None
    _sent: Renderer | None = None

    def __init__(self, studio: Studio) -> None:
        self._studio, self._drafts, self._findings = studio, studio.drafts, studio.findings
        self._pages = Pages(studio.base, studio.assets, studio.home)
        self._email = EmailPage(studio.drafts, self._pages.address, studio.links, studio.now)

    @property
    def drafts(self) -> Drafts:
        """What is shown."""
        return self._drafts

    @property
    def findings(self) -> Findings:
        """What lint says of it."""
        return self._findings

    def seen_by(self, staff: object, sent: Renderer | None = None) -> StudioPages:
        """The same pages with the console's own header, for whoever is signed in."""
        framed = copy(self)
        framed._staff = staff
        framed._sent = sent
        return framed

    def home(self) -> Response:
        """Every sequence with its emails."""
        return self._page("home.html", self._drafts.look(), {"here": "home"})

    def email(
        self,
        email_id: str,
        persona: str = "",
        location: str = "",
        sequence: str = "",
        was: str = "",
        view: str = "",
        wait: bool = False,
        test: str = "",
    ) -> Response:
        """One email, in one view; where none is asked for, the one that fits the screen.

        Where the persona is another than it `was`, place and sequence follow.
        """
        draft = self._drafts.look()
        if was and was != persona:
            location = sequence = ""
        chosen = _chosen(draft, email_id, persona, location, sequence)
        if chosen is None:
            return self._missing(draft, f"emails/{email_id}.md")
        renderer, choice = chosen
        is_pending = not wait and self._findings.needs_time(draft, email_id)
        found = [] if is_pending else list(self._findings.of(draft, email_id))
        seen_as = View(view) if view in set(View) else None
        values = self._email.values(draft, renderer.catalog, choice, seen_as, found)
        return self._page(
            "email.html",
            draft,
            {
                "here": email_id,
                "sequence_here": choice.sequence,
                "found": found,
                "whole": self._whole(is_pending, f"/email/{email_id}", view=seen_as or "", **query_of(choice)),
                "has_lint": self._findings.is_there,
                "trial_mail": self._studio.trial_mail,
                "trial_result": test if test in set(Result) else "",
                **values,
            },
        )

    def frame(
        self, email_id: str, persona: str = "", location: str = "", sequence: str = "", scheme: str = "light"
    ) -> Response:
        """The email alone, as its reader sees it."""
        draft = self._drafts.look()
        chosen = _chosen(draft, email_id, persona, location, sequence)
        shown = self._drafts.shown(chosen[1].use) if chosen else None
        if chosen is None or shown is None or shown.renderer is None:
            return HTMLResponse("<!DOCTYPE html><title>Not there</title>", 404, dict(EMAIL_HEADERS))
        html = letters.rendered(shown.renderer, chosen[1].use, chosen[1].persona, self._studio.links).html
        paint = letters.in_dark if scheme == "dark" else letters.in_light
        return HTMLResponse(paint(html), headers=dict(EMAIL_HEADERS))

    def eml(self, email_id: str, persona: str = "", location: str = "", sequence: str = "") -> Response:
        """The whole message, as a file for a mail program."""
        draft = self._drafts.look()
        chosen = _chosen(draft, email_id, persona, location, sequence)
        shown = self._drafts.shown(chosen[1].use) if chosen else None
        if chosen is None or shown is None or shown.renderer is None:
            return self._missing(draft, f"emails/{email_id}.md")
        choice = chosen[1]
        try:
            message = letters.message(
                shown.renderer, choice.use, choice.persona, self._studio.links, self._studio.now()
            )
        except ValueError as error:
            return self._sorry(draft, "This message could not leave", str(error), 409)
        name = f"{email_id}.{choice.location}.{choice.persona.id}.eml"
        headers = {**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="{_file_name(name)}"'}
        return Response(message.content, media_type="message/rfc822", headers=headers)

    def send_test(
        self,
        request: Request,
        email_id: str,
        to: Annotated[str, Form()] = "",
        persona: Annotated[str, Form()] = "",
        location: Annotated[str, Form()] = "",
        sequence: Annotated[str, Form()] = "",
        view: Annotated[str, Form()] = View.DESKTOP,
    ) -> Response:
        """Send this email, as a test, to an address that was allowed at the start."""
        draft = self._drafts.look()
        if comes_from_elsewhere(request):
            return self._sorry(draft, "Nothing was sent", "Another website asked for this test.", 403)
        chosen = _chosen(draft, email_id, persona, location, sequence)
        if chosen is None:
            return self._missing(draft, f"emails/{email_id}.md")
        result = self._test(chosen[1], to)
        back = self._pages.address(f"/email/{email_id}", view=view, test=result, **query_of(chosen[1]))
        return RedirectResponse(back + "#test", 303, dict(PAGE_HEADERS))

    def _test(self, choice: Choice, to: str) -> Result:
        def compose() -> Message:
            shown = self._drafts.shown(choice.use)
            if shown.renderer is None or shown.problem is not None:
                raise ValueError("the last version that worked is not the draft that was asked for")
            return letters.trial_message(
                shown.renderer, choice.use, choice.persona, to, self._studio.links, self._studio.now()
            )

        mail = self._studio.trial_mail
        return mail.send(to, compose) if mail else Result.NOT_ALLOWED

    def sequence(self, sequence_id: str, location: str = "") -> Response:
        """A sequence as a timeline."""
        draft = self._drafts.look()
        catalog = draft.renderer.catalog if draft.renderer else None
        if draft.renderer is None or catalog is None or sequence_id not in catalog.sequences:
            return self._missing(draft, f"sequences/{sequence_id}.toml")
        sequence = catalog.sequences[sequence_id]
        offered = words.in_order(sequence.locations)
        at = next((one for one in offered if one == location), offered[0] if offered else Location.UNDECIDED)
        stops = timeline(draft.renderer, sequence, at, self._studio.people)
        people, because = people_of(catalog, sequence, at)
        values = {"sequence": sequence, "location": at, "locations": offered, "stops": stops, "people": people}
        more = {
            "asked": asked_first(catalog, sequence, at),
            "because": because,
            "has_people": has_people(stops),
            "sequence_here": sequence_id,
        }
        return self._page("sequence.html", draft, {"here": "sequence", **values, **more})

    def calendar(
        self,
        location: str = "",
        condition: str = "",
        treatment: str = "",
        zip: str = "",
        submitted_at: str = "",
        consent: str = "yes",
        persona: str = "",
    ) -> Response:
        """What a made-up lead would get, and when."""
        draft = self._drafts.look()
        if draft.renderer is None:
            return self._missing(draft, "personas.toml")
        renderer = self._sent or draft.renderer
        personas = renderer.catalog.personas
        asked = Asked(
            location=location, condition=condition, treatment=treatment, zip=zip, submitted_at=submitted_at,
            consent=consent == "yes",
        )  # fmt: skip
        if persona in personas:
            asked = Asked.of(personas[persona])
        found, problem = self._calendar(renderer, asked)
        values = {
            "is_sent": self._sent is not None,
            "asked": asked,
            "calendar": found,
            "problem": problem,
            "personas": personas.values(),
        }
        return self._page("calendar.html", draft, {"here": "calendar", "persona_here": persona, **values})

    def _calendar(self, renderer: Renderer, asked: Asked) -> tuple[Calendar | None, str]:
        try:
            return lead_calendar(renderer, asked, self._studio.now()), ""
        except (NotAnInstant, NotKnown, TemplateError) as error:
            return None, str(error)

    def check(self, wait: bool = False) -> Response:
        """Everything that lint finds."""
        draft = self._drafts.look()
        is_pending = not wait and self._findings.needs_time(draft)
        found = [] if is_pending else list(self._findings.of(draft))
        return self._page(
            "check.html",
            draft,
            {
                "here": "check",
                "found": found,
                "whole": self._whole(is_pending, "/check"),
                "has_lint": self._findings.is_there,
            },
        )

    def file(self, path: str) -> Response:
        """Any draft file, with line numbers."""
        draft = self._drafts.look()
        if path not in draft.files:
            return self._missing(draft, path)
        faults = [Fault.of(problem) for problem in draft.problems]
        values = {"path": path, "lines": lines_of(path, draft.files[path], faults)}
        return self._page("file.html", draft, {"here": "file", **values})

    def asset(self, name: str) -> Response:
        """A static file; its address names its content."""
        if name not in FILES:
            return Response("There is no such file.", 404, dict(PAGE_HEADERS), "text/plain")
        file, kind = FILES[name]
        return Response(file.read_bytes(), headers={**PAGE_HEADERS, "Cache-Control": FOR_EVER}, media_type=kind)

    async def events(self) -> Response:
        """Server-sent events: the version of the content, at once and whenever it changes."""
        return StreamingResponse(self._versions(), headers=dict(PAGE_HEADERS), media_type="text/event-stream")

    async def _versions(self) -> AsyncIterator[str]:
        told, silent = None, 0
        yield "retry: 500\n\n"
        while not self._studio.is_stopping:
            draft = await run_in_threadpool(self._drafts.look)
            silent += 1
            if draft.version != told:
                told, silent = draft.version, 0
                yield f"data: {told}\n\n"
            elif silent >= _STILL_HERE_EVERY:
                silent = 0
                yield ": still here\n\n"
            await asyncio.sleep(_LOOK_EVERY_S)

    def _whole(self, is_pending: bool, path: str, **query: object) -> str:
        """Where the page with what is pending is; empty where nothing is."""
        return self._pages.address(path, wait=1, **query) if is_pending else ""

    def _page(self, template: str, draft: Draft, values: Mapping[str, object], status: int = 200) -> Response:
        problems = [
            {"fault": Fault.of(one), "around": around(draft.files.get(one.source, ""), one.line)}
            for one in draft.problems
        ]
        shell = {
            "version": draft.version,
            "problems": problems,
            "files": draft.files,
            "tree": tree(draft.renderer.catalog) if draft.renderer else [],
            "source_around": lambda path, line: around(draft.files.get(path, ""), line),
            "sequence_here": None,
            "whole": "",
            "staff": self._staff,
        }
        return HTMLResponse(self._pages.render(template, {**shell, **values}), status, dict(PAGE_HEADERS))

    def _missing(self, draft: Draft, path: str) -> Response:
        if draft.problems and draft.renderer is None:
            return self._page("broken.html", draft, {"here": ""}, 503)
        return self._sorry(draft, "There is no such thing", f"The draft has no {path} that could be shown.", 404)

    def _sorry(self, draft: Draft, title: str, detail: str, status: int) -> Response:
        return self._page("sorry.html", draft, {"here": "", "title": title, "detail": detail}, status)


def _chosen(draft: Draft, email_id: str, persona: str, location: str, sequence: str) -> tuple[Renderer, Choice] | None:
    """The email and how to look at it; None where there is no such email, or nothing that works yet."""
    if draft.renderer is None or email_id not in draft.renderer.catalog.emails:
        return None
    choice = choose(draft.renderer.catalog, email_id, persona=persona, location=location, sequence=sequence)
    return (draft.renderer, choice) if choice else None


def _file_name(name: str) -> str:
    """A name without anything that a header or a file system could take amiss."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-._") else "-" for letter in name)
