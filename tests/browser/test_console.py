"""The console in a real browser: every page for every role, with and without scripts, on every screen."""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from tests.browser.console_pages import BEFORE_SIGNING_IN, PAGES
from tests.support.console import FINDINGS, PASSWORD, QUICK, add_staff, start_session
from tests.support.history import make_history
from tests.support.world import World, migrate_world, open_world
from worker.console.app import ROUTES
from worker.domain.staff import Role, may
from worker.queues import QueueName
from worker.runtime.valkey import EmbeddedValkey
from worker.settings import load_settings
from worker.storage import heartbeats, one_time_codes, samples, tables
from worker.storage.broker import KEY_PREFIX, Broker
from worker.storage.database import real_now
from worker.storage.heartbeats import Work
from worker.storage.pauses import PauseScope
from worker.usecases.reports.tally import bring_up_to_date
from worker.usecases.sending.pausing import pause
from worker.usecases.staff.staff_accounts import add_account
from worker.web import create_web

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = {"width": 375, "height": 667}, {"width": 1280, "height": 800}
IN_THE_NAVIGATION = {route.path for route in ROUTES if route.nav}
LARGEST_PAGE = 100_000
"""Bytes over the wire for a first visit: page, styles, script."""


@dataclass
class Site:
    """A console that runs, with somebody of each role."""

    url: str
    world: World
    broker: Broker
    staff: dict[Role, str]
    ids: dict[str, str]
    """What stands in braces in the addresses of pages."""

    def browser_of(self, browser: Browser, role: Role, **options: object) -> BrowserContext:
        context = browser.new_context(base_url=f"{self.url}/console/", **options)  # type: ignore[arg-type]
        token = start_session(self.world, self.staff[role])
        context.add_cookies([{"name": "staff", "value": token, "url": f"{self.url}/console"}])
        return context

    def link(self) -> str:
        """A one-time link for someone new."""
        number = self.world.count(tables.staff)
        return add_account(self.world.services, f"new{number}", Role.OPERATOR, "admin").removeprefix(
            f"{self.world.services.public_url}/console"
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, valkey: EmbeddedValkey) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("console")
    url = f"sqlite:///{folder / 'lead.db'}"
    migrate_world(url)
    with open_world(url, folder) as world:
        world.services.passwords = QUICK
        staff = {role: add_staff(world, str(role), role) for role in Role}
        broker = Broker(valkey.url)
        settings = load_settings({}, state_dir=folder, rate_limit="off", drafts="database")
        server = uvicorn.Server(
            uvicorn.Config(
                create_web(world.services, settings, broker, lambda *_: FINDINGS), port=0, log_config=None, ws="none"
            )
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        until = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the web process ended"
            assert time.monotonic() < until, "the web process did not start in time"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        world.services.public_url = f"http://127.0.0.1:{port}"
        yield Site(world.services.public_url, world, broker, staff, _furnish(world))
        server.should_exit = True
        thread.join()
        broker.close()


def _furnish(world: World) -> dict[str, str]:
    """Enough that no page is empty."""
    lead_id = world.lead_from()
    world.deliver()
    danger = world.lead_from(email="robin@example.com", message="I want to die")
    suspect = replace(world.submission(email="offers@example.com"), suspicions=("honeypot",))
    world.capture(world.envelope(suspect))
    pause(world.services, PauseScope.QUEUE, QueueName.ALERTS, "a new mailbox", "operator", timedelta(hours=2))
    pause(world.services, PauseScope.LOCATION, "albany", "phones are down", "front.desk", None)
    with world.database.write() as connection:
        now = real_now(connection)
        heartbeats.beat(
            connection, "worker@one:1", heartbeats.WORKER, list(QueueName), {"send": Work(active=1, recent=7)}
        )
        heartbeats.beat(connection, "beat", heartbeats.BEAT, [])
        for minute in range(30):
            figures = {"queues": {name: {"depth": minute % 7} for name in QueueName}, "due": minute}
            samples.keep(connection, samples.minute_of(now) - minute, figures)
    make_history(world, 1, leads=100, until=world.now, days=60)
    bring_up_to_date(world.services)
    sent = next(row["id"] for row in world.sends(lead_id) if row["sent_at"])
    return {"lead": lead_id, "danger": danger, "suspect": suspect.id, "sent": sent}


def pages_of(site: Site, role: Role) -> list[str]:
    return [path.format(**site.ids) for path, needs in PAGES.items() if needs is None or may(role, needs)]


def open_page(page: Page, path: str) -> None:
    """An address without braces; see `Site.ids`."""
    page.goto(f"/console{path}")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("size", "scripts"), [(PHONE, False), (DESKTOP, True)], ids=["phone-plain", "desktop-scripts"])
def test_every_page_is_whole_for_every_role(
    browser: Browser, site: Site, role: Role, size: dict[str, int], scripts: bool
) -> None:
    with site.browser_of(browser, role, viewport=size, java_script_enabled=scripts) as context:
        page, asked, complaints = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        wide = []
        for path in pages_of(site, role):
            open_page(page, path)
            expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
            if page.evaluate("document.scrollingElement.scrollWidth") > size["width"]:
                wide.append(path)

        assert wide == []
        assert [url for url in asked if not url.startswith(f"{site.url}/console/")] == []
        assert [text for text in complaints if "404" not in text] == []


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


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
def test_axe_finds_nothing_on_any_page(browser: Browser, site: Site, size: dict[str, int], scheme: str) -> None:
    axe, found = Axe(), []
    with (
        site.browser_of(browser, Role.ADMIN, viewport=size, color_scheme=scheme) as inside,
        browser.new_context(base_url=site.url, viewport=size, color_scheme=scheme) as outside,  # type: ignore[arg-type]
    ):
        link = site.link()
        for context, paths in ((inside, pages_of(site, Role.ADMIN)), (outside, BEFORE_SIGNING_IN)):
            page = context.new_page()
            for path in paths:
                open_page(page, path.replace("/welcome/{link}", link))
                results = axe.run(page, options={"runOnly": RULES}).response
                assert len(results["passes"]) > 10, "axe did look"
                found += [
                    f"{path}: {rule['id']}: {node['html'][:150]}"
                    for rule in results["violations"]
                    for node in rule["nodes"]
                ]

    assert found == []


def test_a_first_visit_of_any_page_weighs_less_than_a_photo(browser: Browser, site: Site) -> None:
    heavy = {}
    for path in pages_of(site, Role.ADMIN):
        with site.browser_of(browser, Role.ADMIN) as context:
            page, bodies = context.new_page(), []
            page.on("response", lambda response, bodies=bodies: bodies.append(len(response.body())))
            open_page(page, path)
            page.wait_for_load_state("load")
            if sum(bodies) > LARGEST_PAGE:
                heavy[path] = sum(bodies)

    assert heavy == {}


def test_what_is_pressed_is_big_enough(browser: Browser, site: Site) -> None:
    with site.browser_of(browser, Role.ADMIN, viewport=PHONE) as context:
        page, small = context.new_page(), []
        for path in pages_of(site, Role.ADMIN):
            open_page(page, path)
            for target in page.locator("button, .button, nav a, input:not([type=hidden]), select, summary").all():
                box = target.bounding_box()
                if box and (box["height"] < 24 or box["width"] < 24):
                    small.append((path, target.inner_text(), box))

    assert small == []


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
