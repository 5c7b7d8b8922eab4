"""Findings are for people: the right file and line, a place where it shows, once each, and words that help."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.unit import shipped
from tests.unit.lint.drafts import (
    BOTH,
    CARBONDALE,
    TODAY,
    body,
    catalog_of,
    email_with,
    rules,
    said_of,
    said_of_files,
    said_of_shipped,
    said_of_text,
    with_claim,
)
from worker.content.lint.finding import Finding, Severity, count, summary
from worker.content.lint.sample import SHAPES
from worker.content.render import Renderer
from worker.domain.leads import Location
from worker.usecases.content.check_content import check_content


@pytest.fixture(scope="module")
def shipped_findings() -> list[Finding]:
    return check_content(Renderer(shipped.catalog()), TODAY)


def test_the_shipped_content_has_no_errors_and_no_warnings(shipped_findings: list[Finding]) -> None:
    assert [str(found) for found in shipped_findings] == []


@pytest.mark.parametrize(
    "promise",
    [
        "It helps nearly all who come.", "It works for almost everyone.", "This suits most patients.",
        "If you come, you’ll soon feel much better.", "You will get well.", "Your pain will go away.",
        "It will lift your mood.", "You are going to be yourself again.",
    ],
)  # fmt: skip
def test_a_promise_of_how_it_ends_stops_a_publish_and_stands_first(promise: str) -> None:
    found = said_of_text(f"A line.\n\n{promise}")

    assert (found[0].severity, found[0].rule in {"MED025", "MED026"}) == (Severity.E, True)


@pytest.mark.parametrize(
    "sound",
    [
        "You will be asked how you feel.", "It does not help most people who try it.", "You may feel better or not.",
        "Tell us what would make your life better.", "Nobody can promise that you will feel better.",
    ],
)  # fmt: skip
def test_what_promises_nothing_passes(sound: str) -> None:
    assert not {"MED025", "MED026"} & rules(said_of_text(sound))


def only(findings: list[Finding], rule: str) -> Finding:
    (found,) = [one for one in findings if one.rule == rule]
    return found


def test_a_finding_reads_like_a_colleague() -> None:
    found = only(said_of_text("It has minimal side effects."), "MED013")

    assert str(found) == (
        "emails/spravato-visit.md:22: 'minimal side effects' makes the risk sound small. "
        'Say what can happen instead, or use {{ block("ketamine-risks") }}. (MED013)'
    )


def test_words_of_the_body_are_found_on_their_line_although_emphasis_stands_between() -> None:
    found = only(said_of_text("First line.\n\nSecond line.\n\nIt has *minimal\nside* effects."), "MED013")

    assert (found.path, found.line) == ("emails/spravato-visit.md", 26)


def test_words_of_a_claim_are_found_in_claims_toml() -> None:
    found = only(
        said_of_files({"claims.toml": ("It is not a spray to take home.", "It is safe.")}, CARBONDALE), "MED013"
    )

    lines = shipped.files()["claims.toml"].splitlines()
    expected = next(number for number, line in enumerate(lines, 1) if "It is not a spray to take home" in line)
    assert (found.path, found.line) == ("claims.toml", expected)


def test_words_of_a_slot_are_found_in_the_sequence() -> None:
    change = ('bring = "A note of the moments', 'bring = "A safe note of the moments')
    found = only(said_of_files({"sequences/social-anxiety.toml": change}, "first-visit"), "MED013")

    assert found.path == "sequences/social-anxiety.toml"
    assert found.line is not None
    assert "bring" in shipped.files()[found.path].splitlines()[found.line - 1]
    assert found.sequence == "social-anxiety"


def test_words_of_a_block_are_found_in_the_block() -> None:
    change = ("Staff monitor you for at least 2 hours", "It is safe. Staff monitor you for at least 2 hours")
    found = only(said_of_files({"blocks/spravato.md": change}, CARBONDALE), "MED013")

    assert (found.path, found.line) == ("blocks/spravato.md", 3)


def test_a_setting_is_found_on_its_line() -> None:
    found = only(said_of(email_with(body("Words."), sponsor="A manufacturer")), "FM004")

    assert shipped.files()[found.path].splitlines()[(found.line or 0) - 1].startswith("sponsor")


def test_one_fault_is_told_once_for_all_its_locations_sequences_and_names() -> None:
    found = only(said_of_text("It is safe.", BOTH), "MED013")

    assert found.location == ""
    assert found.sequence == "social-anxiety"


def test_a_fault_of_some_locations_names_them() -> None:
    text = "{% if location.decided %}It is safe.{% endif %}"
    found = only(said_of_text(text, BOTH), "MED013")

    assert found.location == "albany, carbondale"
    assert "(At albany, carbondale.)" in str(found)


def test_only_the_location_asked_for_is_looked_at() -> None:
    email = email_with(body('{% if location.id == "albany" %}It is safe.{% endif %}'), BOTH)
    renderer = Renderer(catalog_of(email))

    def at(location: Location) -> set[str]:
        return rules(check_content(renderer, TODAY, emails=[BOTH], locations=[location]))

    assert "MED013" in at(Location.ALBANY)
    assert at(Location.CARBONDALE).isdisjoint({"MED013", "TPL006"})


def test_an_email_that_does_not_render_is_told_with_its_line_and_the_rest_is_still_checked() -> None:
    email = email_with(body("First line.\n\n{{ facts.parking }} It is safe.\n\n{{ lead.condition }}"))
    findings = check_content(Renderer(catalog_of(email)), TODAY, emails=[email.id])

    assert [found.line for found in findings if found.rule == "TPL001"] == [24, 26]
    assert only(findings, "TPL002").line == 26
    assert only(findings, "MED013").line == 24


def test_a_variable_that_is_not_there_is_told_with_what_was_meant() -> None:
    found = only(said_of_text("You asked about {{ slot.topik }}."), "TPL001")

    assert found.message == "There is no variable 'topik' here; did you mean slot.topic?"


@pytest.mark.parametrize(
    ("today", "severity"),
    [(date(2027, 10, 20), None), (date(2027, 10, 21), Severity.W), (date(2027, 11, 20), Severity.W),
     (date(2027, 11, 21), Severity.E)],
)  # fmt: skip
def test_a_review_date_warns_for_30_days_and_then_stops(today: date, severity: Severity | None) -> None:
    findings = [
        one for one in said_of_shipped("social-anxiety-day-to-day", today=today) if one.path.startswith("emails")
    ]

    assert [one.severity for one in findings if one.rule == "FM002"] == ([severity] if severity else [])


def test_an_overdue_claim_and_an_overdue_fact_are_told_where_they_stand() -> None:
    findings = said_of_shipped("paying-for-ketamine", today=date(2027, 5, 10))
    told = {(one.path, one.severity, one.message) for one in findings if one.rule == "FM002"}

    assert ("clinic.toml", Severity.E, _overdue("Fact 'ketamine_payment' of carbondale", "2027-05-01")) in told
    assert ("claims.toml", Severity.W, "Claim 'il-staff-help' is due for review in 10 days.") in told
    line = next(one.line for one in findings if one.path == "clinic.toml")
    assert "ketamine_payment" in shipped.files()["clinic.toml"].splitlines()[(line or 0) - 1]


def _overdue(thing: str, day: str) -> str:
    return f"{thing} had to be reviewed by {day}; emails with it are held."


def test_insurance_is_reviewed_twice_a_year() -> None:
    shipped_email = shipped.catalog().emails["insurance-steps"]
    email = replace(shipped_email, scope=replace(shipped_email.scope, review_by=date(2027, 5, 21)))
    claim = with_claim("il-staff-help", review_by=date(2027, 5, 21))

    assert "FM005" in rules(said_of(email))
    assert [one.path for one in said_of_shipped("insurance-steps", claim) if one.rule == "FM005"] == ["claims.toml"]


def test_every_shape_of_name_stays_in_its_place() -> None:
    assert set(SHAPES.values()) >= {"", "<b>Sam</b>", "{{7*7}}"}
    assert "TPL003" not in rules(said_of_shipped())


@pytest.mark.parametrize(
    "text", ["{% if greeting == 'Hello,' %}You have no name.{% endif %}", "{{ links.choose + 'x' }}"]
)
def test_nothing_may_depend_on_what_is_personal(text: str) -> None:
    assert "TPL003" in rules(said_of_text(text, BOTH))


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("[Our pages](http://albanyclinic.example.com/)", "is not encrypted"),
        ("[Our pages](https://203.0.113.7/a)", "another host"),
        ("[Our pages](https://sam@albanyclinic.example.com/)", "user name"),
        ("[Our pages](https://albanyclinic.example.com/?utm_source=mail)", "tracking query"),
        ("![A tree](https://images.example.org/tree.png)", "another host"),
        ("[Write to us](mailto:someone@example.org)", "another host"),
    ],
)
def test_links_that_tell_someone_else_are_refused(text: str, trouble: str) -> None:
    assert trouble in only(said_of_text(text), "PRV001").message


@pytest.mark.parametrize(
    "text",
    ["[www.example.org](https://albanyclinic.example.com/)", "[our pages](/visit)", "[our pages]()"],
)
def test_links_that_mislead_are_errors(text: str) -> None:
    assert Severity.E in {one.severity for one in said_of_text(text) if one.rule == "LNK001"}


def test_disclosures_after_the_button_come_too_late() -> None:
    late = body("Ketamine is an anesthetic.") + '\n{{ block("off-label") }}\n'

    assert "MED001" in rules(said_of(email_with(late)))


def test_a_count_is_told_calmly() -> None:
    findings = said_of_text("It is safe.")

    assert count(findings) == {"errors": 1, "warnings": 1, "notes": 0}
    assert summary(findings, 1, 9) == "1 email, 9 sequences: 1 error, 1 warning"


def test_a_pale_colour_is_found_on_its_line_of_the_layout() -> None:
    findings = said_of_files({"layout/email.html": ("color: #b3beb7", "color: #2b3531")}, CARBONDALE)
    found = only(findings, "A11Y001")

    assert "in the dark palette" in found.message
    assert "#b3beb7" in shipped.files()["layout/email.html"].splitlines()[(found.line or 0) - 1]
