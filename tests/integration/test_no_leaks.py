"""Contact data and free text in clear: nowhere but in the message to the person (I6).

Leads made of unmistakable words go through everything that can happen; then every place is searched.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import make_url

from tests.support.world import ScriptedProvider, World
from worker.delivery.base import Message, Outcome
from worker.domain.forms import TokenCheck
from worker.errors import AmbiguousDeliveryError, PermanentDeliveryError, TransientDeliveryError
from worker.logs import configure_logs
from worker.storage import tables
from worker.storage.sealing import KeyRing
from worker.storage.spool import Spool
from worker.storage.submissions import envelope as seal
from worker.usecases.arrival.relay import Relay
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.desk import quarantine
from worker.usecases.desk.explain import explain

CANARY = {
    "email": "zyxwvut.canary@example.com",
    "first_name": "Qwertzina",
    "last_name": "Fledermaus",
    "phone": "618-555-0173",
    "message": "My marmalade secret is a heliotrope worry",
    "preferred_contact": "carrierpigeon",
    "shoe_size": "forty-eleven",
    "page_url": "https://clinic.example.com/help?who=qwertzina",
    "utm_campaign": "fledermaus",
}
WORDS = (
    "zyxwvut", "canary", "qwertzina", "fledermaus", "5550173", "555-0173", "marmalade", "heliotrope", "carrierpigeon",
    "forty-eleven",
)  # fmt: skip


@pytest.fixture
def debug_logs() -> Iterator[io.StringIO]:
    """The product's logs at their most talkative; as they were before, afterwards."""
    before, root, logs = structlog.get_config(), logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    with contextlib.redirect_stderr(logs):
        configure_logs("DEBUG", "test")
    yield logs
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def leaks(text: str) -> list[str]:
    return [word for word in WORDS if word in text.casefold()]


def everything_stored(world: World, url: str) -> str:
    """The database's very files on SQLite, what has been deleted too; on PostgreSQL every row as text."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database))
        return "".join(file.read_bytes().decode("latin-1") for file in path.parent.glob(f"{path.name}*"))
    with world.database.read() as connection:
        return "".join(
            str(row[0])
            for table in tables.metadata.sorted_tables
            for row in connection.exec_driver_sql(f"select t::text from {table.name} t")
        )


def everything_that_can_happen(world: World, spool: Spool) -> None:
    def take_in(**fields: str | None) -> str:
        submission = world.submission(**{**CANARY, **fields})
        spool.begin([world.envelope(submission)]).close()
        relay = Relay(world.services, spool)
        relay.run_once()
        world.capture(world.envelope(submission))
        return submission.id

    def answering(*outcomes: Outcome) -> ScriptedProvider:
        left = list(outcomes)
        return ScriptedProvider(answer=lambda _: left.pop(0) if len(left) > 1 else left[0])

    take_in()
    take_in(message="marmalade again", first_name="Qwertzina-Two")  # writes again, and differs
    take_in(email="zyxwvut.crisis@example.com", message="marmalade: I want to die")
    take_in(email=None, message="call me, heliotrope")
    take_in(email="zyxwvut.odd@example.com", condition="heliotrope disorder", treatment="marmalade", phone="12 canary")
    quarantined = world.submission(
        **{**CANARY, "email": "zyxwvut.q@example.com"}, token=TokenCheck(suspicion="token.forged")
    )
    world.capture(world.envelope(quarantined))
    quarantine.release(world.services, quarantined.id, "jordan")
    world.capture(seal(world.submission(**CANARY), KeyRing({"lost1": bytes(32)})))  # parked
    world.capture(world.envelope(world.submission(**CANARY, key="k1")))
    world.capture(world.envelope(world.submission(**{**CANARY, "message": "marmalade"}, key="k1")))  # conflict

    outbox = world.services.provider
    for outcome in (
        TransientDeliveryError("smtp_451"),
        AmbiguousDeliveryError("smtp_no_answer_after_data"),
        PermanentDeliveryError("smtp_550", address_is_bad=True),
    ):
        take_in(email=f"zyxwvut.{outcome.code}@example.com")
        world.services.provider = answering(outcome)
        world.deliver()
        world.sweep()
        world.let_retries_come_due()
    world.services.provider = outbox
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    for mail in world.mail[-1:]:
        assert unsubscribe(world.services, mail["List-Unsubscribe"].strip("<>").rpartition("/")[2], "one_click")
    world.run()
    world.sweep()
    world.tell_staff()


def test_contact_data_and_free_text_stand_nowhere_in_clear(
    world: World, world_url: str, debug_logs: io.StringIO
) -> None:
    spool = Spool(world.folder / "spool")
    everything_that_can_happen(world, spool)
    with world.database.read() as connection:
        explained = [explain(connection, lead["id"]) for lead in world.rows(tables.leads)]

    seen = {
        "the database": everything_stored(world, world_url),
        "the spool": "".join(path.name + path.read_text() for path in spool.root.rglob("*.sealed")),
        "the names of the outbox's files": " ".join(path.name for path in (world.folder / "outbox").iterdir()),
        "staff alerts": " ".join(path.name + path.read_text() for path in (world.folder / "alerts").iterdir()),
        "the logs": debug_logs.getvalue(),
        "the queue": json.dumps(world.queue.captured),
        "explanations": json.dumps(explained),
        "subjects and headers": " ".join(
            f"{name}: {value}" for mail in world.mail for name, value in mail.items() if name != "To"
        ),
        "links": " ".join(re.findall(r"https?://\S+", "".join(str(mail) for mail in world.mail))),
    }

    assert {place: leaks(text) for place, text in seen.items() if leaks(text)} == {}
    assert [place for place, text in seen.items() if not text] == [], "not looked at"


def test_the_search_finds_what_it_looks_for(world: World, world_url: str) -> None:
    """A person's own message does name them; a row written in clear is found."""
    world.post(**CANARY)
    world.deliver()
    assert "qwertzina" in leaks("".join(str(mail) for mail in world.mail))

    assert leaks(everything_stored(world, world_url)) == []
    world.execute(tables.leads.update().values(sequence_reason="asked about Marmalade"))
    assert leaks(everything_stored(world, world_url)) == ["marmalade"]


def test_an_exception_of_a_library_is_logged_without_its_words(world: World, debug_logs: io.StringIO) -> None:
    def fail(message: Message) -> Outcome:
        raise RuntimeError(f"could not write to {message.recipient}")

    world.services.provider = ScriptedProvider(answer=fail)
    world.post(**CANARY)
    log = structlog.get_logger()
    try:
        world.deliver()
    except RuntimeError:
        log.exception("send.broke", recipient=CANARY["email"], send_id="1")
        logging.getLogger("some.library").exception("failed for %s", CANARY["email"])

    logged = debug_logs.getvalue()
    assert "RuntimeError" in logged
    assert "recipient" in logged, "that something was dropped is said"
    assert leaks(logged) == []
