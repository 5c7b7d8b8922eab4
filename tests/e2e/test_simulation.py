"""What is shown is what happens: the simulated calendar of a lead equals what the worker then sends, to the minute."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.e2e.product import Product, pin_calendar, post, until
from tests.support.world import RecordingQueue
from worker.content.simulate import simulate
from worker.delivery.alerts import open_alerts
from worker.delivery.outbox import OutboxProvider
from worker.domain.ids import reference, submission_id
from worker.domain.leads import Condition, Location
from worker.domain.routing import Route, Topic, read_topic, route
from worker.domain.sends import SendState
from worker.domain.submissions import Submission
from worker.keys import key_ring
from worker.reach import Reach
from worker.settings import load_settings
from worker.storage import installation, send_figures, sends, submissions
from worker.storage.database import Database
from worker.storage.tables import sends as ledger
from worker.storage.tables import submissions as posted
from worker.usecases.arrival.capture import capture
from worker.usecases.arrival.evidence import read_evidence
from worker.usecases.clock import jump_clock
from worker.usecases.sending.deliver import deliver_due
from worker.usecases.services import Services
from worker.usecases.sweep import sweep

SPRING, AUTUMN = "2026-03-06T22:15-06:00", "2026-10-30T22:15-05:00"
"""Friday nights; the clocks change on the Sunday."""

PLACES = {Location.CARBONDALE: "carbondale", Location.ALBANY: "albany", Location.UNDECIDED: ""}
MATRIX = [(place, condition) for place in PLACES for condition in Condition]


@dataclass
class World:
    """The worker's verbs on a database of their own, at an instant."""

    services: Services
    at: datetime

    def post(self, place: Location, condition: Condition, number: int) -> str:
        identity = submission_id("clinic", f"simulation/{number}")
        with self.services.database.read() as connection:
            form = self.services.content.renderer(connection)[1].catalog.forms["clinic"]
        submission = Submission(
            id=identity,
            reference=reference(identity),
            received_at=self.at,
            form="clinic",
            fields={"location": (PLACES[place],), "condition": (condition.value,)},
            email=f"person{number}@example.com",
            phone=None,
            consent_email=True,
            wording_version=form.consent_version,
        )
        capture(self.services, [submissions.envelope(submission, self.services.ring)])
        return identity

    def run_out(self) -> None:
        """From one due instant to the next, until nothing is planned any more."""
        database = self.services.database
        for _ in range(5000):
            sweep(self.services)
            deliver_due(self.services, budget_s=60)
            with database.read() as connection:
                due = sends.next_due(connection)
                now = installation.product_now(connection)
            if due is None:
                return
            if due > now:
                jump_clock(database, due)
        pytest.fail("the sequences do not end")

    def sent(self, submission: str) -> list[tuple[str, str]]:
        """What this person got: each email, and the minute."""
        with self.services.database.read() as connection:
            lead = submissions.by_id(connection, submission)["lead_id"]
            return happened(sends.of_lead(connection, lead))


def happened(rows: Sequence[Any]) -> list[tuple[str, str]]:
    done = sorted((row for row in rows if row["sent_at"] is not None), key=lambda row: row["sent_at"])
    return [(row["email"], minute(row["sent_at"])) for row in done]


def minute(at: datetime) -> str:
    return at.astimezone().isoformat(timespec="minutes")


@pytest.fixture(scope="module", params=[SPRING, AUTUMN])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    state, at = tmp_path_factory.mktemp("world"), datetime.fromisoformat(request.param)
    environment = {"NURTURE_STATE_DIR": str(state), "NURTURE_CLOCK_SPEED": "0"}
    pin_calendar(environment, at)
    settings = load_settings(environment)
    outbox = OutboxProvider(state / "outbox")
    services = Services(
        database=Database(settings.database),
        ring=key_ring(settings),
        provider=outbox,
        practice=outbox,
        alerts=open_alerts("", outbox, "alerts@example.com", state, Reach()),
        queue=RecordingQueue(),
        public_url=settings.links,
    )
    yield World(services, at)
    services.close()


def planned(services: Services, place: Location, condition: Condition, at: datetime) -> list[tuple[str, str]]:
    """What `nurture simulate` shows, by the functions that it uses, from the published content."""
    with services.database.read() as connection:
        renderer = services.content.renderer(connection)[1]
    catalog = renderer.catalog
    evidence = read_evidence(
        choice=PLACES[place] or None, zip_code=None, state=None, phone=None, form_default=None, clinic=catalog.clinic
    )
    topic: Topic = read_topic([condition.value], None, catalog.routing)
    decided: Route = route(evidence, topic, catalog.routing)
    calendar = list(simulate(renderer, decided, topic.conditions, at))
    return [(entry.email, minute(entry.at)) for entry in calendar if entry.decision == "send"]


@pytest.mark.slow
def test_every_place_and_condition_gets_what_the_calendar_shows_across_the_change_of_clocks(world: World) -> None:
    ids = {pair: world.post(*pair, number) for number, pair in enumerate(MATRIX)}

    world.run_out()

    for pair, submission in ids.items():
        expected = planned(world.services, *pair, world.at)
        assert world.sent(submission) == expected, pair
        assert len(expected) >= 5, "a sequence was simulated, and not only an answer"
    with world.services.database.read() as connection:
        counts = send_figures.counts(connection)
    assert {state for state, count in counts.items() if count} == {SendState.SENT}


@pytest.mark.slow
def test_the_running_product_sends_what_the_command_line_shows(product: Product) -> None:
    """The same in real processes: web, queue, workers and beat, on a calendar that the test turns over."""
    database = product.database()
    with database.read() as connection:
        at = installation.product_now(connection)
    words = f"simulate --location carbondale --condition depression --submitted-at {at.isoformat()}"
    shown = product.json(*words.split())
    accepted = post(
        product.url,
        email=f"{uuid4().hex}@example.com",
        location="carbondale",
        condition="depression",
        consent_email=True,
    )

    def mine() -> list[Any]:
        with database.read() as connection:
            lead = select(posted.c.lead_id).where(posted.c.id == accepted["submission_id"]).scalar_subquery()
            rows = connection.execute(select(ledger).where(ledger.c.lead_id == lead).order_by(ledger.c.due_at))
            return [row._mapping for row in rows]

    def sent() -> int:
        return sum(row["state"] == "sent" for row in mine())

    for number, _ in enumerate(shown["calendar"][1:], start=1):
        until(lambda least=number: sent() == least, why=product.logs)
        (following,) = [row for row in mine() if row["state"] == "planned"]
        jump_clock(database, following["due_at"])
        post(product.url, phone="618-555-0123")  # a capture wakes the pump; beat would, too, a little later
    until(lambda: sent() == len(shown["calendar"]), why=product.logs)

    expected = [
        (entry["email"], minute(datetime.fromisoformat(entry["at"])))
        for entry in shown["calendar"]
        if entry["decision"] == "send"
    ]
    assert happened(mine()) == expected
    assert len(expected) >= 6
    until(lambda: "completed" in json.dumps(product.json("leads", "explain", accepted["reference"])["next"]))
    letters = {path.stem for path in Path(product.state, "outbox").glob("*.eml")}
    assert {row["id"] for row in mine()} <= letters
