"""Render emails. What differs from person to person is joined in at the end, after Markdown and HTML.

So a name can't inject Markdown, HTML or template code, and the expensive parts (Jinja, Markdown, CSS
inlining) run once per published email, location and sequence, not once per message.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from css_inline import CSSInliner
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError
from jinja2.environment import TemplateExpression
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from worker.content import template_words
from worker.content.catalog import Catalog, Email, content_location
from worker.content.markdown import refuse_raw_html, to_html
from worker.content.template_rules import MAX_BLOCKS, check_size, check_template
from worker.content.text_part import to_text
from worker.domain.clinic import Clinic, Place
from worker.domain.eligibility import EmailScope
from worker.domain.leads import Language, Location, greeting
from worker.errors import TemplateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The few values of a message that are one person's own."""

    first_name: str | None
    unsubscribe_url: str
    choose_url: str
    confirm_url: str

    def values(self, language: Language) -> dict[str, str]:
        """What stands at each mark of an email in this language."""
        return {
            MARKS["greeting"]: greeting(self.first_name, language),
            MARKS["unsubscribe"]: self.unsubscribe_url,
            MARKS["choose"]: self.choose_url,
            MARKS["confirm"]: self.confirm_url,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One email as one person gets it."""

    subject: str
    preheader: str
    html: str
    text: str


# Plain letters, so that a mark passes unchanged through Markdown, URL encoding, HTML and CSS inlining.
MARKS = {name: f"qx{number}personqx" for number, name in enumerate(("greeting", "unsubscribe", "choose", "confirm"))}
_MARK = re.compile("|".join(MARKS.values()))
_SPLIT = re.compile(f"({_MARK.pattern})")
_BROKEN_MARK = re.compile(r"qx\d|personqx", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledEmail:
    """An email rendered but for the person. `scope.review_by` is the first review date of all that it states.

    Equal to itself alone: it is compiled once, and looked up for each message.
    """

    scope: EmailScope
    language: Language
    subject: str
    preheader: str
    html: str
    text: str

    def for_person(self, person: Person) -> Rendered:
        """The finished email."""
        values = person.values(self.language)
        return self.filled(values, {mark: html.escape(value, quote=True) for mark, value in values.items()})

    def filled(self, text_values: Mapping[str, str], html_values: Mapping[str, str]) -> Rendered:
        """The finished email, from what stands for each mark."""
        return Rendered(
            subject=self.subject,
            preheader=self.preheader,
            html=_MARK.sub(lambda match: html_values[match.group()], self.html),
            text=_MARK.sub(lambda match: text_values[match.group()], self.text),
        )


def split_at_marks(marked: str) -> list[str]:
    """The text of a compiled email as text, mark, text, mark, … text."""
    return _SPLIT.split(marked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """An email's own words for one person, as Markdown with a mark where each block stands, for lint to judge.

    `blocks` are the blocks' words, by name; `values` is what the body's slots and conditions were filled from.
    """

    markdown: str
    blocks: Mapping[str, str]
    values: Mapping[str, Any]


BLOCK_MARK = re.compile(r"qxblockqx ([a-z0-9-]+)")
"""A paragraph of an outline that stands for a block."""


class Renderer:
    """Renders the emails of one catalog. Compiled emails are kept; a new snapshot gets a new renderer."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._compiled: dict[tuple[str, Location, str | None], CompiledEmail] = {}
        self._templates: dict[tuple[str, str], Template] = {}
        self._conditions: dict[str, TemplateExpression] = {}
        self._inliner = CSSInliner(load_remote_stylesheets=False)
        self._markdown = _environment(autoescape=False)
        self._layout = _environment(autoescape=True)

    def compiled(self, email_id: str, location: Location, sequence: str | None) -> CompiledEmail:
        """The email for everyone of this location and sequence. Raises TemplateError."""
        key = (email_id, content_location(location), sequence)
        if key not in self._compiled:
            self._compiled[key] = self._compile(self.catalog.emails[email_id], key[1], sequence)
        return self._compiled[key]

    def _compile(self, email: Email, location: Location, sequence: str | None) -> CompiledEmail:
        context = _Context(self, email, location, sequence)
        body = self.expand(email.body, email.path, context, email.body_line)
        ending = self.catalog.footer_of(email.language)
        footer = self.expand(self.catalog.blocks[ending], f"blocks/{ending}.md", context)
        values = {"subject": email.subject, "preheader": email.preheader, "lang": email.language}
        values["brand"] = self.catalog.clinic.brand
        page = self._page("email.html", values | {"content": Markup(to_html(body)), "footer": Markup(to_html(footer))})
        text = self._page("email.txt", values | {"content": to_text(body), "footer": to_text(footer)})
        return CompiledEmail(
            scope=_with_review_date(email.scope, context.review_dates()),
            language=email.language,
            subject=email.subject,
            preheader=email.preheader,
            html=self._inliner.inline(page),
            text=text,
        )

    def outline(self, email_id: str, location: Location, sequence: str | None, person: Person) -> Outline:
        """What the email itself says, apart from its blocks. Raises TemplateError."""
        email = self.catalog.emails[email_id]
        context = _OutlineContext(self, email, content_location(location), sequence)
        markdown = self.expand(email.body, email.path, context, email.body_line)
        marks = person.values(email.language)
        return Outline(
            markdown=_MARK.sub(lambda match: marks[match.group()], markdown),
            blocks={name: _MARK.sub(lambda match: marks[match.group()], text) for name, text in context.blocks.items()},
            values=context.values(),
        )

    def holds(self, condition: str, outline: Outline) -> bool:
        """Whether a condition of a body's `{% if %}` is so there. Raises TemplateError."""
        try:
            if condition not in self._conditions:
                self._conditions[condition] = self._markdown.compile_expression(condition, undefined_to_none=False)
            return bool(self._conditions[condition](**outline.values))
        except Exception as error:  # as in `expand`
            raise TemplateError("condition", str(error)) from error

    def expand(self, source: str, name: str, context: _Context, first_line: int = 1) -> str:
        """The Markdown of a body or block with its slots filled. Raises TemplateError with file and line."""
        values = context.values()
        try:
            expanded = self._template(source, name, first_line).render(values).strip() + "\n"
        except TemplateError:
            raise
        except TemplateSyntaxError as error:
            problem, line = template_words.of_syntax(source, error)
            raise TemplateError(name, problem, line + first_line - 1) from error
        except Exception as error:  # a template can raise anything, and must never stop more than its own email
            problem = template_words.of_unknown(error, source, values)
            raise TemplateError(name, problem, _line_of(error, first_line)) from error
        check_size(expanded, name)
        if _BROKEN_MARK.search(_MARK.sub("", expanded)):
            raise TemplateError(name, "changes the person's own words; use {{ greeting }} and links as they are")
        return expanded

    def _template(self, source: str, name: str, first_line: int) -> Template:
        """The compiled source: a body is one template for all its locations and sequences, a block for all emails."""
        if (name, source) not in self._templates:
            refuse_raw_html(_without_slots(source), name, first_line)
            check_template(self._markdown.parse(source), name, first_line)
            self._templates[name, source] = self._markdown.from_string(source)
        return self._templates[name, source]

    def _page(self, layout: str, values: Mapping[str, Any]) -> str:
        environment = self._layout if layout.endswith(".html") else self._markdown
        try:
            if (layout, "") not in self._templates:
                self._templates[layout, ""] = environment.from_string(self.catalog.layout[layout])
            return self._templates[layout, ""].render(values)
        except Exception as error:  # as in `expand`: whatever a template raises is a fault of its file
            problem = template_words.of_unknown(error, self.catalog.layout.get(layout, ""), values)
            raise TemplateError(f"layout/{layout}", problem, _line_of(error, 1)) from error


def scope_of(renderer: Renderer, email_id: str, location: Location, sequence: str | None) -> EmailScope | None:
    """Whom an email is for, with the earliest review date of all it states; None where it can't be had.

    An email that does not render proceeds to composing, which fails the same way and holds it as broken.
    """
    email = renderer.catalog.emails.get(email_id)
    if email is None or (sequence and sequence not in renderer.catalog.sequences):
        return None
    try:
        return renderer.compiled(email_id, location, sequence).scope
    except TemplateError:
        return email.scope


class _Context:
    """The closed list of what an email may say, for one email, location and sequence."""

    def __init__(self, renderer: Renderer, email: Email, location: Location, sequence: str | None) -> None:
        self._renderer, self._email, self._location = renderer, email, location
        self._catalog = renderer.catalog
        self._facts = _Facts(self._catalog.clinic, location)
        self._sequence = self._catalog.sequences[sequence] if sequence else None
        self._claims = set(email.claims)
        self._blocks_used = 0

    def values(self) -> dict[str, Any]:
        """The template's variables and functions."""
        clinic = self._catalog.clinic
        return {
            "greeting": MARKS["greeting"],
            "purpose": self._email.purpose.value,
            "location": _location_values(clinic, self._location),
            "clinics": [_place_values(place) for place in clinic.places_of(self._location)],
            "facts": self._facts,
            "links": _link_values(clinic, self._location),
            "slot": dict(self._sequence.slots) if self._sequence else {},
            "contact": _contact(clinic, self._location),
            "claim": self._claim,
            "block": self._block,
        }

    def review_dates(self) -> list[date]:
        """The review dates of every claim and fact that the email states."""
        return [self._catalog.claims[claim].review_by for claim in self._claims] + self._facts.review_dates

    def _claim(self, name: str) -> str:
        if name not in self._catalog.claims:
            near = get_close_matches(name, self._catalog.claims, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "claims.toml has them all"
            raise TemplateError(self._email.path, f"there is no claim {name!r}; {hint}")
        if name not in self._email.claims:
            raise TemplateError(self._email.path, f"states claim {name!r}, which its settings do not list under claims")
        return self._catalog.claims[name].says

    def _block(self, name: str) -> str:
        if name not in self._catalog.blocks:
            raise TemplateError(self._email.path, f"uses block {name!r}; there is no blocks/{name}.md")
        self._blocks_used += 1
        if self._blocks_used > MAX_BLOCKS:
            raise TemplateError(f"blocks/{name}.md", f"is block {MAX_BLOCKS + 1} of one email: a block uses itself?")
        return "\n\n" + self._renderer.expand(self._catalog.blocks[name], f"blocks/{name}.md", self) + "\n"


class _OutlineContext(_Context):
    """Marks the place of each block, and keeps the block's words apart."""

    def __init__(self, renderer: Renderer, email: Email, location: Location, sequence: str | None) -> None:
        super().__init__(renderer, email, location, sequence)
        self.blocks: dict[str, str] = {}

    def _block(self, name: str) -> str:
        self.blocks[name] = super()._block(name)
        return f"\n\nqxblockqx {name}\n\n"


class _Facts:
    """`facts.<id>` in a template; remembers which were stated, since each has its own review date."""

    def __init__(self, clinic: Clinic, location: Location) -> None:
        self._facts = clinic.places[location].facts if location in clinic.places else {}
        self._location = location
        self.review_dates: list[date] = []

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._facts:
            raise UndefinedError(f"facts.{name} is not known at {self._location}; add it to clinic.toml")
        self.review_dates.append(self._facts[name].review_by)
        return self._facts[name].says


def _environment(*, autoescape: bool) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(autoescape=autoescape, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals.clear()  # range, cycler, joiner, namespace and lipsum write more than anyone means to
    return environment


def _place_values(place: Place) -> dict[str, Any]:
    return {
        "id": place.id.value,
        "decided": True,
        "name": place.name,
        "city": place.city,
        "state": place.state,
        "state_code": place.state_code,
        "address": place.address,
        "phone": place.phone,
        "hours": place.hours,
        "licence_line": place.licence_line,
    }


def _location_values(clinic: Clinic, location: Location) -> dict[str, Any]:
    if location in clinic.places:
        return _place_values(clinic.places[location])
    return {"id": location.value, "decided": False, "name": clinic.brand}


def _link_values(clinic: Clinic, location: Location) -> dict[str, str]:
    links = {"website": clinic.website, "unsubscribe": MARKS["unsubscribe"], "confirm": MARKS["confirm"]}
    if location in clinic.places:
        links["call"] = f"tel:+1-{clinic.places[location].phone}"
    else:
        links["choose"] = MARKS["choose"]
    return links


def _contact(clinic: Clinic, location: Location) -> str:
    def call(place: Place) -> str:
        return f"[{place.phone}](tel:+1-{place.phone})"

    places = clinic.places_of(location)
    if len(places) == 1:
        return f"Call {places[0].name} at {call(places[0])}, {places[0].hours}."
    return " ".join(f"In {place.city}, {place.state}, call {call(place)}." for place in places)


def _with_review_date(scope: EmailScope, dates: list[date]) -> EmailScope:
    return EmailScope(
        id=scope.id,
        locations=scope.locations,
        conditions=scope.conditions,
        treatments=scope.treatments,
        review_by=min([scope.review_by, *dates]),
    )


def _without_slots(source: str) -> str:
    """The source with its Jinja parts blanked, line by line, so that `<` inside a slot is not taken for HTML."""
    return re.sub(r"\{[{%#].*?[}%#]\}", lambda match: re.sub(r"[^\n]", "x", match.group()), source, flags=re.DOTALL)


def _line_of(error: BaseException, first_line: int) -> int | None:
    """The template line that a Jinja error came from, found in its traceback."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno + first_line - 1
        frame = frame.tb_next
    return line
