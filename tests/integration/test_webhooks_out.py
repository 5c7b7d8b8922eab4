"""Other systems are told what happens: with the fact, signed, in order, at least once, and no more than was agreed."""

from __future__ import annotations

import json
import re
import threading
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.command import run_nurture
from tests.support.databases import Databases, SqliteDatabases
from tests.support.receiver import receiver
from tests.support.telling import EVERYTHING, HERE, LEAD, SECRET, add, let_waits_end, listening, tell, types
from tests.support.world import World
from worker.domain.events import LeadEvent
from worker.domain.outgoing_events import Tell
from worker.domain.redelivery import Fate
from worker.errors import NotFound, Refused
from worker.intake.webhook_docs import webhooks
from worker.outgoing import OutgoingSession
from worker.reach import Reach
from worker.storage import outgoing_events, tables
from worker.storage.database import real_now
from worker.storage.endpoints import Access
from worker.storage.spool import Spool
from worker.usecases.desk import unpark
from worker.usecases.events.record_event import note_event
from worker.usecases.health.status import read_health
from worker.usecases.privacy.erase import Erasure, erase_lead
from worker.usecases.webhooks import manage
from worker.usecases.webhooks.list_endpoints import EndpointState, find_endpoint, list_endpoints
from worker.usecases.webhooks.manage import Agreement
from worker.usecases.webhooks.reach import secrets_at


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both beside."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


def test_a_lead_that_writes_again_was_not_created_again(world: World) -> None:
    with listening(world, 200) as server:
        add(world, server.url, events=("lead.created",))
        world.post()
        world.post(message="When may I come?")
        tell(world)

    assert types(server) == ["lead.created"]


def test_a_fact_that_is_rolled_back_is_told_to_nobody(world: World) -> None:
    world.services.reach = HERE
    add(world, "http://127.0.0.1:1/hook")
    lead_id = world.lead_from()
    before = world.count(tables.outgoing_events)

    with suppress(ZeroDivisionError), world.database.write() as connection:
        note_event(world.services, connection, lead_id, LeadEvent.CONSULTATION_BOOKED, "x", world.now)
        assert connection.execute(select(func.count()).select_from(tables.outgoing_events)).scalar_one() == before + 1
        raise ZeroDivisionError

    assert world.count(tables.outgoing_events) == before


def test_by_ids_alone_nothing_is_told_about_the_person_or_their_health(world: World) -> None:
    with listening(world, 200) as server:
        add(world, server.url, events=("*",))
        world.post(**{**SECRET, "message": "I want to die"})
        world.deliver()
        tell(world)

    assert {"lead.created", "email.sent", "alert.crisis", "alert.new_lead"} <= set(types(server))
    said = b"".join(post.body for post in server.requests).decode().casefold()
    told = [*SECRET.values(), "5550173", "0173", "depression", "welcome", "acknowledgement", "sequence"]
    assert [word for word in told if word.casefold() in said] == []


def test_by_agreement_contact_and_condition_are_told_but_never_beside_an_alert(world: World) -> None:
    with listening(world, 200) as server:
        add(world, server.url, events=("*",), agreement=EVERYTHING)
        world.post(**SECRET)
        world.deliver()
        tell(world)

    by_type = {posted["type"]: posted["data"] for posted in server.posted}
    assert by_type["lead.created"]["contact"] == {
        "email": SECRET["email"], "phone": "+16185550173", "first_name": "Zebedee", "last_name": "Quillfeather",
    }  # fmt: skip
    assert (by_type["lead.routed"]["condition"], by_type["lead.routed"]["treatment"]) == ("ptsd", "spravato")
    assert by_type["email.sent"]["email"] == "acknowledgement"
    assert by_type["alert.new_lead"].keys() == {"lead_id", "reference", "location", "is_test", "alert_id"}


@pytest.mark.parametrize("tells", [{Tell.CONTACT}, {Tell.CONDITION}])
def test_each_agreement_tells_its_own_part_only(world: World, tells: set[Tell]) -> None:
    agreement = Agreement(tells=frozenset(tells), by="Jordan Example", on=date(2026, 1, 5))
    with listening(world, 200) as server:
        add(world, server.url, agreement=agreement)
        world.post(**SECRET)
        tell(world)

    for posted in server.posted:
        assert ("contact" in posted["data"]) == (Tell.CONTACT in tells)
        assert ("condition" in posted["data"]) == (Tell.CONDITION in tells)


@pytest.mark.parametrize(
    "agreement",
    [
        Agreement(tells=frozenset({Tell.CONTACT})),
        Agreement(tells=frozenset({Tell.CONDITION}), by="Jordan Example"),
        Agreement(tells=frozenset({Tell.CONTACT}), on=date(2026, 1, 5)),
        Agreement(tells=frozenset({Tell.CONTACT}), by="Jordan Example", on=datetime.now(UTC).date() + timedelta(2)),
    ],
)
def test_more_than_ids_is_refused_without_an_agreement(world: World, agreement: Agreement) -> None:
    with pytest.raises(Refused, match="agree"):
        add(world, "https://hooks.example.com", agreement=agreement)


def test_an_agreement_that_ends_counts_at_once_for_what_waits_and_for_who_is_told_next(world: World) -> None:
    made: list[str] = []

    def end_it(_: object) -> int:
        for endpoint_id in made:
            manage.change_endpoint(world.services, endpoint_id, "Robin Example", agreement=Agreement())
        made.clear()
        return 200

    with listening(world, end_it, 200) as server:
        made += [add(world, server.url, events=("lead.created",), agreement=EVERYTHING)[0] for _ in range(2)]
        world.post(**SECRET)
        tell(world)

    first, second = (posted["data"] for posted in server.posted)
    assert {"contact", "condition"} <= first.keys()
    assert {"contact", "condition"} & second.keys() == set()


def test_other_events_count_from_now_on(world: World) -> None:
    with listening(world, 200) as server:
        endpoint_id, _ = add(world, server.url, events=("lead.created",))
        world.post()
        manage.change_endpoint(world.services, endpoint_id, "Robin Example", events=("lead.routed",))
        world.post(email="robin@example.com")
        tell(world)

    assert types(server) == ["lead.created", "lead.routed"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, "nothing would change"),
        ({"events": LEAD[::-1], "agreement": Agreement()}, "nothing would change"),
        ({"events": ()}, "told of nothing"),
        ({"events": ("lead.craeted",)}, "nothing is called"),
        ({"agreement": Agreement(tells=frozenset({Tell.CONTACT}))}, "say who agreed"),
    ],
)
def test_a_change_that_says_nothing_or_nothing_valid_is_refused(world: World, change: Any, why: str) -> None:
    endpoint_id, _ = add(world, "https://hooks.example.com")

    with pytest.raises(Refused, match=why):
        manage.change_endpoint(world.services, endpoint_id, "Robin Example", **change)
    assert len(world.story(None, "endpoint")) == 1


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("http://hooks.example.com/x", LEAD),
        ("ftp://hooks.example.com", LEAD),
        ("hooks.example.com", LEAD),
        ("https://hooks.example.com", ()),
        ("https://hooks.example.com", ("lead.craeted",)),
    ],
)
def test_an_endpoint_that_can_not_work_is_refused(world: World, url: str, events: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        add(world, url, events=events)


def test_each_post_is_signed_and_a_changed_one_is_not_believed(world: World) -> None:
    with listening(world, 200) as server:
        _, secret = add(world, server.url)
        world.post()
        tell(world)

    post = server.requests[0]
    assert Webhook(secret).verify(post.body, dict(post.headers))["type"] == "lead.created"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(post.body.replace(b"created", b"deleted"), dict(post.headers))


def test_after_a_change_both_secrets_sign_for_a_day(world: World) -> None:
    with listening(world, 200) as server:
        endpoint_id, old = add(world, server.url)
        new = manage.rotate_secret(world.services, endpoint_id, "Jordan Example")
        world.post()
        tell(world)

        post = server.requests[0]
        assert old != new
        for secret in (old, new):
            Webhook(secret).verify(post.body, dict(post.headers))

    access = Access(url="", secret=new, old_secret=old, old_until="2026-03-02T16:00:00+00:00")
    assert secrets_at(access, datetime(2026, 3, 2, 16, 0, tzinfo=UTC)) == [new]


def test_nothing_about_an_endpoint_stands_in_clear_but_its_host(world: World) -> None:
    _, secret = add(world, "https://user:hunter2@hooks.example.com/path-that-is-secret")
    shown = str(list_endpoints(world.services)) + str(world.rows(tables.endpoints))
    shown += str(world.rows(tables.timeline))

    assert "hooks.example.com" in shown
    assert [word for word in ("hunter2", "path-that-is-secret", secret) if word in shown] == []


# --- trouble ---


@pytest.mark.parametrize("trouble", [500, 429, 404, 302])
def test_an_endpoint_in_trouble_is_left_alone_and_asked_again_with_the_same_id(world: World, trouble: int) -> None:
    with listening(world, trouble, 200) as server:
        add(world, server.url, events=("lead.created",))
        world.post()
        world.post(email="other@example.com")

        assert tell(world) == {"away": 1}, "the other waits too: one try tells enough"
        assert tell(world) == {}
        let_waits_end(world)
        assert tell(world) == {"taken": 2}

    ids = [post.headers["webhook-id"] for post in server.requests]
    assert ids[0] == ids[1] != ids[2]
    assert set(server.paths) == {"/hook"}, "a redirect was followed"


def test_an_endpoint_that_is_gone_is_asked_no_more_until_someone_resumes_it(world: World) -> None:
    with listening(world, 410, 200) as server:
        endpoint_id, _ = add(world, server.url, events=("lead.*",))
        world.post()
        assert tell(world) == {"gone": 1}
        world.post(email="later@example.com")
        let_waits_end(world)
        assert tell(world) == {}
        (item,) = world.rows(tables.parked)
        assert unpark.replay(world.services, item["id"], "Jordan Example").parked == 1

        manage.resume_endpoint(world.services, endpoint_id, "Jordan Example")
        assert unpark.replay(world.services, item["id"], "Jordan Example").parked == 0
        assert tell(world) == {"taken": 2}

    assert types(server) == ["lead.created", "lead.created", "lead.routed"]


def test_a_receiver_that_hangs_up_or_is_not_there_is_asked_again(world: World) -> None:
    def hang_up(_: object) -> int:
        raise ConnectionAbortedError

    with listening(world, hang_up) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        add(world, server.url, events=("lead.created",))
        world.post()
        assert tell(world) == {"away": 1}
    let_waits_end(world)

    assert tell(world) == {"away": 1}
    assert [row["state"] for row in world.rows(tables.outgoing_events)] == [outgoing_events.PENDING]


class Impatient(OutgoingSession):
    """Waits a moment where the product waits ten seconds."""

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        return super().request(method, url, *args, **{**options, "timeout": 0.05})


def test_a_receiver_that_hangs_is_asked_again(world: World) -> None:
    heard = threading.Event()
    with listening(world, lambda _: 200 if heard.wait(10) else 500) as server:
        world.services.outgoing = Impatient(HERE)
        add(world, server.url, events=("lead.created",))
        world.post()
        assert tell(world) == {"away": 1}
        heard.set()

    (row,) = world.rows(tables.outgoing_events)
    assert (row["state"], row["last_code"], row["attempts"]) == (outgoing_events.PENDING, "ReadTimeout", 1)


def test_an_endpoint_inside_our_own_network_is_not_called(world: World) -> None:
    with receiver(200) as server:
        world.services.reach = HERE
        endpoint_id, _ = add(world, server.url, events=("lead.created",))
        world.services.reach = Reach()
        world.post()

        assert tell(world) == {"away": 1}

    assert server.requests == []
    one = find_endpoint(world.services, endpoint_id)
    assert (one.last_code, one.failures, one.state) == ("address_refused", 1, EndpointState.FAILING)


def test_a_wait_that_the_receiver_asks_for_is_kept(world: World) -> None:
    with listening(world, 429) as server:
        server.headers["Retry-After"] = "900"
        add(world, server.url)
        world.post()
        tell(world)

    (row,) = world.rows(tables.endpoints)
    with world.database.read() as connection:
        assert timedelta(minutes=14) < row["not_before"] - real_now(connection) <= timedelta(minutes=15)


def test_of_two_endpoints_the_one_that_fails_does_not_hold_up_the_other(world: World) -> None:
    with listening(world, 503) as failing, receiver(200) as working:
        add(world, failing.url)
        add(world, working.url)
        world.post()

        assert tell(world) == {"away": 1, "taken": 2}


# --- people ---


def test_a_removed_endpoint_is_told_nothing_and_its_secrets_are_forgotten(world: World) -> None:
    with listening(world, 200) as server:
        endpoint_id, _ = add(world, server.url, events=("lead.*",))
        world.post()
        assert manage.remove_endpoint(world.services, endpoint_id, "Jordan Example") == 2
        world.post(email="later@example.com")
        assert tell(world) == {}

    assert [row["sealed"] for row in world.rows(tables.endpoints)] == [None]
    assert list_endpoints(world.services) == []
    with pytest.raises(NotFound):
        manage.try_endpoint(world.services, endpoint_id)


def test_a_test_says_whether_it_listens_and_ends_the_wait(world: World) -> None:
    with listening(world, 500, 500, 200) as server:
        endpoint_id, secret = add(world, server.url, events=("lead.created",))
        world.post()
        tell(world)

        assert manage.try_endpoint(world.services, endpoint_id).fate is Fate.AWAY
        assert tell(world) == {}
        assert manage.try_endpoint(world.services, endpoint_id).fate is Fate.TAKEN
        assert tell(world) == {"taken": 1}

    assert types(server) == ["lead.created", "webhook.test", "webhook.test", "lead.created"]
    Webhook(secret).verify(server.requests[-1].body, dict(server.requests[-1].headers))


def test_a_paused_endpoint_is_told_later_what_happened_meanwhile(world: World) -> None:
    with listening(world, 200) as server:
        endpoint_id, _ = add(world, server.url, events=("lead.created",))
        manage.pause_endpoint(world.services, endpoint_id, "Jordan Example")
        world.post()
        assert tell(world) == {}
        seen = find_endpoint(world.services, endpoint_id)
        assert (seen.state, seen.waiting, seen.oldest_at) == (EndpointState.PAUSED, 1, world.now)
        with world.database.read() as connection:
            assert read_health(connection, {}, Spool(world.folder / "spool")).figures.endpoints_paused == 1

        manage.resume_endpoint(world.services, endpoint_id, "Jordan Example")
        assert tell(world) == {"taken": 1}
    assert find_endpoint(world.services, endpoint_id).waiting == 0


# --- what the page says ---

PAGE = (Path(__file__).parents[2] / "docs" / "integrators" / "webhooks.md").read_text(encoding="utf-8")


def test_the_snippet_of_the_page_believes_us_and_nobody_else(world: World) -> None:
    (snippet,) = re.findall(r"^```python run=verify\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    there: dict[str, Any] = {}
    exec(snippet, there)
    with listening(world, 200) as server:
        _, secret = add(world, server.url)
        world.post()
        tell(world)
    post = server.requests[0]

    assert there["read_event"](secret, dict(post.headers), post.body)["type"] == "lead.created"
    with pytest.raises(WebhookVerificationError):
        there["read_event"](manage.new_secret(), dict(post.headers), post.body)


def test_the_description_for_programs_tells_every_event(world: World) -> None:
    described = webhooks()

    assert described.keys() == set(manage.EVERY_TYPE)
    with listening(world, 200) as server:
        add(world, server.url, events=("*",))
        lead_id = world.lead_from()
        world.deliver()
        tell(world)
        erase_lead(world.services, lead_id, Erasure(actor="Jordan Example", reason="asked"))
        tell(world)
    assert "lead.erased" in types(server)
    for posted in server.posted:
        content = described[posted["type"]]["post"]["requestBody"]["content"]["application/json"]
        assert content["example"]["data"].keys() == posted["data"].keys(), posted["type"]


def test_the_command_line_adds_one_and_tries_it(world: World) -> None:
    with receiver(200) as server:
        words = ["webhooks", "add", server.url, "--event", "lead.created", "--json"]
        added = run_nurture(str(world.database.url), world.folder, *words)
        assert added.returncode == 0, added.stderr
        made = json.loads(added.stdout)
        tried = run_nurture(str(world.database.url), world.folder, "webhooks", "test", made["id"])
    agreed = ["--tell", "contact", "--agreed-by", "Robin Example", "--agreed-on", "2026-02-03"]
    changed = run_nurture(str(world.database.url), world.folder, "webhooks", "change", made["id"], *agreed)

    assert (tried.returncode, tried.stdout) == (0, "It was taken: http_200.\n")
    assert (changed.returncode, changed.stdout) == (0, "Changed. It is told so from now on.\n")
    (one,) = list_endpoints(world.services)
    assert (one.events, one.tells, one.agreed_by) == (("lead.created",), ("contact",), "Robin Example")
    assert Webhook(made["secret"]).verify(server.requests[0].body, dict(server.requests[0].headers))["data"] == {}
