"""Every email in a real browser: accessible in light and dark, on a phone and a desktop, asking nobody for anything."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Request

from tests.browser.axe import WCAG, violations
from worker.content.catalog import read_content_files
from worker.content.load import load_catalog
from worker.content.render import Person, Renderer
from worker.content.uses import places_of_use
from worker.settings import TEMPLATES

RENDERER = Renderer(load_catalog(read_content_files(TEMPLATES)))
PERSON = Person(
    first_name="Zoë",
    unsubscribe_url="https://mail.albanyclinic.example.com/u/token",
    choose_url="https://mail.albanyclinic.example.com/choose/token",
    confirm_url="https://mail.albanyclinic.example.com/confirm/token",
)
EACH_ONCE = {(email, location): (email, location, sequence) for email, location, sequence in places_of_use(RENDERER)}


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (700, "dark")])
def test_every_email_is_accessible_and_asks_nobody_for_anything(browser: Browser, width: int, scheme: str) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.on("request", note)
    found: dict[str, list[str]] = {}
    # Every place is in one of the two looks.
    uses = sorted(EACH_ONCE.values(), key=str)[width == 700 :: 2]
    for email, location, sequence in uses:
        page.set_content(RENDERER.compiled(email, location, sequence).for_person(PERSON).html)
        if wrong := violations(page, WCAG):
            found[f"{email} at {location}"] = wrong
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()

    assert found == {}
    assert asked == []
