"""What staff press in the console, pressed in a real browser, with scripts and without."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from tests.browser.console_site import Site, open_page, running_site
from tests.support.console import PASSWORD
from tests.support.world import ScriptedProvider
from worker.domain.staff import PROOF_LASTS, Role
from worker.errors import AmbiguousDeliveryError
from worker.runtime.valkey import EmbeddedValkey
from worker.storage import submissions, tables
from worker.storage.sealing import KeyRing
from worker.usecases.staff.staff_accounts import add_account

pytestmark = pytest.mark.browser

LOST = KeyRing({"gone7": bytes(32)})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, valkey: EmbeddedValkey) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("acts"), valkey.url, furnished=False) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["scripts", "plain"])
def admin(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Page]:
    """A page of someone who may do everything."""
    with site.browser_of(browser, Role.ADMIN, java_script_enabled=request.param) as context:
        yield context.new_page()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def said(page: Page, text: str) -> None:
    """What the page tells after an act."""
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def a_lead(site: Site, **fields: str) -> str:
    """Someone new, each time another person."""
    return site.world.lead_from(email=f"lead{site.world.count(tables.leads)}@example.com", **fields)


# --- a lead ---------------------------------------------------------------------------------------------------


def test_a_lead_is_called_sent_for_held_released_moved_and_booked(site: Site, admin: Page) -> None:
    lead = a_lead(site)
    open_page(admin, f"/leads/{lead}")

    press(admin, "I called them")
    said(admin, "Noted")
    press(admin, "Send the next email now")
    said(admin, "the first decent time")
    held = admin.get_by_role("region", name="Hold their emails until a day")
    held.get_by_label("No email before").fill("2026-12-01")
    held.get_by_label("Why").fill("travels")
    press(admin, "Hold")
    said(admin, "no educational email before Tuesday 1 December 2026")
    admin.get_by_label("What you found").fill("is back sooner")
    press(admin, "Release")
    said(admin, "Released")
    admin.get_by_text("Place, concern or treatment").click()
    admin.get_by_label("Place", exact=True).select_option("albany")
    admin.locator("#route-reason").fill("said so on the phone")
    press(admin, "Correct")
    said(admin, "Corrected")
    press(admin, "Booked a consultation")
    said(admin, "Noted: they booked a consultation")
    expect(admin.get_by_text("Nothing more goes out")).to_be_visible()

    row = site.world.lead(lead)
    assert (row["location"], row["status"], row["hold_reason"]) == ("albany", "booked", None)


def test_a_lead_is_left_alone(site: Site, admin: Page) -> None:
    lead = a_lead(site)
    open_page(admin, f"/leads/{lead}")

    press(admin, "Stop their emails")

    said(admin, "Noted: staff stopped their emails")
    assert site.world.lead(lead)["status"] == "stopped"


def test_an_erasure_asks_for_the_password_first(site: Site, admin: Page) -> None:
    lead = a_lead(site)
    sessions = tables.staff_sessions
    old = site.world.rows(sessions)[-1]["proved_at"] - PROOF_LASTS - timedelta(seconds=1)
    site.world.execute(update(sessions).values(proved_at=old))
    open_page(admin, f"/leads/{lead}")

    admin.get_by_role("link", name="Erase them").click()
    admin.get_by_label("Password").fill("not this one at all")
    press(admin, "Go on")
    expect(admin.get_by_role("heading", name="Your password, please")).to_be_visible()
    admin.get_by_label("Password").fill(PASSWORD)
    press(admin, "Go on")
    admin.get_by_label("Why, without name or address").fill("asked for it by phone")
    assert site.world.lead(lead), "nothing is gone before the last press"
    press(admin, "Erase for good")

    expect(admin.get_by_role("heading", name="Erased", exact=True)).to_be_visible()
    assert [row for row in site.world.rows(tables.leads) if row["id"] == lead] == []


def test_a_person_in_danger_is_taken_care_of_at_the_front_desk(site: Site, admin: Page) -> None:
    lead = a_lead(site, message="I want to die")
    open_page(admin, "/front-desk")

    admin.get_by_role("row", name=site.world.lead(lead)["reference"]).get_by_role("button", name="I have it").click()

    (taken,) = [row for row in site.world.story(lead) if row["kind"] == "acknowledged"]
    assert taken["actor"] == "admin"


# --- what is set aside ----------------------------------------------------------------------------------------


def test_a_form_in_quarantine_becomes_a_lead_and_another_is_dismissed(site: Site, admin: Page) -> None:
    world, number = site.world, site.world.count(tables.submissions)
    first, second = (
        replace(world.submission(email=f"{name}{number}@example.com"), suspicions=("honeypot",))
        for name in ("genuine", "offers")
    )
    world.capture(world.envelope(first))
    world.capture(world.envelope(second))

    open_page(admin, f"/quarantine/{first.id}")
    press(admin, "Release: it becomes a lead, is acknowledged and routed")
    expect(admin.get_by_role("heading", name="Why did or didn’t they get it?")).to_be_visible()
    open_page(admin, f"/quarantine/{second.id}")
    admin.get_by_label("Why it is none").fill("advertising")
    press(admin, "Dismiss")

    expect(admin.get_by_role("heading", name="Quarantine")).to_be_visible()
    states = {row["id"]: row["status"] for row in world.rows(tables.submissions)}
    assert (states[first.id], states[second.id]) == ("accepted", "dismissed")


@contextlib.contextmanager
def with_services(site: Site, **other: Any) -> Iterator[None]:
    """The console works with these meanwhile."""
    kept = {name: getattr(site.world.services, name) for name in other}
    try:
        for name, value in other.items():
            setattr(site.world.services, name, value)
        yield
    finally:
        for name, value in kept.items():
            setattr(site.world.services, name, value)


def test_what_is_parked_is_replayed_alone_in_a_selection_and_dismissed(site: Site, admin: Page) -> None:
    world, known = site.world, site.world.count(tables.parked)
    for number in range(5):
        world.capture(submissions.envelope(world.submission(email=f"parked{known + number}@example.com"), LOST))
    found = KeyRing({**world.services.ring.keys, **LOST.keys})
    with with_services(site, ring=found, vault=replace(world.services.vault, ring=found)):
        open_page(admin, "/parked")
        admin.get_by_role("link", name="Look at them").click()
        admin.get_by_role("link", name="Item 1", exact=True).click()
        press(admin, "Retry")
        said(admin, "1 handled now")
        open_page(admin, "/parked/cause?kind=submission&code=UnknownSealKey")
        for number in (3, 4):
            admin.get_by_label(f"Item {number}", exact=True).check()
        press(admin, "Retry those ticked")
        said(admin, "2 handled now")
        open_page(admin, "/parked/cause?kind=submission&code=UnknownSealKey")
        admin.get_by_role("link", name="Tick all").click()
        press(admin, "Dismiss those ticked")
        expect(admin.get_by_role("alert")).to_be_visible()
        admin.get_by_label("Why dismiss them").fill("a test of ours")
        press(admin, "Dismiss those ticked")
        said(admin, "2 items dismissed")

    assert sorted(row["state"] for row in world.rows(tables.parked)[known:]) == ["dismissed"] * 2 + ["replayed"] * 3


def test_an_email_of_unknown_outcome_is_settled(site: Site, admin: Page) -> None:
    world = site.world
    world.deliver()  # what the tests before have planned
    lead = a_lead(site)
    with with_services(site, provider=ScriptedProvider(answer=lambda _: AmbiguousDeliveryError("no_reply"))):
        world.deliver()
        (send,) = [row["id"] for row in world.sends(lead) if row["state"] == "unknown"]
        open_page(admin, f"/unknown/{send}")
        press(admin, "Ask it now")
        said(admin, "does not know this email")
    admin.get_by_label("How do you know?").fill("the provider's log shows it")
    press(admin, "It was sent")

    expect(admin.get_by_role("heading", name="Unknown outcome")).to_be_visible()
    assert {row["id"]: row["state"] for row in world.sends(lead)}[send] == "sent"


# --- the whole ------------------------------------------------------------------------------------------------


def test_sending_is_paused_and_goes_on(site: Site, admin: Page) -> None:
    open_page(admin, "/pauses")
    admin.get_by_label("What").select_option(label="Sequence: PTSD")
    admin.get_by_label("Why").fill("a wrong number in it")
    admin.get_by_label("How long").select_option(label="for 2 hours")
    press(admin, "Pause")
    said(admin, "Paused: sequence PTSD, for 2 hours.")

    admin.get_by_role("row", name="sequence PTSD").get_by_role("button", name="Resume").click()

    said(admin, "Resumed: sequence PTSD.")
    expect(admin.get_by_text("a wrong number in it")).to_have_count(0)


def test_the_first_admin_opens_the_console_by_a_link_that_works_once(
    browser: Browser, tmp_path: Path, valkey: EmbeddedValkey
) -> None:
    with (
        running_site(tmp_path, valkey.url, staffed=False, furnished=False) as fresh,
        browser.new_context(java_script_enabled=False) as context,
    ):
        page = context.new_page()
        page.goto(f"{fresh.url}/console/")
        expect(page.get_by_role("heading", name="The staff pages are closed")).to_be_visible()

        link = add_account(fresh.world.services, "jordan", Role.ADMIN, "command line")
        page.goto(link)
        page.get_by_label("A password of your own").fill(PASSWORD)
        page.get_by_label("The same once more").fill(PASSWORD)
        press(page, "Set up and sign in")
        expect(page.get_by_text("jordan, admin")).to_be_visible()

        answer = page.goto(link)
        assert answer is not None
        assert answer.status == 404
