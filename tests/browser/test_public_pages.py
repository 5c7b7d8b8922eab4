"""The public pages in a real browser: for everyone, on every screen, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import PageServer
from tests.browser.every_page import IN_SPANISH, PAGES, TYPED

pytestmark = pytest.mark.browser

PHONE, DESKTOP = {"width": 375, "height": 667}, {"width": 1280, "height": 800}


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page on a phone; each test that uses it runs with and without JavaScript."""
    with browser.new_context(viewport=PHONE, java_script_enabled=request.param) as context:
        yield context.new_page()


@pytest.fixture(
    params=[(375, "light"), (375, "dark"), (1280, "light"), (1280, "dark")],
    ids=lambda screen: f"{screen[0]}-{screen[1]}",
)
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    width, scheme = request.param
    size = PHONE if width == 375 else DESKTOP
    with browser.new_context(viewport=size, color_scheme=scheme) as context:
        yield context


def test_axe_finds_nothing_on_any_page(screen: BrowserContext, site: PageServer) -> None:
    page, found = screen.new_page(), []
    for name in (*PAGES, *IN_SPANISH):
        page.goto(f"{site.url}/{name}")
        found += [f"{name}: {text}" for text in violations(page)]

    assert found == []


def test_a_page_asks_nobody_else_for_anything_and_the_browser_has_no_complaint(
    browser: Browser, site: PageServer
) -> None:
    with browser.new_context() as context:
        page, asked, complaints = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for name in PAGES:
            page.goto(f"{site.url}/{name}")

        assert [url for url in asked if not url.startswith(f"{site.url}/")] == []
        assert complaints == []
        assert context.cookies() == []


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_no_page_scrolls_sideways(browser: Browser, site: PageServer, width: int) -> None:
    with browser.new_context(viewport={"width": width, "height": 640}) as context:
        page = context.new_page()
        wide = []
        for name in (*PAGES, *IN_SPANISH):
            page.goto(f"{site.url}/{name}")
            if page.evaluate("document.scrollingElement.scrollWidth") > width:
                wide.append(name)

    assert wide == []


def test_what_is_pressed_is_big_enough_for_a_shaking_thumb(browser: Browser, site: PageServer) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        small = []
        for name in (*PAGES, *IN_SPANISH):
            page.goto(f"{site.url}/{name}")
            targets = page.locator("button, .button, .option label, select, textarea, .field input")
            for target in targets.all():
                box = target.bounding_box()
                assert box is not None
                if box["height"] < 44 or box["width"] < 44:
                    small.append((name, target.inner_text(), box))

    assert small == []


@pytest.mark.parametrize("name", PAGES)
def test_988_is_on_the_first_screen_of_a_phone(browser: Browser, site: PageServer, name: str) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.goto(f"{site.url}/{name}")
        page.evaluate("scrollTo(0, 0)")

        for words in ("Call 988", "Text 988"):
            expect(page.get_by_role("link", name=words, exact=True)).to_be_in_viewport(ratio=1)


def test_in_spanish_988_is_on_the_first_screen_and_the_form_is_sent(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/es-form")
    for words in ("Llamar al 988", "Escribir al 988"):
        expect(page.get_by_role("link", name=words, exact=True)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="English")).to_have_attribute("href", "/form?form=clinica&lang=en")
    page.get_by_label("Correo electrónico").first.fill("lucia@example.com")
    page.get_by_role("button", name="Enviar mi solicitud").click()
    page.wait_for_url(f"{site.url}/v1/submissions")

    assert ("form", "clinica") in site.posted[0][1]


def test_in_a_crisis_the_help_is_the_largest_thing(browser: Browser, site: PageServer) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.goto(f"{site.url}/thanks-crisis")
        boxes = {e.inner_text(): e.bounding_box() for e in page.locator("main a").all()}
        sizes = {words: box["height"] * box["width"] for words, box in boxes.items() if box}
        panel, main = page.locator(".help").bounding_box(), page.locator("main").bounding_box()

    assert set(sorted(sizes, key=lambda words: sizes[words])[-2:]) == {"Call 988", "Text 988"}
    assert panel is not None
    assert main is not None
    assert panel["height"] > main["height"] / 2


def test_a_person_can_fill_in_and_send_the_form(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/form")
    page.get_by_label("Email address").fill("maya@example.com")
    page.get_by_label("Phone number").fill("618-555-0199")
    page.get_by_label("Phone", exact=True).check()
    page.get_by_label("First name").fill("Maya")
    page.get_by_label("Last name").fill("Example")
    page.get_by_label("Albany, New York").check()
    page.get_by_label("ZIP code").fill("12207")
    page.get_by_label("PTSD or trauma").check()
    page.get_by_label("Fibromyalgia").check()
    page.get_by_label("Is there a treatment you want to ask about?").select_option("iv_ketamine")
    page.get_by_label("Is there anything you want us to know?").fill("In the evenings, please.")
    page.get_by_label("Yes, email me").check()
    page.get_by_role("button", name="Send my request").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. We have your request.")
    assert site.posted == [
        (
            "/v1/submissions",
            [
                ("form", "clinic"),
                ("idempotency_key", "0123456789abcdef"),
                ("form_token", "0123456789abcdef.1700000000.c2lnbmVk"),
                ("website", ""),
                ("email", "maya@example.com"),
                ("phone", "618-555-0199"),
                ("preferred_contact", "phone"),
                ("first_name", "Maya"),
                ("last_name", "Example"),
                ("location", "albany"),
                ("zip", "12207"),
                ("condition", "ptsd"),
                ("condition", "fibromyalgia"),
                ("treatment", "iv_ketamine"),
                ("message", "In the evenings, please."),
                ("consent_email", "yes"),
            ],
        )
    ]


def test_a_form_with_nothing_but_an_email_is_sent_and_agrees_to_nothing(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/form")
    page.get_by_label("Email address").fill("maya@example.com")
    page.get_by_label("Email address").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. We have your request.")
    assert {name for name, value in site.posted[0][1] if value} == {
        "form",
        "idempotency_key",
        "form_token",
        "email",
    }


def test_our_own_words_are_shown_and_not_those_of_the_browser(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/form")
    page.get_by_label("Email address").fill("not an address")
    page.get_by_role("button", name="Send my request").click()
    page.wait_for_url(f"{site.url}/v1/submissions")

    assert ("email", "not an address") in site.posted[0][1]


def test_the_list_of_errors_has_the_focus_and_leads_to_each_field(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/form-errors")
    expect(page.get_by_role("alert")).to_be_focused()

    page.get_by_role("link", name="Email address:").press("Enter")
    expect(page.get_by_label("Email address")).to_be_focused()
    expect(page.get_by_label("Email address")).to_have_accessible_description(
        "Error: Please enter an email address like name@example.com."
    )
    page.get_by_role("link", name="Which clinic").press("Enter")
    expect(page.get_by_label("Carbondale, Illinois")).to_be_focused()


def test_what_was_typed_is_sent_again_just_as_it_was(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/form-errors")
    page.get_by_role("button", name="Send my request").click()
    page.wait_for_url(f"{site.url}/v1/submissions")
    sent = site.posted[0][1]

    assert {name: [v.replace("\r\n", "\n") for n, v in sent if n == name] for name in TYPED} == TYPED


def test_the_keyboard_alone_reaches_everything_visibly_and_never_the_trap(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/form")
    reached, unseen = [], []
    for _ in range(80):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "[document.activeElement.name || document.activeElement.getAttribute('href')"
            " || document.activeElement.type, getComputedStyle(document.activeElement).outlineStyle]"
        )
        if name is None:
            break
        reached.append(name)
        unseen += [name] if outline == "none" else []
    expected = {*TYPED, "#main", "tel:988", "sms:988", "tel:+16185550142", "tel:+15185550178", "submit"}

    assert expected <= set(reached)
    assert "website" not in reached
    assert reached[0] == "#main"
    assert unseen == []


def test_the_trap_can_not_be_seen(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/form")
    box = page.locator("[name=website]").bounding_box()

    assert box is not None, "it is rendered, so that a machine takes it for a field"
    assert box["x"] + box["width"] < 0


def test_unsubscribing_and_choosing_take_one_press(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/unsubscribe")
    page.get_by_role("button", name="Stop the emails").click()
    page.wait_for_url(f"{site.url}/u/abc")
    page.goto(f"{site.url}/choose")
    page.get_by_role("button", name="Albany, New York").click()
    page.wait_for_url(f"{site.url}/choose/abc")

    assert site.posted == [("/u/abc", []), ("/choose/abc", [("location", "albany")])]


def test_an_impatient_person_sends_once_and_is_never_stuck(browser: Browser, site: PageServer) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.clock.install()
        page.goto(f"{site.url}/form")
        page.get_by_label("Email address").fill("maya@example.com")
        site.answers = False
        page.get_by_role("button", name="Send my request").dblclick()
        expect(page.get_by_role("button", name="Sending…")).to_be_disabled()
        assert len(site.posted) == 1

        page.clock.fast_forward(10_000)
        site.answers = True
        page.get_by_role("button", name="Send my request").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. We have your request.")


def test_going_back_finds_the_form_as_it_was_and_ready_to_send(page: Page, site: PageServer) -> None:
    page.goto(f"{site.url}/form")
    page.get_by_label("Email address").fill("maya@example.com")
    page.get_by_role("button", name="Send my request").click()
    page.wait_for_url(f"{site.url}/v1/submissions")
    page.go_back()

    expect(page.get_by_role("button", name="Send my request")).to_be_enabled()
    expect(page.get_by_label("Email address")).to_have_value("maya@example.com")


def test_on_paper_a_page_has_no_colour_and_no_buttons_that_can_not_be_pressed(
    browser: Browser, site: PageServer
) -> None:
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        page.goto(f"{site.url}/form")
        page.emulate_media(media="print", color_scheme="dark")

        expect(page.get_by_role("button", name="Send my request")).to_be_hidden()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
