"""The studio in a real browser: every view, a saved file at once, a fault with its line, and nothing from elsewhere."""

from __future__ import annotations

import email
import email.policy
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.browser.axe import violations
from tests.support.serving import serving
from worker.console.studio import letters
from worker.console.studio.app import create_preview_app, preview_studio
from worker.content.catalog import read_content_files
from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.content.uses import uses_in
from worker.settings import TEMPLATES, load_settings
from worker.storage.sealing import LookupKey
from worker.usecases.sending.compose import read_token

pytestmark = pytest.mark.browser

NOW = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)
JORDAN, ROBIN = "jordan@example.com", "robin@example.com"
FIRST_VISIT = "/email/first-visit?sequence=depression"
CALENDAR = "/calendar?location=carbondale&condition=depression&submitted_at=2026-03-06T22:15"
VIEWS = ["desktop", "phone", "dark", "text", "source", "headers", "inbox", "everyone"]
PAGES = [
    "",
    *[f"{FIRST_VISIT}&view={view}" for view in VIEWS],
    "/email/acknowledgement",
    "/sequence/depression",
    CALENDAR,
    "/check",
    "/file/claims.toml",
    "/email/nothing",
]


@dataclass(frozen=True)
class Preview:
    """A studio that runs, with drafts of its own."""

    url: str
    drafts: Path
    outbox: Path

    def change(self, path: str, old: str, new: str) -> None:
        """Save a file with other words."""
        file = self.drafts / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        aside = file.with_suffix(".tmp")
        aside.write_text(text.replace(old, new), encoding="utf-8")
        os.replace(aside, file)


@pytest.fixture
def preview(tmp_path: Path) -> Iterator[Preview]:
    drafts = Path(shutil.copytree(TEMPLATES, tmp_path / "email"))
    settings = load_settings({}, state_dir=tmp_path / "state")
    studio = preview_studio(drafts, settings, test_to=[JORDAN, ROBIN], now=lambda: NOW)
    with serving(create_preview_app(studio)) as address:
        yield Preview(f"{address}/studio", drafts, tmp_path / "state" / "outbox")
        studio.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context.new_page()


def live(page: Page) -> Page:
    """Once the page listens for changes, and lint has spoken."""
    expect(page.get_by_role("status").first).to_have_text("Live")
    expect(page.locator("[data-pending]")).to_have_count(0)
    return page


# --- looking at an email -------------------------------------------------------------------------------------


def test_from_the_tree_to_an_email_and_through_each_of_its_views(page: Page, preview: Preview) -> None:
    page.goto(preview.url)
    tree = page.get_by_role("navigation", name="Sequences and emails")
    tree.get_by_text("Depression", exact=True).click()
    tree.get_by_role("link", name="first-visit", exact=True).click()
    frame = page.frame_locator(".stage iframe")
    expect(page.get_by_role("heading", level=1)).to_have_text("What a first conversation is like")
    expect(frame.get_by_text("Hello Maya,")).to_be_visible()
    assert page.locator(".stage iframe").get_attribute("width") == "700"

    views = page.get_by_role("navigation", name="Views")
    views.get_by_role("link", name="Phone").click()
    expect(frame.get_by_text("Hello Maya,")).to_be_visible()
    assert page.locator(".stage iframe").get_attribute("width") == "375"

    views.get_by_role("link", name="Text", exact=True).click()
    expect(page.get_by_role("region", name="The text part")).to_contain_text("Hello Maya,")

    views.get_by_role("link", name="Source").click()
    expect(page.locator("#L18")).to_have_text("# What a first conversation is like")

    views.get_by_role("link", name="Headers").click()
    headers = page.get_by_role("region", name="Headers")
    expect(headers.get_by_role("row", name=re.compile("^From "))).to_contain_text("The Albany Clinic, Carbondale IL")
    expect(headers.get_by_role("row", name=re.compile("^List-Unsubscribe "))).to_contain_text("/u/")

    views.get_by_role("link", name="Inbox line").click()
    expect(page.get_by_text("cut at 40 characters")).to_be_visible()

    views.get_by_role("link", name="All personas").click()
    expect(page.locator(".person")).to_have_count(12)
    expect(page.locator(".person.yes").first).to_contain_text("Gets it: 6th of 7")
    expect(page.locator(".person.no").first).to_contain_text("Does not get it")


@pytest.mark.parametrize("screen", ["light", "dark"])
def test_the_dark_view_is_dark_and_the_others_are_light_on_any_screen(
    browser: Browser, preview: Preview, screen: str
) -> None:
    with browser.new_context(color_scheme="dark" if screen == "dark" else "light") as context:
        page = context.new_page()
        colours = {}
        for view in ("desktop", "dark"):
            page.goto(f"{preview.url}{FIRST_VISIT}&view={view}")
            card = page.frame_locator(".stage iframe").locator(".card")
            colours[view] = card.evaluate("card => getComputedStyle(card).backgroundColor")

    assert colours == {"desktop": "rgb(255, 253, 249)", "dark": "rgb(27, 37, 33)"}


def test_a_persona_and_a_location_can_be_switched_and_the_focus_stays(page: Page, preview: Preview) -> None:
    page.goto(preview.url + FIRST_VISIT)
    live(page)
    page.get_by_label("Read as").focus()
    page.get_by_label("Read as").select_option("albany-social-anxiety")

    expect(page.locator(".verdict")).to_contain_text("Zoë gets this email: 6th of 7 in “Social anxiety”")
    expect(page.frame_locator(".stage iframe").get_by_text("Hello Zoë,")).to_be_visible()
    expect(page.get_by_label("Read as")).to_be_focused()
    expect(page.get_by_label("Location")).to_have_value("albany")
    expect(page.get_by_label("Sequence", exact=True)).to_have_value("social-anxiety")

    page.get_by_label("Location").select_option("carbondale")
    expect(page.locator(".verdict")).to_contain_text("But what you see is how it is at Carbondale")
    expect(page.frame_locator(".stage iframe").get_by_text("100 Example Avenue")).to_be_visible()
    expect(page).to_have_url(re.compile("location=carbondale"))
    page.get_by_role("link", name="Text", exact=True).click()
    expect(page.get_by_role("region", name="The text part")).to_contain_text("Hello Zoë,")


def test_who_gets_an_email_stands_beside_it(page: Page, preview: Preview) -> None:
    page.goto(preview.url + FIRST_VISIT)

    who = page.get_by_role("region", name="Who gets it, and why")
    expect(who).to_contain_text("unless they name Spravato or TMS as the treatment")
    who.get_by_text("other groups of people").click()
    expect(who.get_by_role("link", name="PTSD")).to_be_visible()


def test_a_timeline_and_a_calendar_lead_to_each_email(page: Page, preview: Preview) -> None:
    page.goto(f"{preview.url}/sequence/depression")
    expect(page.locator(".timeline li")).to_have_count(8)
    page.get_by_role("navigation", name="Locations").get_by_role("link", name="Albany").click()
    expect(page.locator(".timeline")).to_contain_text("step visit-albany")

    page.goto(preview.url + "/calendar")
    page.get_by_label("Location").fill("carbondale")
    page.get_by_label("Condition").fill("depression")
    page.get_by_label("Submitted at").fill("2026-03-06 22:15")
    page.get_by_role("button", name="Show the calendar").click()
    rows = page.get_by_role("region", name="The emails").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Fri 6 Mar 2026, 22:15")
    expect(rows.nth(2)).to_contain_text("Mon 9 Mar 2026, 9:00")
    expect(page.get_by_role("table", name="March 2026").get_by_role("link")).to_have_count(6)
    rows.nth(2).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The choices ahead, in plain words")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_on_a_phone_an_email_opens_as_on_a_phone_and_its_tabs_are_in_sight(
    browser: Browser, preview: Preview, scripts: bool
) -> None:
    screen = ViewportSize(width=375, height=800)
    with browser.new_context(viewport=screen, java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto(f"{preview.url}/email/first-visit")
        views = page.get_by_role("navigation", name="Views")
        expect(views.locator("[aria-current]:visible")).to_have_text("Phone")
        shown = page.locator("iframe:visible")
        expect(shown.content_frame.get_by_text("Hello Maya,")).to_be_visible()
        for seen in (shown, *views.get_by_role("link").all()):
            box = seen.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 375

        views.get_by_role("link", name="Desktop").click()
        expect(views.locator("[aria-current]:visible")).to_have_text("Desktop")


def test_a_frame_is_as_high_as_its_email(browser: Browser) -> None:
    """So that the page scrolls, and not a frame in it, which would jump to its top at each change."""
    renderer = Renderer(load_catalog(read_content_files(TEMPLATES)))
    persona = renderer.catalog.personas["carbondale-depression"]
    uses = {use[:2]: use for use in uses_in(renderer.catalog)}.values()
    wrong = []
    for width in (375, 700):
        with browser.new_context(viewport={"width": width, "height": 400}) as context:
            page = context.new_page()
            for use in uses:
                rendered = letters.rendered(renderer, use, persona, "https://links.albanyclinic.example.com")
                page.set_content(letters.in_light(rendered.html))
                high = page.evaluate("document.documentElement.scrollHeight")
                if not high <= letters.frame_height(rendered.text, width) <= 1.3 * high:
                    wrong.append((use, width, high, letters.frame_height(rendered.text, width)))

    assert wrong == []


# --- saving a file -------------------------------------------------------------------------------------------


def test_a_saved_file_shows_by_itself_and_nothing_jumps(page: Page, preview: Preview) -> None:
    page.goto(preview.url + FIRST_VISIT)
    live(page).evaluate("scrollTo(0, 600)")
    old = "What happens"
    for new in ("What comes next", "What is next", "What will happen"):
        preview.change("emails/first-visit.md", f"## {old}", f"## {new}")
        page.frame_locator(".stage iframe").get_by_role("heading", name=new, exact=True).wait_for()
        old = new

    assert page.evaluate("scrollY") == 600
    assert page.locator(".tree details[open]").count() == 1


def test_a_change_elsewhere_leaves_what_is_being_typed_alone(page: Page, preview: Preview) -> None:
    page.goto(preview.url + CALENDAR)
    live(page).get_by_label("ZIP code").fill("62901")
    preview.change("emails/depression-options.md", "The choices ahead, in plain words", "The ways ahead")

    expect(page.get_by_role("region", name="The emails")).to_contain_text("The ways ahead")
    expect(page.get_by_label("ZIP code")).to_have_value("62901")
    expect(page.get_by_label("ZIP code")).to_be_focused()


def test_a_template_error_shows_its_line_above_the_last_good_rendering_and_goes_when_mended(
    page: Page, preview: Preview
) -> None:
    page.goto(preview.url + FIRST_VISIT)
    live(page)
    preview.change("emails/first-visit.md", "{{ slot.topic }}", "{{ slot.topik }}")

    fault = page.get_by_role("region", name="This email has a fault")
    expect(fault).to_contain_text("emails/first-visit.md:22")
    expect(fault).to_contain_text("there is no variable 'topik' here")
    expect(page.frame_locator(".stage iframe").get_by_text("You asked us about depression.")).to_be_visible()
    fault.get_by_role("link").click()
    expect(page.locator("#L22")).to_contain_text("{{ slot.topik }}")

    page.go_back()
    expect(fault).to_be_visible()
    live(page)
    preview.change("emails/first-visit.md", "{{ slot.topik }}", "{{ slot.topic }}")
    expect(fault).to_have_count(0)


def test_a_file_that_does_not_load_is_told_on_every_page_and_the_rest_stays(page: Page, preview: Preview) -> None:
    page.goto(preview.url + FIRST_VISIT)
    live(page)
    preview.change("clinic.toml", 'phone = "618-555-0142"', 'phone = "618-555-0142')

    told = page.get_by_role("region", name="The draft has 1 fault")
    expect(told).to_contain_text("clinic.toml:")
    expect(told).to_contain_text("the last version that worked")
    expect(page.frame_locator(".stage iframe").get_by_text("Hello Maya,")).to_be_visible()
    page.goto(f"{preview.url}/sequence/depression")
    expect(told).to_be_visible()
    live(page)
    preview.change("clinic.toml", 'phone = "618-555-0142', 'phone = "618-555-0142"')
    expect(told).to_have_count(0)


def test_a_studio_that_never_worked_shows_itself_once_the_files_are_mended(page: Page, preview: Preview) -> None:
    preview.change("clinic.toml", 'phone = "618-555-0142"', 'phone = "618-555-0142')
    page.goto(preview.url + FIRST_VISIT)
    expect(page.get_by_role("region", name="The draft has 1 fault")).to_contain_text("Nothing has worked yet")
    expect(page.get_by_role("status").first).to_have_text("Live")
    preview.change("clinic.toml", 'phone = "618-555-0142', 'phone = "618-555-0142"')

    expect(page.frame_locator(".stage iframe").get_by_text("Hello Maya,")).to_be_visible()


def test_lint_speaks_as_soon_as_a_word_is_saved(page: Page, preview: Preview) -> None:
    page.goto(f"{preview.url}{FIRST_VISIT}&view=source")
    live(page)
    lint = page.get_by_role("region", name="What to mend")
    expect(lint).to_contain_text("Nothing. Every rule is kept.")
    preview.change("emails/first-visit.md", 'subject = "What', 'subject = "A miracle: what')

    expect(lint).to_contain_text("emails/first-visit.md:3")
    expect(page.locator("#L3.wrong")).to_contain_text("'miracle'")


# --- nothing from elsewhere, nothing by a stranger -----------------------------------------------------------


def test_no_page_asks_another_host_and_the_browser_has_no_complaint(page: Page, preview: Preview) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in PAGES[:-1]:
        page.goto(preview.url + path, wait_until="load")

    assert len(asked) > 2 * len(PAGES), "the frames were asked for too"
    assert [url for url in asked if not url.startswith(preview.url)] == []
    assert complaints == []
    assert page.context.cookies() == []


def test_a_link_in_a_previewed_email_leads_nowhere(page: Page, preview: Preview) -> None:
    page.goto(preview.url + FIRST_VISIT)
    live(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    frame = page.frame_locator(".stage iframe")
    frame.get_by_role("link", name="988lifeline.org").click()
    page.goto(preview.url + FIRST_VISIT)
    frame.get_by_role("link", name=re.compile("unsubscribe", re.IGNORECASE)).click()
    page.goto(preview.url)

    assert [url for url in asked if not url.startswith(preview.url)] == []


def test_a_hostile_persona_is_inert_wherever_it_is_shown(page: Page, preview: Preview) -> None:
    preview.change(
        "personas.toml",
        'name = "Hostile name, PTSD, Albany"',
        "name = '<img src=x onerror=\"document.title=1\">{{7*7}}'",
    )
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for view in VIEWS:
        page.goto(f"{preview.url}/email/ptsd-options?persona=albany-ptsd&view={view}")
        assert page.locator("main img, main b, main script").count() == 0
        assert page.title().endswith("– Studio")
    page.goto(f"{preview.url}/calendar?persona=albany-ptsd")
    page.get_by_text("Take a persona", exact=True).wait_for()

    assert page.get_by_text('<img src=x onerror="document.title=1">{{7*7}}').count() == 1
    assert dialogs == []


def test_a_test_mail_goes_where_it_may_and_its_links_do_nothing(page: Page, preview: Preview) -> None:
    page.goto(preview.url + FIRST_VISIT)
    mail = page.get_by_role("region", name="Send a test to me")
    assert mail.get_by_label("To").locator("option").all_inner_texts() == [JORDAN, ROBIN]
    mail.get_by_label("To").select_option(ROBIN)
    mail.get_by_role("button", name="Send as carbondale-depression").click()
    expect(mail.get_by_role("status")).to_contain_text("Sent, kept as a file in")

    (file,) = preview.outbox.glob("*.eml")
    letter = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert letter["To"] == ROBIN
    assert str(letter["Subject"]).startswith("[TEST carbondale-depression] ")
    (token,) = re.findall(r"/u/([\w.-]+)>", letter["List-Unsubscribe"])
    assert read_token(token, "unsubscribe", LookupKey(b"the key of a real installation, 32 b")) is None

    page.locator("select[name=to] option").last.evaluate("option => option.textContent = 'maya@example.com'")
    mail.get_by_label("To").select_option("maya@example.com")
    mail.get_by_role("button", name="Send as").click()
    expect(mail.get_by_role("status")).to_contain_text("Nothing was sent")
    assert len(list(preview.outbox.iterdir())) == 1


# --- for everyone --------------------------------------------------------------------------------------------


@pytest.fixture(params=[(375, "light"), (1280, "dark")], ids=lambda screen: f"{screen[0]}-{screen[1]}")
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    width, scheme = request.param
    with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
        yield context


def test_axe_finds_nothing_and_nothing_scrolls_sideways(screen: BrowserContext, preview: Preview) -> None:
    page, found = screen.new_page(), []

    def look_at(*paths: str) -> None:
        for path in paths:
            page.goto(preview.url + path)
            found.extend(f"{path}: {text}" for text in violations(page, iframes=False))
            if page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
                found.append(f"{path} scrolls sideways")

    look_at("")
    page.goto("about:blank")  # a page that listens would load itself anew meanwhile
    preview.change("emails/risks.md", "+++", "")
    look_at(FIRST_VISIT)
    page.goto("about:blank")
    shutil.copy(TEMPLATES / "emails" / "risks.md", preview.drafts / "emails" / "risks.md")
    preview.change("emails/first-visit.md", "## What happens", "## A safe miracle cure, guaranteed")
    look_at(*(f"{FIRST_VISIT}&view={view}&wait=1" for view in ("source", "headers", "inbox", "everyone")))
    page.goto("about:blank")
    preview.change("emails/first-visit.md", "{{ slot.topic }}", "{{ slot.topik }}")
    look_at(FIRST_VISIT, "/sequence/depression", CALENDAR, "/email/nothing")

    assert found == []


def test_without_scripts_everything_can_be_reached(browser: Browser, preview: Preview) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(preview.url)
        page.locator("main").get_by_role("link", name="What it is, and what it is not").click()
        for view in ("Phone", "Dark", "Text", "Source", "Headers", "Inbox line", "All personas", "Desktop"):
            page.get_by_role("navigation", name="Views").get_by_role("link", name=view, exact=True).click()
            expect(page.get_by_role("link", name=view, exact=True)).to_have_attribute("aria-current", "page")
            expect(page.get_by_role("region", name="What to mend")).to_contain_text("Every rule is kept")
        page.get_by_label("Read as").select_option("albany-no-name")
        page.get_by_label("Location").select_option("albany")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".verdict")).to_contain_text("gets this email")
        page.get_by_role("button", name="Send as albany-no-name").click()
        expect(page.get_by_role("region", name="Send a test to me")).to_contain_text("Sent, kept as a file in")
        page.get_by_role("link", name="Check").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What to mend")
        expect(page.locator(".lead")).to_contain_text("Every rule is kept in every email")
        page.get_by_role("link", name="Calendar").click()
        page.get_by_text("Take a persona", exact=True).click()
        page.get_by_role("link", name=re.compile("^Zoë")).click()
        expect(page.get_by_role("region", name="The emails")).to_contain_text("goes out")


# --- the command ---------------------------------------------------------------------------------------------


def test_the_command_serves_this_machine_only_moves_on_from_a_taken_port_and_ends_quietly(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        drafts = Path(shutil.copytree(TEMPLATES, tmp_path / "email"))
        command = [sys.executable, "-m", "worker.cli", "preview", "--port", str(port), "--content", str(drafts)]
        command += ["--test-to", JORDAN]
        environment = {**os.environ, "NURTURE_STATE_DIR": str(tmp_path / "state"), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", said)
        assert found, (said, process.kill(), process.communicate())
        assert port < int(found[1]) < port + 20
        with requests.get(f"{found[0]}studio/events", stream=True, timeout=10) as events:
            assert next(events.iter_lines())
            assert JORDAN in requests.get(f"{found[0]}studio/email/risks", timeout=10).text
            os.killpg(process.pid, signal.SIGINT)
            _, complaints = process.communicate(timeout=10)

    assert complaints == ""
    assert process.returncode in {0, 130}
    assert not (tmp_path / "state").exists(), "it needs no product, and makes none"
