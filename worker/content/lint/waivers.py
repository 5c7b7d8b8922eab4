"""Waivers: a rule that a file may break until a day, because a named person says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from worker.content.catalog import Catalog, Waiver
from worker.content.lint.finding import Severity
from worker.content.lint.places import line_of
from worker.content.lint.rule import Hit, Rule

WAI001 = Rule(
    id="WAI001",
    severity=Severity.E,
    waivable=False,
    what="a waiver that has expired, names no rule, names one without exceptions (error), or is not needed (warning)",
    why="An exception without an end is a rule that nobody follows.",
    fix="Take the waiver out, and mend what it allowed.",
)

RULES = (WAI001,)


def waiver_for(
    hit: Hit, owner: str, waivers: Iterable[Waiver], rules: Mapping[str, Rule], today: date
) -> Waiver | None:
    """The waiver in `owner` that allows this hit today."""
    rule = rules.get(hit.rule)
    if rule is None or not rule.waivable:
        return None
    return next((one for one in waivers if one.path == owner and one.rule == hit.rule and today <= one.until), None)


def waived(hit: Hit, waiver: Waiver) -> Hit:
    """The hit, shown and no longer in the way."""
    message = f"{hit.message} Waived until {waiver.until} by {waiver.by}: {waiver.reason}."
    return hit.weighed(Severity.I, message)


def check_waivers(catalog: Catalog, rules: Mapping[str, Rule], used: Iterable[Waiver], today: date) -> Iterator[Hit]:
    """What is wrong with the waivers themselves."""
    used = list(used)
    for waiver in catalog.waivers:
        line = line_of(catalog.files.get(waiver.path, ""), waiver.rule) or 1
        rule = rules.get(waiver.rule)
        if rule is None:
            yield WAI001.at(waiver.path, line, f"There is no rule {waiver.rule!r}.")
        elif not rule.waivable:
            yield WAI001.at(waiver.path, line, f"{waiver.rule} has no exceptions.")
        elif today > waiver.until:
            yield WAI001.at(waiver.path, line, f"The waiver of {waiver.rule} expired on {waiver.until}.")
        elif waiver not in used:
            message = f"The waiver of {waiver.rule} is not needed."
            yield WAI001.at(waiver.path, line, message, severity=Severity.W, fix="Take it out.")
