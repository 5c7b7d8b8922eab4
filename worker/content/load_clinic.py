"""`clinic.toml` to a `Clinic`."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from worker.content.tables import Table
from worker.domain.clinic import Clinic, Fact, NurtureRules, Place
from worker.domain.leads import CLINICS, Location, Treatment
from worker.domain.reputation import Limit, Reputation
from worker.domain.response import USUAL, FrontDeskRules
from worker.domain.retention import SHORTEST, Kept, Retention, RetentionRule
from worker.domain.retention import USUAL as RETENTION


def load_clinic(table: Table) -> Clinic:
    """The clinic of this file; problems are noted on the table."""
    brand, undecided = table.table("brand"), table.table("undecided")
    clinic = Clinic(
        brand=brand.text("name"),
        website=brand.text("website"),
        undecided_sender_name=undecided.text("sender_name"),
        undecided_sender_address=undecided.text("sender_address"),
        undecided_reply_to=undecided.text("reply_to"),
        nurture=_load_nurture(table.table("nurture")),
        reputation=_load_reputation(table.table("reputation")) if table.has("reputation") else Reputation(),
        front_desk=_load_front_desk(table.table("front_desk")) if table.has("front_desk") else USUAL,
        retention=_load_retention(table),
        places={Location(name): _load_place(name, row) for name, row in table.named("places") if name in set(CLINICS)},
    )
    for missing in set(CLINICS) - set(clinic.places):
        table.problem(f"places.{missing}", "is missing")
    for part in (brand, undecided, table):
        part.done()
    return clinic


def _load_nurture(table: Table) -> NurtureRules:
    if table.text("holidays") != "us_federal":
        table.problem("holidays", "must be us_federal; add other days to a place's `closed`")
    rules = NurtureRules(
        window=table.window(),
        min_gap=table.duration("min_gap"),
        acknowledgement_gap=table.duration("acknowledgement_gap"),
    )
    table.done()
    return rules


def _load_reputation(table: Table) -> Reputation:
    rule = Reputation(
        window=table.duration("window"),
        complaints=_load_limit(table.table("complaints")),
        bounces=_load_limit(table.table("bounces")),
    )
    table.done()
    return rule


def _load_retention(table: Table) -> Retention:
    """The rules written, and the usual one for each kind of which nothing is written."""
    rules = dict(RETENTION)
    for name, row in table.named("retention") if table.has("retention") else ():
        rule = RetentionRule(after=row.duration("after"), because=row.text("because"))
        row.done()
        if name not in set(Kept):
            table.problem(f"retention.{name}", f"is about nothing known; write one of {', '.join(Kept)}")
        elif rule.after < SHORTEST[Kept(name)]:
            row.problem("after", f"is too short: at least {SHORTEST[Kept(name)].days} days")
        else:
            rules[Kept(name)] = rule
    return rules


def _load_limit(table: Table) -> Limit:
    limit = Limit(share=table.number("stop_at"), events=int(table.number("events")), emails=int(table.number("emails")))
    if not 0 < limit.share < 1:
        table.problem("stop_at", "must be a share between 0 and 1, such as 0.003 for 0.3 %")
    if limit.events < 1 or limit.emails < 1:
        table.problem("events", "and emails must be at least 1")
    table.done()
    return limit


def _load_front_desk(table: Table) -> FrontDeskRules:
    rules = FrontDeskRules(
        window=table.window(),
        answer_within=table.duration("answer_within"),
        escalate_after=table.duration("escalate_after"),
    )
    if rules.escalate_after < rules.answer_within:
        table.problem("escalate_after", "must not be less than answer_within")
    table.done()
    return rules


def _load_place(name: str, table: Table) -> Place:
    place = Place(
        id=Location(name),
        city=table.text("city"),
        state=table.text("state"),
        state_code=table.text("state_code"),
        address=table.text("address"),
        phone=table.text("phone"),
        hours=table.text("hours"),
        hours_es=table.text("hours_es", ""),
        licence_line=table.text("licence_line"),
        sender_name=table.text("sender_name"),
        sender_address=table.text("sender_address"),
        reply_to=table.text("reply_to"),
        latitude=table.number("latitude"),
        longitude=table.number("longitude"),
        zone=_zone(table),
        closed=_closed(table),
        services=frozenset(table.choices("services", Treatment)),
        facts={fact: _load_fact(row) for fact, row in table.named("facts")},
    )
    table.text("zip")
    table.done()
    return place


def _zone(table: Table) -> str:
    name = table.text("zone")
    try:
        return ZoneInfo(name).key if name else "UTC"
    except (ZoneInfoNotFoundError, ValueError):
        table.problem("zone", f"is {name!r}, which is no IANA time zone such as America/Chicago")
        return "UTC"


def _closed(table: Table) -> dict[date, str]:
    closed = {}
    for row in table.tables("closed", []):
        closed[row.day("on")] = row.text("why")
        row.done()
    return closed


def _load_fact(table: Table) -> Fact:
    fact = Fact(says=table.text("says"), review_by=table.day("review_by"))
    table.done()
    return fact
