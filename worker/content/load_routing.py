"""`routing.toml` to `RoutingRules`."""

from __future__ import annotations

from worker.content.tables import Table
from worker.domain.leads import CLINICS, Condition, Location, Treatment
from worker.domain.routing import LocationRule, LocationRules, RoutingRules, SequenceRule, squash

STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas",
    "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts",
    "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana",
    "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico",
    "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma",
    "OR": "Oregon", "PA": "Pennsylvania", "PR": "Puerto Rico", "RI": "Rhode Island", "SC": "South Carolina",
    "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip


def load_routing(table: Table) -> RoutingRules:
    """The rules of this file; problems are noted on the table."""
    conditions = _load_conditions(table)
    rules = RoutingRules(
        location=_load_location(table.table("location")),
        condition_words={squash(word): condition for condition, words in conditions.items() for word in words},
        treatment_words=_load_treatments(table.table("treatment")),
        precedence=tuple(conditions),
        sequences=tuple(_load_rule(row) for row in table.tables("sequence")),
    )
    table.done()
    return rules


def _load_conditions(table: Table) -> dict[Condition, tuple[str, ...]]:
    conditions: dict[Condition, tuple[str, ...]] = {}
    for row in table.tables("condition"):
        condition = row.choice("id", Condition)
        if condition is not None:
            conditions[condition] = (condition.value, *row.texts("words"))
        row.done()
    for missing in [condition for condition in Condition if condition not in conditions]:
        table.problem("condition", f"lacks {missing}; every condition has its place in the order")
    return conditions


def _load_treatments(table: Table) -> dict[str, Treatment]:
    words = {}
    for treatment in Treatment:
        for word in (treatment.value, *table.texts(treatment.value)):
            words[squash(word)] = treatment
    table.done()
    return words


def _load_location(table: Table) -> LocationRules:
    words, serves = table.table("words"), table.table("serves")
    rules = LocationRules(
        order=table.choices("order", LocationRule),
        zip_max_miles=table.number("zip_max_miles"),
        brand_phrases=table.texts("brand_phrases"),
        words={clinic: words.texts(clinic.value) for clinic in CLINICS},
        serves={clinic: _states(serves, clinic) for clinic in CLINICS},
        state_codes={squash(text): code for code, name in STATES.items() for text in (code, name)},
    )
    for part in (words, serves, table):
        part.done()
    return rules


def _states(table: Table, clinic: Location) -> frozenset[str]:
    codes = table.texts(clinic.value)
    for code in codes:
        if code not in STATES:
            table.problem(clinic.value, f"knows no state {code!r}; write two-letter codes")
    return frozenset(codes)


def _load_rule(table: Table) -> SequenceRule:
    rule = SequenceRule(
        id=table.text("id"),
        sequence=table.text("sequence"),
        because=table.text("because"),
        locations=frozenset(table.choices("locations", Location, [])),
        conditions=frozenset(table.choices("conditions", Condition, [])),
        treatments=frozenset(table.choices("treatments", Treatment, [])),
    )
    table.done()
    return rule
