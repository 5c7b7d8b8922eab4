"""A waiver lets a rule be broken by name, with a reason and an end; some rules have none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.unit import shipped
from tests.unit.lint.drafts import TODAY, body, edited, email_with, rules
from worker.content.catalog import Waiver
from worker.content.lint.engine import RULES, lint
from worker.content.lint.finding import Finding, Severity
from worker.content.render import Renderer
from worker.errors import ContentInvalid

EMAIL = email_with(body("Short."))
LATER = date(2026, 12, 31)


def said_with(*waivers: Waiver, today: date = TODAY) -> list[Finding]:
    catalog = replace(shipped.catalog(), emails={EMAIL.id: EMAIL}, sequences={}, waivers=waivers)
    return lint(Renderer(catalog), today)


def waiver(rule: str = "LEN001", until: date = LATER, path: str = EMAIL.path) -> Waiver:
    return Waiver(path=path, rule=rule, reason="it is a postcard", by="Jordan Example", until=until)


def of_rule(findings: list[Finding], rule: str) -> list[Finding]:
    return [found for found in findings if found.rule == rule]


def test_a_waived_rule_is_shown_as_a_note_with_its_reason() -> None:
    (found,) = of_rule(said_with(waiver()), "LEN001")

    assert found.severity is Severity.I
    assert "Waived until 2026-12-31 by Jordan Example: it is a postcard." in found.message


def test_a_waiver_of_one_file_says_nothing_of_another() -> None:
    findings = said_with(waiver(path="emails/risks.md"))

    assert [found.severity for found in of_rule(findings, "LEN001")] == [Severity.W]


def test_a_waiver_holds_on_its_last_day_and_is_an_error_on_the_next() -> None:
    assert of_rule(said_with(waiver(), today=LATER), "WAI001") == []

    findings = said_with(waiver(), today=date(2027, 1, 1))
    assert [found.severity for found in of_rule(findings, "WAI001")] == [Severity.E]
    assert [found.severity for found in of_rule(findings, "LEN001")] == [Severity.W]


def test_a_waiver_that_nothing_needs_is_a_warning() -> None:
    (found,) = of_rule(said_with(waiver("SUB002")), "WAI001")

    assert found.severity is Severity.W


def test_a_waiver_of_no_rule_is_an_error() -> None:
    (found,) = of_rule(said_with(waiver("MED999")), "WAI001")

    assert found.severity is Severity.E


NEVER = [
    "MED001", "MED002", "MED003", "INS002", "TST001", "FTR001", "FTR002", "FTR003", "FTR004", "FTR005",
    "PRV001", "PRV002", "PRV003", "PRV004", "SUB001",
]  # fmt: skip


@pytest.mark.parametrize("rule", NEVER)
def test_some_rules_have_no_exceptions(rule: str) -> None:
    assert not RULES[rule].waivable
    assert [found.severity for found in of_rule(said_with(waiver(rule)), "WAI001")] == [Severity.E]


def test_breaking_a_rule_without_exceptions_stays_an_error() -> None:
    email = email_with(body("Most plans pay for it."))
    waivers = (waiver("INS002"),)
    findings = lint(
        Renderer(replace(shipped.catalog(), emails={email.id: email}, sequences={}, waivers=waivers)), TODAY
    )

    assert {found.severity for found in of_rule(findings, "INS002")} == {Severity.E}


def test_waivers_are_read_from_emails_and_from_sequences() -> None:
    text = 'waivers = [{ rule = "SEQ002", reason = "a short course", by = "Jordan Example", until = 2026-12-31 }]\n'
    catalog = edited(
        (
            ("emails/risks.md", "sponsor =", text + "sponsor ="),
            ("sequences/tms.toml", 'name = "TMS"', 'name = "TMS"\n' + text),
        )
    )

    assert {(one.path, one.rule, one.until) for one in catalog.waivers} == {
        ("emails/risks.md", "SEQ002", LATER),
        ("sequences/tms.toml", "SEQ002", LATER),
    }


@pytest.mark.parametrize("lacking", ["reason", "by", "until", "rule"])
def test_a_waiver_says_who_why_and_until_when(lacking: str) -> None:
    parts = {"rule": '"LEN001"', "reason": '"why"', "by": '"Jordan Example"', "until": "2026-12-31"}
    row = ", ".join(f"{key} = {value}" for key, value in parts.items() if key != lacking)

    with pytest.raises(ContentInvalid, match=rf"emails/risks.md: waivers\[1\].{lacking} is missing"):
        edited((("emails/risks.md", "sponsor =", f"waivers = [{{ {row} }}]\nsponsor ="),))


def test_a_sequence_may_be_waived_too() -> None:
    short = shipped.catalog().sequences["tms"]
    catalog = replace(
        shipped.catalog(),
        sequences={**shipped.catalog().sequences, "tms": replace(short, steps=short.steps[:4])},
        waivers=(waiver("SEQ002", path="sequences/tms.toml"),),
    )
    needed = {step.email for step in short.steps[:4]}
    emails = {name: email for name, email in catalog.emails.items() if name in needed}
    used = {name: one for name, one in catalog.sequences.items() if name == "tms"}
    findings = lint(Renderer(replace(catalog, emails=emails, sequences=used)), TODAY)

    assert [found.severity for found in of_rule(findings, "SEQ002")] == [Severity.I]
    assert "WAI001" not in rules(findings)
