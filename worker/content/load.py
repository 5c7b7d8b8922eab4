"""From files to a `Catalog`: parse every file, check every cross-reference, report every problem at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice, product
from typing import TypeVar

from worker.content.catalog import (
    ACKNOWLEDGEMENT,
    ACKNOWLEDGEMENT_CONFIRM,
    ARTICLES,
    Catalog,
    Claim,
    ClaimKind,
    Email,
    Persona,
    Purpose,
    Waiver,
)
from worker.content.load_clinic import load_clinic
from worker.content.load_forms import load_forms
from worker.content.load_routing import load_routing
from worker.content.load_safety import load_safety
from worker.content.tables import Problems, Table, read_toml
from worker.domain.eligibility import EmailScope
from worker.domain.leads import Condition, Language, Location, Treatment
from worker.domain.schedule import Window
from worker.domain.sequences import LateAction, Sequence, Step
from worker.errors import ContentInvalid, TemplateError

T = TypeVar("T")

CONTENT_LOCATIONS = (Location.CARBONDALE, Location.ALBANY, Location.UNDECIDED)
"""The locations that content is written for."""

_FRONT_MATTER = re.compile(r"\+\+\+\n(.*?)\n\+\+\+\n(.*)", re.DOTALL)
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def load_catalog(files: Mapping[str, str]) -> Catalog:
    """The catalog of these files. Raises ContentInvalid, which lists every problem found."""
    problems = Problems()
    waivers: list[Waiver] = []
    forms, synonyms = load_forms(_toml(files, "forms.toml", problems))
    catalog = Catalog(
        clinic=load_clinic(_toml(files, "clinic.toml", problems)),
        routing=load_routing(_toml(files, "routing.toml", problems)),
        crisis=load_safety(_toml(files, "safety.toml", problems)),
        forms=forms,
        synonyms=synonyms,
        claims=_load_named(_toml(files, "claims.toml", problems), "claims", _load_claim),
        blocks={_stem(path): text for path, text in files.items() if path.startswith("blocks/")},
        emails=_load_emails(files, problems, waivers),
        sequences=_load_sequences(files, problems, waivers),
        layout={path.removeprefix("layout/"): text for path, text in files.items() if path.startswith("layout/")},
        personas=_load_personas(_toml(files, "personas.toml", problems)),
        waivers=tuple(waivers),
        files=files,
    )
    if not problems.found:
        _check_references(catalog, problems)
    if problems.found:
        raise ContentInvalid([_with_line(problem, files) for problem in problems.found])
    return catalog


def _with_line(problem: TemplateError, files: Mapping[str, str]) -> TemplateError:
    """An email's problem with the line of the setting that it begins with."""
    text, key = files.get(problem.source, ""), problem.problem.split(" ", 1)[0]
    found = re.search(rf"^{re.escape(key)}\s*=", text, re.MULTILINE)
    if problem.line is not None or found is None or not problem.source.startswith("emails/"):
        return problem
    return TemplateError(problem.source, problem.problem, text.count("\n", 0, found.start()) + 1)


def _toml(files: Mapping[str, str], path: str, problems: Problems) -> Table:
    if path not in files:
        problems.add(path, "is missing")
    return Table(read_toml(files.get(path, ""), path, problems), path, problems)


def _stem(path: str) -> str:
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _load_named(table: Table, key: str, load: Callable[[str, Table], T]) -> dict[str, T]:
    loaded = {}
    for name, row in table.named(key):
        loaded[name] = load(name, row)
        row.done()
    table.done()
    return loaded


def _load_claim(name: str, table: Table) -> Claim:
    source = table.text("source")
    if source and source not in ARTICLES:
        table.problem("source", f"knows no article {source!r}; write one of {', '.join(ARTICLES)}")
    return Claim(
        id=name,
        says=table.text("says"),
        kind=table.choice("kind", ClaimKind) or ClaimKind.MEDICAL,
        source=source,
        section=table.text("section"),
        locations=frozenset(table.choices("locations", Location)),
        conditions=frozenset(table.choices("conditions", Condition, [])),
        needs=table.texts("needs", []),
        review_by=table.day("review_by"),
    )


def _load_waivers(table: Table) -> Iterator[Waiver]:
    """The optional `waivers` of an email or a sequence: a rule, why it may be broken, who says so, until when."""
    for row in table.tables("waivers", []):
        yield Waiver(
            path=table.source,
            rule=row.text("rule"),
            reason=row.text("reason"),
            by=row.text("by"),
            until=row.day("until"),
        )
        row.done()


def _load_emails(files: Mapping[str, str], problems: Problems, waivers: list[Waiver]) -> dict[str, Email]:
    emails = {}
    for path in sorted(path for path in files if path.startswith("emails/")):
        match = _FRONT_MATTER.fullmatch(files[path].replace("\r\n", "\n"))
        if match is None:
            problems.add(path, "must begin with a line +++, its settings, and another line +++", 1)
            continue
        front, body = match.groups()
        table = Table(read_toml("\n" + front, path, problems), path, problems)
        email = _load_email(table, body, body_line=front.count("\n") + 4)
        waivers += _load_waivers(table)
        table.done()
        if email.id != _stem(path):
            problems.add(path, f"has id {email.id!r}; the id must be the file's name, {_stem(path)!r}")
        emails[_stem(path)] = email
    return emails


def _load_email(table: Table, body: str, body_line: int) -> Email:
    for source in table.texts("sources"):
        if source not in ARTICLES:
            table.problem("sources", f"knows no article {source!r}; write one of {', '.join(ARTICLES)}")
    return Email(
        scope=EmailScope(
            id=table.text("id"),
            locations=frozenset(table.choices("locations", Location)),
            conditions=frozenset(table.choices("conditions", Condition, [])),
            treatments=frozenset(table.choices("treatments", Treatment, [])),
            review_by=table.day("review_by"),
        ),
        subject=table.text("subject"),
        preheader=table.text("preheader"),
        purpose=table.choice("purpose", Purpose) or Purpose.EDUCATIONAL,
        topics=table.texts("topics", []),
        slots=table.texts("slots", []),
        claims=table.texts("claims", []),
        sources=table.texts("sources"),
        reviewed=table.day("reviewed"),
        sponsor=table.text("sponsor"),
        language=(table.choice("language", Language) if table.has("language") else None) or Language.ENGLISH,
        body=body,
        body_line=body_line,
    )


def _load_sequences(files: Mapping[str, str], problems: Problems, waivers: list[Waiver]) -> dict[str, Sequence]:
    sequences = {}
    for path in sorted(path for path in files if path.startswith("sequences/")):
        table = _toml(files, path, problems)
        sequence = _load_sequence(table)
        waivers += _load_waivers(table)
        table.done()
        if sequence.id != _stem(path):
            problems.add(path, f"has id {sequence.id!r}; the id must be the file's name, {_stem(path)!r}")
        sequences[_stem(path)] = sequence
    return sequences


def _load_sequence(table: Table) -> Sequence:
    locations = frozenset(table.choices("locations", Location))
    slots = table.table("slots") if table.has("slots") else None
    steps = tuple(_load_step(row, locations) for row in table.tables("steps"))
    ids = [step.id for step in steps]
    for step_id in sorted({step_id for step_id in ids if ids.count(step_id) > 1}):
        table.problem("steps", f"has two steps {step_id!r}; a step's id is its identity for ever")
    return Sequence(
        id=table.text("id"),
        name=table.text("name"),
        locations=locations,
        slots={name: slots.text(name) for name in slots.names()} if slots else {},
        steps=steps,
    )


def _load_step(table: Table, locations: frozenset[Location]) -> Step:
    late = table.table("late")
    step = Step(
        id=table.text("id"),
        email=table.text("email"),
        wait=table.duration("wait"),
        late_after=late.duration("after"),
        late_action=late.choice("action", LateAction) or LateAction.SHIFT,
        locations=frozenset(table.choices("locations", Location, sorted(locations))),
        window=_load_window(table.table("window")) if table.has("window") else None,
    )
    if not _ID.fullmatch(step.id):
        table.problem("id", f"is {step.id!r}; use lower-case words joined by hyphens")
    late.done()
    table.done()
    return step


def _load_window(table: Table) -> Window:
    window = table.window()
    table.done()
    return window


def _load_personas(table: Table) -> dict[str, Persona]:
    personas = {}
    for row in table.tables("personas"):
        texts = {
            key: row.text(key, "")
            for key in (
                "id", "name", "first_name", "last_name", "email", "phone", "location", "zip", "condition",
                "treatment", "message",
            )
        }  # fmt: skip
        personas[texts["id"]] = Persona(**texts, consent_email=row.flag("consent_email"))
        row.done()
    table.done()
    return personas


def _check_references(catalog: Catalog, problems: Problems) -> None:
    for answer in (ACKNOWLEDGEMENT, ACKNOWLEDGEMENT_CONFIRM):
        if answer not in catalog.emails or catalog.emails[answer].purpose is not Purpose.ACKNOWLEDGEMENT:
            problems.add(
                "emails", f"has no {answer}.md with the purpose acknowledgement, which leads are answered with"
            )
    for layout in ("email.html", "email.txt"):
        if layout not in catalog.layout:
            problems.add("layout", f"has no {layout}")
    if "footer" not in catalog.blocks:
        problems.add("blocks", "has no footer.md, which every email ends with")
    _check_emails(catalog, problems)
    for sequence in catalog.sequences.values():
        _check_sequence(sequence, catalog, problems)
    _check_routes(catalog, problems)


def _check_emails(catalog: Catalog, problems: Problems) -> None:
    for email in catalog.emails.values():
        for claim in email.claims:
            if claim not in catalog.claims:
                problems.add(email.path, f"names claim {claim!r}, which claims.toml does not have")
            elif email.scope.locations - catalog.claims[claim].locations:
                elsewhere = ", ".join(sorted(email.scope.locations - catalog.claims[claim].locations))
                problems.add(email.path, f"names claim {claim!r}, which must not be stated at {elsewhere}")
    for stated in catalog.claims.values():
        for block in stated.needs:
            if block not in catalog.blocks:
                problems.add("claims.toml", f"claim {stated.id!r} needs block {block!r}, which does not exist")


def _check_sequence(sequence: Sequence, catalog: Catalog, problems: Problems) -> None:
    path = f"sequences/{sequence.id}.toml"
    window = catalog.clinic.nurture.window
    for step in sequence.steps:
        email = catalog.emails.get(step.email)
        if email is None:
            problems.add(path, f"step {step.id!r} names email {step.email!r}, which does not exist")
            continue
        if email.purpose is not Purpose.EDUCATIONAL:
            problems.add(path, f"step {step.id!r} sends {step.email!r}, which is not educational")
        for slot in email.slots:
            if slot not in sequence.slots:
                problems.add(path, f"lacks slot {slot!r}, which {email.path} uses")
        if not step.locations <= email.scope.locations:
            where = ", ".join(sorted(step.locations - email.scope.locations))
            problems.add(path, f"step {step.id!r} sends {step.email!r} at {where}, for which it is not written")
        if window.narrowed(step.window).is_empty:
            problems.add(path, f"step {step.id!r} has a window outside the clinic's own, so it could never go out")


def _check_routes(catalog: Catalog, problems: Problems) -> None:
    rules = catalog.routing.sequences
    if not rules or rules[-1].locations or rules[-1].conditions or rules[-1].treatments:
        problems.add("routing.toml", "must end with a [[sequence]] rule that matches everybody")
    for rule in rules:
        if rule.sequence not in catalog.sequences:
            problems.add("routing.toml", f"rule {rule.id!r} names sequence {rule.sequence!r}, which does not exist")
    for location, condition, treatment in product(CONTENT_LOCATIONS, Condition, (None, *Treatment)):
        matching = (rule for rule in rules if rule.matches(location, condition, treatment))
        for rule in islice(matching, 1):
            sequence = catalog.sequences.get(rule.sequence)
            if sequence is not None and location not in sequence.locations:
                problems.add(
                    "routing.toml", f"rule {rule.id!r} sends {location} leads to {rule.sequence!r}, not theirs"
                )
