"""A person with a real browser: fills in the form of a running product, errs, mends it, and becomes a lead."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.product import Product, until

LONGER_THAN_THE_TIME_TRAP_MS = 2600
"""Nobody fills in a form in two seconds; programs do."""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=request.param) as context:
        yield context.new_page()
        assert context.cookies() == []


def test_a_person_errs_mends_it_and_is_thanked(page: Page, product: Product) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{product.url}/form")
    page.get_by_label("Email address").fill("maya at example")
    page.get_by_label("First name").fill("Maya")
    page.get_by_label("Albany", exact=False).first.check()
    page.get_by_label("Anxiety, worry or panic").check()
    page.locator("#message").fill("I would like to know\nwhat the first step is.")
    page.locator("#consent_email").check()
    page.wait_for_timeout(LONGER_THAN_THE_TIME_TRAP_MS)

    page.get_by_role("button", name="Send my request").click()

    expect(page.get_by_role("alert")).to_contain_text("Email address")
    assert page.get_by_label("Email address").input_value() == "maya at example"
    assert page.get_by_label("First name").input_value() == "Maya"
    assert page.locator("#message").input_value() == "I would like to know\nwhat the first step is."
    assert page.get_by_label("Anxiety, worry or panic").is_checked()
    assert page.locator("#consent_email").is_checked()

    page.get_by_label("Email address").fill(f"maya.{uuid4().hex[:8]}@example.com")
    page.get_by_role("button", name="Send my request").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    reference = page.locator(".reference").inner_text()
    assert page.url.startswith(f"{product.url}/thanks/")
    assert [url for url in asked if not url.startswith(f"{product.url}/")] == []
    assert [text for text in complaints if "422" not in text] == []
    until(lambda: reference in [lead["reference"] for lead in product.json("leads", "list")["leads"]])
    (lead,) = [each for each in product.json("leads", "list")["leads"] if each["reference"] == reference]
    assert (lead["location"], lead["condition"]) == ("albany", "anxiety")
    until(lambda: product.json("leads", "explain", reference)["next"].get("kind") == "nurture")


def test_a_person_in_a_crisis_sees_help_first(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/form")
    page.get_by_label("Email address").fill(f"crisis.{uuid4().hex[:8]}@example.com")
    page.locator("#message").fill("I do not want to live anymore.")
    page.wait_for_timeout(LONGER_THAN_THE_TIME_TRAP_MS)

    page.get_by_role("button", name="Send my request").click()

    expect(page.get_by_role("link", name="Call 988")).to_be_visible()
    reference = page.locator(".reference").inner_text()
    until(lambda: reference in [lead["reference"] for lead in product.json("leads", "list")["leads"]])
    (lead,) = [each for each in product.json("leads", "list")["leads"] if each["reference"] == reference]
    assert lead["hold"] == "crisis_acute"


def test_who_presses_twice_is_one_lead_and_sees_the_thank_you_page(browser: Browser, product: Product) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{product.url}/form")
        page.get_by_label("Email address").fill(f"twice.{uuid4().hex[:8]}@example.com")
        page.wait_for_timeout(LONGER_THAN_THE_TIME_TRAP_MS)

        page.get_by_role("button", name="Send my request").dblclick()

        expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
        reference = page.locator(".reference").inner_text()
        until(lambda: reference in [lead["reference"] for lead in product.json("leads", "list")["leads"]])
