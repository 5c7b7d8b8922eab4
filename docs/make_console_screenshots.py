"""Takes the pictures of docs/operators/console.md and docs/staff/studio.md: the console, made-up people, a pinned day.

.venv/bin/python -m docs.make_console_screenshots

It needs Chromium and the development packages.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

from docs.make_screenshots import WIDE, with_palette
from tests.support.console import add_staff, start_session
from tests.support.serving import NO_BROKER, serving
from tests.support.world import World, migrate_world, open_world
from worker.domain.events import LeadEvent
from worker.domain.staff import Role
from worker.settings import load_settings
from worker.storage.broker import Broker
from worker.usecases.events.record_event import record_event
from worker.web import create_web

IMAGES = Path(__file__).parent / "operators" / "images"
FOR_STAFF = Path(__file__).parent / "staff" / "images"
MOST_BYTES = 150_000


def furnish(world: World) -> dict[str, str]:
    """A morning at the clinic; the ids by which pictures find their page."""
    maya = world.lead_from(phone="618-555-0142", zip="12207", message="When could I call you?")
    world.deliver()
    for _ in range(2):
        world.jump_to_next_due()
        world.deliver()
    record_event(world.services, maya, LeadEvent.CONTACTED, "jordan")
    world.lead_from(email="sam@example.com", first_name="Sam", location=None, condition="ptsd")
    world.jump(timedelta(minutes=50))
    world.lead_from(email="ana@example.com", first_name="Ana", location="albany", condition="anxiety")
    world.lead_from(email="robin@example.com", first_name="Robin", message="I want to die")
    suspect = replace(world.submission(email="offers@example.com", message="Cheap watches"), suspicions=("honeypot",))
    world.capture(world.envelope(suspect))
    world.deliver()
    sent = next(row["id"] for row in world.sends(maya) if row["sent_at"] and row["step"])
    return {"maya": maya, "suspect": suspect.id, "sent": sent}


@contextlib.contextmanager
def running_console(world: World, folder: Path) -> Iterator[str]:
    """A console of this world; its address."""
    settings = load_settings({}, state_dir=folder, rate_limit="off", drafts="database")
    with (
        contextlib.closing(Broker(NO_BROKER)) as broker,
        serving(create_web(world.services, settings, broker)) as address,
    ):
        yield address


def main() -> None:
    """Take them all."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        url = f"sqlite:///{folder / 'lead.db'}"
        migrate_world(url)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        with open_world(url, folder) as world, running_console(world, folder) as address:
            ids = furnish(world)
            desk = start_session(world, add_staff(world, "jordan", Role.FRONT_DESK))
            writer = start_session(world, add_staff(world, "morgan", Role.MARKETER))
            shots = {
                IMAGES / "front-desk.png": ("/front-desk", desk),
                IMAGES / "lead.png": (f"/leads/{ids['maya']}", desk),
                IMAGES / "copy.png": (f"/leads/{ids['maya']}/emails/{ids['sent']}", desk),
                IMAGES / "quarantine.png": (f"/quarantine/{ids['suspect']}", desk),
                FOR_STAFF / "studio-edit.png": ("/studio/edit/emails/first-visit.md", writer),
            }
            for shot, (path, token) in shots.items():
                context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
                context.add_cookies([{"name": "staff", "value": token, "url": f"{address}/console"}])
                page = context.new_page()
                page.goto(f"{address}/console{path}", wait_until="networkidle")
                picture = with_palette(page.screenshot())
                assert len(picture) < MOST_BYTES, (shot, len(picture))
                shot.write_bytes(picture)
                context.close()
                print(f"{shot.name}  {len(picture) / 1024:.0f} KB")
        browser.close()


if __name__ == "__main__":
    main()
