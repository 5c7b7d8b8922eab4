"""Lint: every rule over every email, location, sequence and name, told once each.

It reads a renderer's catalog and changes nothing. The bytes of a message are checked where the caller says
how to build them, because content does not know about delivery.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from worker.content.catalog import Catalog, Email, Waiver
from worker.content.lint import (
    claim_rules,
    disclosure_rules,
    front_rules,
    link_rules,
    page_rules,
    reading_rules,
    sequence_rules,
    waivers,
    wire_rules,
)
from worker.content.lint.copy_check import check_typed, check_words
from worker.content.lint.copy_rules import COPY_RULES
from worker.content.lint.finding import Finding, Severity, by_weight
from worker.content.lint.rule import Hit, Rule
from worker.content.lint.sample import READER, Draft, Sample, Wire
from worker.content.render import Rendered, Renderer
from worker.content.uses import uses_in
from worker.domain.leads import Location
from worker.errors import TemplateError

_MODULES = (
    front_rules,
    reading_rules,
    disclosure_rules,
    claim_rules,
    link_rules,
    page_rules,
    wire_rules,
    sequence_rules,
    waivers,
)

RULES: Mapping[str, Rule] = {
    rule.id: rule
    for rule in sorted((*COPY_RULES, *(rule for module in _MODULES for rule in module.RULES)), key=lambda rule: rule.id)
}
"""Every rule, by id."""

SampleCheck = Callable[[Sample], Iterator[Hit]]

SAMPLE_CHECKS: tuple[SampleCheck, ...] = (
    check_words,
    front_rules.check_call_to_action,
    reading_rules.check_inbox_line,
    reading_rules.check_ease,
    disclosure_rules.check_disclosures,
    disclosure_rules.check_place,
    claim_rules.check_coverage,
    claim_rules.check_free,
    link_rules.check_addresses,
    link_rules.check_images,
    link_rules.check_names_of_links,
    page_rules.check_structure,
)
"""For every sample: what its words may change."""

PAGE_CHECKS: tuple[SampleCheck, ...] = (
    front_rules.check_names,
    disclosure_rules.check_footer,
    page_rules.check_letters,
    page_rules.check_sizes,
    wire_rules.check_wire,
)
"""For one sample of each location: what a sequence's slots can't change."""

DRAFT_CHECKS: tuple[Callable[[Draft], Iterator[Hit]], ...] = (
    check_typed,
    front_rules.check_front_matter,
    front_rules.check_template,
    front_rules.check_length,
    front_rules.check_dates_of_claims,
    disclosure_rules.check_own_footer,
    claim_rules.check_claims,
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A hit, the file that may waive it, and where it shows."""

    hit: Hit
    owner: str
    location: Location | None = None
    sequence: str | None = None


def lint(
    renderer: Renderer,
    today: date,
    *,
    emails: Collection[str] | None = None,
    locations: Collection[Location] | None = None,
    wire: Wire | None = None,
) -> list[Finding]:
    """What is to be mended, errors first. With `emails` only these are looked at, and no sequences."""
    catalog = renderer.catalog
    wanted = [email for email in catalog.emails if emails is None or email in emails]
    found = [one for email in wanted for one in _lint_email(renderer, email, today, locations, wire)]
    if emails is None:
        found += _lint_whole(catalog, locations)
    used: list[Waiver] = []
    findings = _told(found, catalog, today, used)
    if emails is None and locations is None:
        amiss = waivers.check_waivers(catalog, RULES, used, today)
        findings += _told((_Found(hit, hit.path) for hit in amiss), catalog, today, used)
    return by_weight(findings)


def lint_order(renderer: Renderer) -> list[Finding]:
    """What is wrong with the sequences and the claims themselves; the emails are not read, so it is quick."""
    return _told(_lint_whole(renderer.catalog, None), renderer.catalog, date.min, [])


def _lint_email(
    renderer: Renderer, email_id: str, today: date, locations: Collection[Location] | None, wire: Wire | None
) -> Iterator[_Found]:
    catalog, groups = renderer.catalog, dict[tuple[Location, Rendered], list[Sample]]()
    email = catalog.emails[email_id]
    uses = [use for use in uses_in(catalog) if use[0] == email_id and (locations is None or use[1] in locations)]
    for _, location, sequence in uses:
        readable: Renderer | None = renderer
        while readable is not None:
            try:
                sample = _sample(readable, email_id, location, sequence, wire if readable is renderer else None)
                groups.setdefault((location, sample.rendered), []).append(sample)
                break
            except TemplateError as error:
                yield _Found(front_rules.broken(error), email.path, location, sequence)
                readable = _without_slots_of(readable, email_id, error)
    for hit, sample in _check_groups(list(groups.values())):
        yield _Found(hit, email.path, sample.location, sample.sequence)
    if uses:
        samples = [sample for group in groups.values() for sample in group]
        draft = Draft(email=email, samples=samples, catalog=catalog, today=today, is_whole=locations is None)
        for check in DRAFT_CHECKS:
            for hit in check(draft):
                yield _Found(hit, email.path)


def _without_slots_of(renderer: Renderer, email_id: str, error: TemplateError) -> Renderer | None:
    """The same but for the slots of the line that can't be filled, so that the rest is read all the same."""
    catalog = renderer.catalog
    email = catalog.emails[email_id]
    if error.source != email.path or error.line is None:
        return None
    lines = email.body.split("\n")
    at = error.line - email.body_line
    lines[at : at + 1] = [re.sub(r"\{\{.*?\}\}", "…", line) for line in lines[at : at + 1]]
    body = "\n".join(lines)
    if body == email.body:
        return None
    return Renderer(replace(catalog, emails={**catalog.emails, email_id: replace(email, body=body)}))


def _check_groups(groups: list[list[Sample]]) -> Iterator[tuple[Hit, Sample]]:
    """Check what is the same in several sequences once, and say it of each."""
    seen = set[Location]()
    for group in groups:
        location = group[0].location
        for check in SAMPLE_CHECKS if location in seen else (*SAMPLE_CHECKS, *PAGE_CHECKS):
            for hit in check(group[0]):
                yield from ((hit, sample) for sample in group)
        seen.add(location)


def _sample(renderer: Renderer, email_id: str, location: Location, sequence: str | None, wire: Wire | None) -> Sample:
    compiled = renderer.compiled(email_id, location, sequence)
    return Sample(
        renderer=renderer,
        email=renderer.catalog.emails[email_id],
        location=location,
        sequence=sequence,
        compiled=compiled,
        rendered=compiled.for_person(READER),
        outline=renderer.outline(email_id, location, sequence, READER),
        wire=wire,
    )


def _lint_whole(catalog: Catalog, locations: Collection[Location] | None) -> Iterator[_Found]:
    for hit in claim_rules.check_all_claims(catalog):
        yield _Found(hit, hit.path)
    for hit, location in sequence_rules.check_sequences(catalog):
        if locations is None or location is None or location in locations:
            yield _Found(hit, hit.path, location)


def told(hits: Iterable[Hit]) -> list[Finding]:
    """Hits that need no catalog to be understood: what is said of files that do not load."""
    return by_weight(_finding(hit, [], ()) for hit in dict.fromkeys(hits))


def _told(found: Iterable[_Found], catalog: Catalog, today: date, used: list[Waiver]) -> list[Finding]:
    """Each hit once, with all the places where it shows; waived ones as notes."""
    places: dict[Hit, list[_Found]] = {}
    for one in found:
        waiver = waivers.waiver_for(one.hit, one.owner, catalog.waivers, RULES, today)
        if waiver is not None:
            used.append(waiver)
        hit = waivers.waived(one.hit, waiver) if waiver else one.hit
        places.setdefault(hit, []).append(one)
    return [_finding(hit, shown, catalog.emails.values()) for hit, shown in places.items()]


def _finding(hit: Hit, shown: list[_Found], emails: Iterable[Email]) -> Finding:
    """A location that says nothing, because it shows everywhere the emails go, is left out."""
    owners = {one.owner for one in shown}
    written_for = {location for email in emails if email.path in owners for location in email.scope.locations}
    locations = sorted({one.location for one in shown if one.location})
    return Finding(
        rule=hit.rule,
        severity=Severity(hit.severity),
        path=hit.path,
        line=hit.line,
        location="" if written_for and set(locations) == written_for else ", ".join(locations),
        sequence=", ".join(sorted({one.sequence for one in shown if one.sequence})),
        persona=hit.persona,
        message=hit.message,
        fix=hit.fix,
    )
