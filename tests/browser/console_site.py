"""A console that runs, for a browser: with somebody of each role, and enough that no page is empty."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.browser.console_pages import PAGES
from tests.support.console import FINDINGS, QUICK, add_staff, start_session
from tests.support.history import make_history
from tests.support.serving import serving
from tests.support.world import World, migrate_world, open_world
from worker.domain.staff import Role, may
from worker.queues import QueueName
from worker.settings import load_settings
from worker.storage import heartbeats, samples, tables
from worker.storage.broker import Broker
from worker.storage.database import real_now
from worker.storage.heartbeats import Work
from worker.storage.pauses import PauseScope
from worker.usecases.reports.tally import bring_up_to_date
from worker.usecases.sending.pausing import pause
from worker.usecases.staff.staff_accounts import add_account
from worker.usecases.webhooks.manage import LEAD_EVENTS, Agreement, add_endpoint
from worker.web import create_web

PHONE, DESKTOP = ViewportSize(width=375, height=667), ViewportSize(width=1280, height=800)


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


@contextlib.contextmanager
def running_site(folder: Path, broker_url: str, *, staffed: bool = True, furnished: bool = True) -> Iterator[Site]:
    """The console over HTTP, with somebody of each role and pages that are not empty; or as on its first day."""
    url = f"sqlite:///{folder / 'lead.db'}"
    migrate_world(url)
    with open_world(url, folder) as world:
        world.services.passwords = QUICK
        staff = {role: add_staff(world, str(role), role) for role in Role if staffed}
        broker = Broker(broker_url)
        settings = load_settings({}, state_dir=folder, rate_limit="off", drafts="database")
        with serving(create_web(world.services, settings, broker, lambda *_: FINDINGS)) as address:
            world.services.public_url = address
            yield Site(address, world, broker, staff, _furnish(world) if furnished else {})
        broker.close()


def _furnish(world: World) -> dict[str, str]:
    """Enough that no page is empty."""
    lead_id = world.lead_from()
    world.deliver()
    endpoint, _ = add_endpoint(
        world.services, "warehouse", "https://hooks.example.com/clinic", LEAD_EVENTS, Agreement(), "admin"
    )
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
    return {"lead": lead_id, "danger": danger, "suspect": suspect.id, "sent": sent, "endpoint": endpoint}


def pages_of(site: Site, role: Role) -> list[str]:
    return [path.format(**site.ids) for path, needs in PAGES.items() if needs is None or may(role, needs)]


def open_page(page: Page, path: str) -> None:
    """An address without braces; see `Site.ids`."""
    page.goto(f"/console{path}")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
