"""The console in a real browser: every page for every role, with and without scripts, on every screen."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import update

from tests.browser.axe import CONTRAST, violations
from tests.browser.console_pages import BEFORE_SIGNING_IN
from tests.browser.console_site import DESKTOP, PHONE, Site, open_page, pages_of, running_site
from tests.support.console import PASSWORD
from worker.console.app import ROUTES
from worker.domain.staff import Role
from worker.queues import QueueName
from worker.runtime.valkey import EmbeddedValkey
from worker.storage import heartbeats, one_time_codes, tables
from worker.storage.broker import KEY_PREFIX
from worker.storage.database import real_now

pytestmark = pytest.mark.browser

IN_THE_NAVIGATION = {route.path for route in ROUTES if route.nav}
LARGEST_PAGE = 100_000
"""Bytes over the wire for a first visit: page, styles, script."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, valkey: EmbeddedValkey) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("console"), valkey.url) as running:
        yield running


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("scripts", [False, True], ids=["plain", "scripts"])
def test_every_page_is_whole_for_every_role_on_a_desk_and_on_a_phone(
    browser: Browser, site: Site, role: Role, scripts: bool
) -> None:
    with site.browser_of(browser, role, java_script_enabled=scripts) as context:
        page, asked, complaints = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        wide, size = [], DESKTOP
        for path in pages_of(site, role):
            page.set_viewport_size(size)  # one page is loaded on a desk and folded, the next the other way round
            open_page(page, path)
            expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
            wide += _wide(page, path, size)
            size = PHONE if size is DESKTOP else DESKTOP
            page.set_viewport_size(size)
            wide += _wide(page, path, size)

        assert wide == []
        assert [url for url in asked if not url.startswith(f"{site.url}/console/")] == []
        assert [text for text in complaints if "404" not in text] == []


def _wide(page: Page, path: str, size: ViewportSize) -> list[str]:
    width = page.evaluate("document.scrollingElement.scrollWidth")
    return [f"{path}: {width} of {size['width']}"] if width > size["width"] else []


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_offers_what_the_role_may_see_and_nothing_else(browser: Browser, site: Site, role: Role) -> None:
    with site.browser_of(browser, role) as context:
        page = context.new_page()
        open_page(page, "/")
        groups, paths = _offered(page), set[str]()
        for group in groups:
            assert page.goto(group).status == 200  # type: ignore[union-attr]
            paths |= set(_offered(page))
        for path in sorted(paths - set(groups)):
            assert page.goto(path).status == 200  # type: ignore[union-attr]
        height = page.get_by_role("navigation", name="Pages").bounding_box()["height"]  # type: ignore[index]

    assert {path for path in pages_of(site, role) if f"/console{path}" in paths} == IN_THE_NAVIGATION & set(
        pages_of(site, role)
    )
    assert height < 90, "two lines, for every role"


def _offered(page: Page) -> list[str]:
    links = page.get_by_role("navigation", name="Pages").get_by_role("link").all()
    return [str(link.get_attribute("href")) for link in links]


def test_every_page_is_accessible_in_both_looks_light_to_load_and_easy_to_press(browser: Browser, site: Site) -> None:
    found: list[str] = []
    with site.browser_of(browser, Role.ADMIN) as inside, browser.new_context(base_url=site.url) as outside:
        link = site.link()
        for context, paths in ((inside, pages_of(site, Role.ADMIN)), (outside, BEFORE_SIGNING_IN)):
            page = context.new_page()
            for path in paths:
                page.set_viewport_size(PHONE)
                page.emulate_media(color_scheme="light")
                open_page(page, path.replace("/welcome/{link}", link))
                found += [f"{path}: {text}" for text in _heavy(page) + _small(page) + violations(page)]
                page.emulate_media(color_scheme="dark")
                found += [f"{path}, dark: {text}" for text in violations(page, CONTRAST)]
                page.set_viewport_size(DESKTOP)
                found += [f"{path}, wide: {text}" for text in violations(page)]
                page.emulate_media(color_scheme="light")
                found += [f"{path}, wide, light: {text}" for text in violations(page, CONTRAST)]

    assert found == []


def _heavy(page: Page) -> list[str]:
    """More than a first visit may weigh, also where the browser has kept styles and scripts from the page before."""
    weight = page.evaluate(
        """["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
           .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
    )
    assert weight > 1000, "the page and its styles are counted"
    return [f"weighs {weight}"] if weight > LARGEST_PAGE else []


def _small(page: Page) -> list[str]:
    """What is too small to press."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll("button, .button, nav a, input:not([type=hidden]), select, summary")]
           .map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 150)])
           .filter(([box]) => box.width && Math.min(box.width, box.height) < 24)
           .map(([, html]) => `too small to press: ${html}`)"""
    )
    return found


def test_on_a_phone_figures_stand_in_even_lines_beside_their_names(browser: Browser, site: Site) -> None:
    """Home's facts one to a line, a report's figures two: neither page is a long ragged list."""
    with site.browser_of(browser, Role.ADMIN, viewport=PHONE) as context:
        page = context.new_page()
        open_page(page, "/")
        facts = _heights(page, ".facts div")
        open_page(page, "/reports")
        figures = _heights(page, ".pairs td")
        first, second = (page.locator(".pairs td").nth(number).bounding_box() for number in (0, 1))
        page.get_by_role("navigation", name="On this page").get_by_role("link", name="By email").click()
        expect(page.get_by_role("heading", name="By email")).to_be_in_viewport()

    assert max(facts) < 1.5 * min(facts)
    assert max(figures) < 1.5 * min(figures)
    assert first["y"] == second["y"]  # type: ignore[index]


def _heights(page: Page, those: str) -> list[float]:
    found: list[float] = page.eval_on_selector_all(those, "all => all.map(one => one.getBoundingClientRect().height)")
    assert len(found) > 10
    return found


# --- a person's way in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_someone_new_sets_a_password_and_codes_and_comes_back_with_both(
    browser: Browser, site: Site, scripts: bool
) -> None:
    link = site.link()
    with browser.new_context(base_url=site.url, java_script_enabled=scripts, viewport=PHONE) as context:
        page = context.new_page()
        page.goto(f"/console{link}")
        name = page.get_by_role("heading", level=1).inner_text().rpartition(" ")[2]
        page.get_by_label("A password of your own").fill(PASSWORD)
        page.get_by_label("The same once more").fill(PASSWORD)
        key = _key(page)
        page.get_by_label("The code that the app shows").fill("12345")
        page.get_by_role("button", name="Set up").click()
        expect(page.get_by_text("This is not the code of now")).to_be_visible()
        assert _key(page) == key, "nobody has to scan twice"

        page.get_by_label("A password of your own").fill(PASSWORD)
        page.get_by_label("The same once more").fill(PASSWORD)
        page.get_by_label("The code that the app shows").fill(one_time_codes.code_at(key, datetime.now(UTC)))
        page.get_by_role("button", name="Set up").click()
        expect(page.get_by_text(f"{name}, operator")).to_be_visible()

        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("Code").fill(one_time_codes.code_at(key, datetime.now(UTC) + timedelta(seconds=30)))
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text(f"{name}, operator")).to_be_visible()


def _key(page: Page) -> bytes:
    text = page.locator(".key code").inner_text().replace(" ", "")
    return base64.b32decode(text + "=" * (-len(text) % 8))


def test_a_link_on_another_site_leads_to_the_page_although_the_cookie_is_strict(browser: Browser, site: Site) -> None:
    with site.browser_of(browser, Role.OPERATOR) as context:
        page = context.new_page()
        page.route(
            "https://mail.example.com/inbox",
            lambda route: route.fulfill(
                body=f'<a href="{site.url}/console/audit">A new lead</a>', content_type="text/html"
            ),
        )
        page.goto("https://mail.example.com/inbox")
        page.get_by_role("link").click()

        expect(page.get_by_role("heading", name="Audit")).to_be_visible()


def test_the_first_tab_stop_leads_past_the_navigation(browser: Browser, site: Site) -> None:
    with site.browser_of(browser, Role.ADMIN) as context:
        page = context.new_page()
        open_page(page, "/users")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the main part")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()


def test_an_admin_adds_and_disables_someone_without_scripts(browser: Browser, site: Site) -> None:
    with site.browser_of(browser, Role.ADMIN, java_script_enabled=False) as context:
        page = context.new_page()
        open_page(page, "/users")
        page.get_by_role("link", name="Add someone").click()
        page.get_by_label("Name to sign in with").fill("casey")
        page.get_by_label("Role").select_option("marketer")
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_text(re.compile(r"/console/welcome/"))).to_be_visible()

        open_page(page, "/users")
        page.get_by_role("link", name="casey").click()
        page.get_by_role("button", name="Disable casey").click()
        expect(page.get_by_role("status")).to_have_text("casey can't sign in any more.")
        expect(page.get_by_role("row", name="casey")).to_contain_text("disabled")

        open_page(page, "/audit?about=casey")
        rows: Sequence[str] = page.get_by_role("row").all_inner_texts()
        assert len(rows) == 3, rows


# --- the studio -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_writer_sees_what_is_wrong_and_how_it_reads_before_it_is_saved(
    browser: Browser, site: Site, scripts: bool
) -> None:
    path = "/studio/edit/emails/ketamine-basics.md"
    with site.browser_of(browser, Role.WRITER, java_script_enabled=scripts) as context:
        page = context.new_page()
        open_page(page, path)
        text = page.get_by_label("The email", exact=True)
        typed = f"{text.input_value()}\nIt works for everyone.\n"
        text.fill(typed)
        if not scripts:
            page.get_by_role("button", name="Check it").click()
        expect(page.get_by_text("promises it to everybody")).to_be_visible()
        if not scripts:
            expect(page.frame_locator("iframe").get_by_text("call or text 988")).to_be_visible()
            page.get_by_role("button", name="Show it below").click()
        expect(page.frame_locator("iframe").get_by_text("It works for everyone")).to_be_visible()

        page.get_by_label("The email", exact=True).fill(typed.replace("It works for everyone", f"Mended, {scripts}"))
        page.get_by_role("button", name="Save the draft").click()

        expect(page.get_by_role("status")).to_contain_text("Saved as a draft")
        expect(page.get_by_label("The email", exact=True)).to_have_value(re.compile(f"Mended, {scripts}"))


def test_the_email_beside_the_text_stays_where_one_reads_while_one_writes(browser: Browser, site: Site) -> None:
    with site.browser_of(browser, Role.WRITER) as context:
        page = context.new_page()
        open_page(page, "/studio/edit/emails/ketamine-basics.md")
        box = page.get_by_role("region", name="The email, as it is typed")
        shown = page.frame_locator("iframe")
        expect(shown.get_by_text("call or text 988")).to_be_attached()
        box.evaluate("box => box.scrollTo(0, 500)")
        text = page.get_by_label("The email", exact=True)
        for word in ("Once", "Twice"):
            text.fill(f"{text.input_value()}\n{word} more.\n")
            expect(shown.get_by_text(f"{word} more.")).to_be_attached()

        assert box.evaluate("box => box.scrollTop") == 500


# --- the first page -------------------------------------------------------------------------------------------


def test_a_queue_with_messages_and_nobody_to_take_them_turns_red_without_reloading(
    browser: Browser, site: Site
) -> None:
    client = site.broker._client
    with site.browser_of(browser, Role.VIEWER) as context:
        page = context.new_page()
        with site.world.database.write() as connection:
            heartbeats.beat(connection, "worker@one:1", heartbeats.WORKER, list(QueueName))
        open_page(page, "/")
        loaded = page.evaluate("performance.timeOrigin")
        card = page.get_by_role("region", name="Queue intake")
        expect(card).not_to_contain_text("nobody takes them")

        client.lpush(f"{KEY_PREFIX}intake", b"a message")
        try:
            with site.world.database.read() as connection:
                silent = real_now(connection) - heartbeats.HEARD_WITHIN
            site.world.execute(update(tables.heartbeats).where(tables.heartbeats.c.kind == "worker").values(at=silent))
            expect(card.get_by_text("messages wait, and nobody takes them")).to_be_visible()
            assert "bad" in str(card.get_attribute("class"))
        finally:
            client.delete(f"{KEY_PREFIX}intake")
        expect(card).not_to_contain_text("nobody takes them")
        assert page.evaluate("performance.timeOrigin") == loaded, "the page was not loaded again"


def test_the_wait_for_red_is_shorter_than_ten_seconds() -> None:
    """A worker's silence counts after `HEARD_WITHIN`; the page asks every three seconds."""
    template = (Path(__file__).parents[2] / "worker" / "console" / "templates" / "home.html").read_text()
    every = int(re.search(r"every (\d+)s", template)[1])  # type: ignore[index]

    assert heartbeats.HEARD_WITHIN.total_seconds() + every < 10
