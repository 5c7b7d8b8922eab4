"""The page of one email: what each of its views needs, and nothing that it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from worker.console.address import Address
from worker.console.studio import letters, words
from worker.console.studio.choice import Choice, View, route_of
from worker.console.studio.drafts import Draft, Drafts, Shown
from worker.console.studio.views.audience import audiences, special_audience, verdict
from worker.console.studio.views.source import Found, lines_of
from worker.content.catalog import Catalog, Persona, content_location
from worker.content.render import Rendered, Renderer
from worker.content.uses import Use, uses_in
from worker.domain.leads import Location

PHONE, WIDE = 375, 700
_TABS: Mapping[View, str] = {
    View.DESKTOP: "Desktop",
    View.PHONE: "Phone",
    View.DARK: "Dark",
    View.TEXT: "Text",
    View.SOURCE: "Source",
    View.HEADERS: "Headers",
    View.INBOX: "Inbox line",
    View.EVERYONE: "All personas",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The email in a frame that runs nothing."""

    url: str
    width: int
    height: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One persona in the grid: how the email looks for them, or why they do not get it."""

    persona: Persona
    where: str
    gets: bool
    why: str
    url: str
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class EmailPage:
    """Makes the values of the page for one choice and view."""

    drafts: Drafts
    address: Address
    links: str
    now: Callable[[], datetime]

    def values(
        self, draft: Draft, catalog: Catalog, choice: Choice, asked: View | None, found: list[Found]
    ) -> dict[str, object]:
        """What the template shows. Where no view is asked for, the screen's width chooses between two of them."""
        shown = self.drafts.shown(choice.use)
        email, view = catalog.emails[choice.email], asked or View.DESKTOP
        look = self._look(draft, catalog, choice, view, shown, found)
        if asked is None and "frame" in look and shown.renderer is not None:
            rendered = letters.rendered(shown.renderer, choice.use, choice.persona, self.links)
            look["narrow"] = self._frame(draft, choice, View.PHONE, rendered)
        return {
            "email": email,
            "choice": choice,
            "view": view,
            "is_open": asked is None,
            "tabs": [
                (name, text, self.address(f"/email/{email.id}", view=name, **query_of(choice)))
                for name, text in _TABS.items()
            ],
            "query": query_of(choice),
            "personas": catalog.personas.values(),
            "problem": shown.problem,
            "verdict": verdict(catalog, choice.persona, email.id, self.now()),
            "is_own": _is_own(catalog, choice),
            "audiences": audiences(catalog, email.id),
            "special": special_audience(catalog, email.id),
            "look": look,
        }

    def _look(
        self, draft: Draft, catalog: Catalog, choice: Choice, view: View, shown: Shown, found: list[Found]
    ) -> dict[str, object]:
        """The part that the view alone needs. Without any rendering that works, only the source can be looked at."""
        path = catalog.emails[choice.email].path
        if view is View.SOURCE:
            return {"path": path, "lines": lines_of(path, draft.files.get(path, ""), found)}
        if shown.renderer is None:
            return {}
        if view is View.EVERYONE:
            return {"cards": self._cards(draft, catalog, choice)}
        renderer, use, persona = shown.renderer, choice.use, choice.persona
        if view is View.HEADERS:
            return self._headers(renderer, use, persona)
        rendered = letters.rendered(renderer, use, persona, self.links)
        match view:
            case View.TEXT:
                return {"text": rendered.text}
            case View.INBOX:
                return {"inbox": self._inbox(renderer, use, persona, rendered)}
            case _:
                return {"frame": self._frame(draft, choice, view, rendered)}

    def _frame(self, draft: Draft, choice: Choice, view: View, rendered: Rendered) -> Frame:
        width = PHONE if view is View.PHONE else WIDE
        scheme = "dark" if view is View.DARK else "light"
        return Frame(
            url=self.address(f"/frame/{choice.email}", scheme=scheme, v=draft.version, **query_of(choice)),
            width=width,
            height=letters.frame_height(rendered.text, width),
            title=f"“{rendered.subject}” as {choice.persona.name} reads it",
        )

    def _headers(self, renderer: Renderer, use: Use, persona: Persona) -> dict[str, object]:
        try:
            message = letters.message(renderer, use, persona, self.links, self.now())
        except ValueError as error:
            return {"headers": [], "refused": str(error)}
        return {
            "headers": letters.headers(message.content),
            "refused": "",
            "envelope": (message.envelope_from, message.recipient),
            "size": len(message.content),
        }

    def _inbox(self, renderer: Renderer, use: Use, persona: Persona, rendered: Rendered) -> dict[str, object]:
        try:
            lines = letters.headers(letters.message(renderer, use, persona, self.links, self.now()).content)
        except ValueError:
            lines = []
        sender = next((line.value for line in lines if line.name == "From"), "")
        both = f"{rendered.subject} – {rendered.preheader}"
        return {
            "sender": sender.partition("<")[0].strip().strip('"'),
            "subject": letters.inbox_line(rendered.subject, 40),
            "preheader": letters.inbox_line(rendered.preheader, 90),
            "wide": letters.inbox_line(both, 90),
            "subject_at": min(len(rendered.subject), 90),
            "lengths": (len(rendered.subject), len(rendered.preheader)),
        }

    def _cards(self, draft: Draft, catalog: Catalog, choice: Choice) -> list[Card]:
        uses = uses_in(catalog)
        return [self._card(draft, catalog, choice, persona, uses) for persona in catalog.personas.values()]

    def _card(self, draft: Draft, catalog: Catalog, choice: Choice, persona: Persona, uses: list[Use]) -> Card:
        decided, _ = route_of(catalog, persona)
        told = verdict(catalog, persona, choice.email, self.now())
        mine = _use_of(uses, choice.email, content_location(decided.location), decided.sequence)
        own = replace(choice, persona=persona, location=mine[1], sequence=mine[2]) if mine else None
        shown = self.drafts.shown(mine) if mine and told.gets else None
        frame = None
        if own and shown and shown.renderer:
            rendered = letters.rendered(shown.renderer, own.use, persona, self.links)
            frame = self._frame(draft, own, View.PHONE, rendered)
        sequence = catalog.sequences[decided.sequence].name if decided.sequence else "no sequence"
        return Card(
            persona=persona,
            where=f"{words.LOCATIONS[decided.location]}, {sequence}",
            gets=told.gets,
            why=told.text,
            url=self.address(
                f"/email/{choice.email}", view=View.PHONE, **query_of(own or replace(choice, persona=persona))
            ),
            frame=frame,
        )


def _use_of(uses: list[Use], email: str, location: Location, sequence: str | None) -> Use | None:
    """Where a persona meets the email: in the own sequence, or outside of any."""
    mine = [use for use in uses if use[:2] == (email, location)]
    return next((use for use in mine if use[2] in {sequence, None}), None)


def _is_own(catalog: Catalog, choice: Choice) -> bool:
    """Whether this is the place and sequence to which the persona's own form leads."""
    decided, _ = route_of(catalog, choice.persona)
    return choice.location is content_location(decided.location) and choice.sequence in {decided.sequence, None}


def query_of(choice: Choice) -> dict[str, str]:
    """The choice as an address holds it, so that every view is a link."""
    return {"persona": choice.persona.id, "location": choice.location.value, "sequence": choice.sequence or ""}
