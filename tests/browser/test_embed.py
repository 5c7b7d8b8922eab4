"""The embedded form on somebody else's page, in a real browser, against the real web process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.browser.axe import WCAG, violations
from tests.browser.conftest import CHROMIUM
from tests.support.site import Site, open_site, serve
from tests.support.turnstile import GOOD, SECRET, WIDGET, Turnstile, turnstile
from tests.support.world import SHIPPED
from worker.intake.captcha import SCRIPT as CAPTCHA
from worker.runtime.supervisor import free_port

pytestmark = pytest.mark.browser

ORIGIN = "https://practice.example.com"
WORDING = "Yes, email me a few short messages."
FORMS = f"""
[forms.practice]
name = "The contact page of our partner practice"
origins = ["{ORIGIN}"]
default_location = "albany"
consent_version = "2026-11-20"
consent_wording = "{WORDING}"

[forms.thanked]
name = "One with a thank-you page of its own"
origins = ["{ORIGIN}"]
thank_you = "{ORIGIN}/thanks"
language = "es"
consent_version = "2026-11-20"
consent_wording = "Sí, envíenme algunos mensajes breves."

[forms.checked]
name = "One that asks for a CAPTCHA"
origins = ["{ORIGIN}"]
captcha = true
consent_version = "2026-11-20"
consent_wording = "{WORDING}"
"""
PLAIN = """<form method="post" action="ADDRESS/v1/submissions">
<input type="hidden" name="form" value="practice"><label>Email <input name="email" type="email"></label>
<label><input type="checkbox" name="consent_email" value="yes"> Yes</label><button>Send</button></form>"""


@pytest.fixture(scope="module")
def vendor() -> Iterator[Turnstile]:
    with turnstile() as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, vendor: Turnstile) -> Iterator[Site]:
    content = {**SHIPPED, "forms.toml": SHIPPED["forms.toml"] + FORMS}
    captcha = {"turnstile_site_key": "a key", "turnstile_secret": SECRET, "turnstile_url": vendor.url}
    with open_site(tmp_path_factory.mktemp("site"), content, **captcha) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(site: Site, chromium: Path) -> Iterator[Browser]:
    """The server runs already: while Playwright is open, this thread starts no loop."""
    with sync_playwright() as playwright:
        arguments = [*CHROMIUM, "--disable-features=LocalNetworkAccessChecks"]
        started = playwright.chromium.launch(executable_path=str(chromium), args=arguments)
        yield started
        started.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a page of the partner's website that holds this."""
    with ExitStack() as stack:

        def opened(html: str, *, scripts: bool = True, query: str = "", widget: str = WIDGET) -> Page:
            context = stack.enter_context(browser.new_context(java_script_enabled=scripts))
            page = context.new_page()
            page.route(
                CAPTCHA,
                lambda route: route.fulfill(body=widget, content_type="text/javascript") if widget else route.abort(),
            )
            document = f'<!doctype html><html lang="en"><title>Contact</title><main><h1>Contact</h1>{html}</main>'
            page.route(f"{ORIGIN}/**", lambda route: route.fulfill(body=document, content_type="text/html"))
            page.goto(f"{ORIGIN}/contact{query}")
            return page

        yield opened


def script(site_url: str, form: str = "practice") -> str:
    return f'<script src="{site_url}/embed.js?form={form}" async></script>'


def reference_in(text: str) -> str:
    found = re.search(r"TAC-[0-9A-Z]{4}-[0-9A-Z]{4}", text)
    assert found, text
    return found[0]


def test_one_script_puts_the_form_on_the_page_and_its_lead_arrives(site: Site, open_page: Open) -> None:
    page = open_page(script(site.url), query="?utm_source=newsletter")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.get_by_label("Email address").fill("embedded@example.com")
    page.get_by_label("First name").fill("Farah")
    page.get_by_label(WORDING).check()
    page.get_by_role("button", name="Send my request").dblclick()
    expect(page.get_by_role("alert")).to_contain_text("TAC-")

    lead = site.lead(reference_in(page.get_by_role("alert").inner_text()))
    assert (lead["email"], lead["first_name"], lead["agreed"]) == ("embedded@example.com", "Farah", True)
    assert lead["location"] == "albany"
    assert page.context.cookies() == []
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(site.url).netloc}
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_axe_finds_nothing_before_and_after_an_error(site: Site, open_page: Open) -> None:
    page = open_page(script(site.url))
    expect(page.get_by_role("button")).to_be_visible()

    before = violations(page, WCAG)
    page.get_by_label("Email address").fill("nobody")
    page.get_by_role("button").click()
    email = page.locator("[name=email]")
    expect(email).to_have_attribute("aria-invalid", "true")
    after = violations(page, WCAG)

    assert [*before, *after] == []
    expect(email).to_be_focused()
    expect(email).to_have_accessible_description("Please enter an email address like name@example.com.")
    expect(email).to_have_value("nobody")


def test_words_of_crisis_show_988_in_place_of_thanks(site: Site, open_page: Open) -> None:
    page = open_page(script(site.url, "thanked"))

    page.get_by_label("Correo electrónico").fill("crisis@example.com")
    page.get_by_label("Su mensaje").fill("I want to die")
    page.get_by_role("button").click()

    panel = page.get_by_role("alert")
    expect(panel).to_be_focused()
    expect(panel.get_by_role("link", name="Llamar al 988")).to_have_attribute("href", "tel:988")
    assert site.lead(reference_in(panel.inner_text()))["hold_reason"] == "crisis_acute"


def test_a_form_with_a_page_of_thanks_goes_there(site: Site, open_page: Open) -> None:
    page = open_page(script(site.url, "thanked"))

    page.get_by_label("Correo electrónico").fill("thanked@example.com")
    page.get_by_role("button").click()

    page.wait_for_url(f"{ORIGIN}/thanks")


def test_without_scripts_the_page_s_own_form_posts_by_itself(site: Site, open_page: Open) -> None:
    page = open_page(PLAIN.replace("ADDRESS", site.url) + script(site.url), scripts=False)

    page.fill("[name=email]", "plain@example.com")
    page.click("button")
    page.wait_for_url("**/thanks/*")

    assert site.lead(reference_in(page.inner_text("main")))["email"] == "plain@example.com"


def test_while_the_server_is_down_what_was_typed_stays_and_the_lead_arrives_after(site: Site, open_page: Open) -> None:
    """The page's own form, made patient: no second form appears, and no second lead."""
    port = free_port(0)
    with serve(site.world, port) as address:
        page = open_page(PLAIN.replace("ADDRESS", address) + script(address))
        expect(page.get_by_role("status")).to_have_count(1)
        assert page.locator("form").count() == 1

    page.fill("[name=email]", "patient@example.com")
    page.click("button")
    expect(page.get_by_role("status")).to_contain_text("we keep trying")
    expect(page.locator("[name=email]")).to_have_value("patient@example.com")

    with serve(site.world, port):
        expect(page.get_by_role("alert")).to_contain_text("TAC-", timeout=60_000)
    assert site.lead(reference_in(page.get_by_role("alert").inner_text()))["email"] == "patient@example.com"


def test_a_form_with_a_captcha_brings_it_and_each_try_has_a_token_of_its_own(
    site: Site, vendor: Turnstile, open_page: Open
) -> None:
    """A token is good once: where the answer to the first try is lost on its way, the second one needs another."""
    page = open_page(script(site.url, "checked"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/v1/submissions", lose_the_answer, times=1)
    page.get_by_label("Email address").fill("checked@example.com")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("TAC-")

    assert site.lead(reference_in(page.get_by_role("alert").inner_text()))["email"] == "checked@example.com"
    assert [fields["response"] for fields in vendor.asked] == [[GOOD], [f"{GOOD}1"]]
    assert set(asked) <= {urlsplit(site.url).netloc, urlsplit(CAPTCHA).netloc}


def test_where_the_captcha_is_blocked_the_post_waits_in_quarantine(site: Site, open_page: Open) -> None:
    page = open_page(script(site.url, "checked"), widget="")

    page.get_by_label("Email address").fill("blocked@example.com")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("TAC-")

    assert site.suspicions(reference_in(page.get_by_role("alert").inner_text())) == ["captcha.failed"]
