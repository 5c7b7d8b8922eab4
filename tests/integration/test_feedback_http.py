"""Providers' posts over HTTP: what is signed is recorded, what is forged refused and counted, what is odd parked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support import feedback as posts
from tests.support.databases import Databases
from tests.support.feedback import DELIVERED, Post
from tests.support.world import World, acknowledged, alerts_of, scopes
from worker.intake.app import create_app
from worker.settings import load_settings
from worker.storage import parked, tables
from worker.storage.broker import Broker
from worker.usecases.desk import unpark
from worker.usecases.feedback.receive_feedback import receive_post


@pytest.fixture(scope="module")
def databases(sqlite_databases: Databases) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return sqlite_databases


# --- what can't be read ---------------------------------------------------------------------------------------


def test_what_can_not_be_mapped_is_parked_sealed_and_replayed_when_a_later_version_can(world: World) -> None:
    _, send_id = acknowledged(world)
    source = posts.sources()["postmark"]
    body = posts.postmark("Bounce", send=send_id, Type="HardBounce").body

    receive_post(world.services, source, body.replace(b"HardBounce", b"NewFangled"))

    (item,) = world.rows(tables.parked)
    assert (item["kind"], item["code"]) == ("feedback", "postmark_unknown_event")
    assert posts.ADDRESS not in item["sealed"]
    assert alerts_of(world, "feedback_parked") == 1
    assert unpark.replay(world.services, item["id"], "Jordan Example").parked == 1, "not by this version either"

    sealed = json.dumps({"source": "postmark", "body": body.decode()}).encode()
    with world.database.write() as connection:
        known = parked.park_message(connection, sealed, "x", world.services.ring, world.now, parked.ParkedKind.FEEDBACK)
    assert unpark.replay(world.services, known, "Jordan Example").parked == 0
    assert scopes(world) == {"all"}


def test_one_event_of_many_that_can_not_be_mapped_does_not_hold_up_the_others(world: World) -> None:
    _, send_id = acknowledged(world)
    events = [posts.sendgrid_event("delivered", send=send_id), {"event": "new"}, None, 7]
    events.append(posts.sendgrid_event("spamreport", send=send_id))

    found = receive_post(world.services, posts.sources()["sendgrid"], posts.sendgrid_posts(events).body)

    assert found == {"delivered": 1, "complained": 1, "parked": 1}
    assert world.count(tables.parked) == 1


# --- over HTTP ------------------------------------------------------------------------------------------------


@pytest.fixture
def http(world: World) -> Iterator[TestClient]:
    world.services.feedback = posts.sources()
    settings = load_settings({}, state_dir=world.folder, rate_limit="off")
    with closing(Broker("redis://127.0.0.1:1")) as broker:
        app = create_app(world.services, settings, broker)
        yield TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def send_post(http: TestClient, post: Post, **headers: str) -> Any:
    return http.post(f"/v1/feedback/{post.source}", content=post.body, headers={**post.headers, **headers})


@pytest.mark.parametrize("provider", sorted(DELIVERED))
def test_a_provider_s_post_is_recorded_and_a_repeat_answered_alike(
    world: World, http: TestClient, provider: str
) -> None:
    lead_id, send_id = acknowledged(world)
    at = {} if provider in {"postmark", "resend"} else {"at": datetime.now(UTC)}
    post = DELIVERED[provider](send=send_id, **at)

    answers = [send_post(http, post) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [entry["detail"]["event"] for entry in world.story(lead_id, "feedback")] == ["delivered"]


@pytest.mark.parametrize("provider", sorted(DELIVERED))
def test_a_forged_post_is_refused_counted_and_does_nothing(world: World, http: TestClient, provider: str) -> None:
    _, send_id = acknowledged(world)
    post = DELIVERED[provider](send=send_id)

    answer = http.post(f"/v1/feedback/{provider}", content=b'{"event": "complained"}', headers={"x": "y"})
    unsigned = http.post(
        f"/v1/feedback/{provider}", content=post.body if provider in {"postmark", "resend", "sendgrid"} else b"{}"
    )

    assert [answer.status_code, unsigned.status_code] == [401, 401]
    assert answer.json()["type"].endswith("/feedback-signature")
    assert world.count(tables.delivery_events) == 0
    assert [(row["kind"], row["count"]) for row in world.rows(tables.feedback_counts)] == [("refused", 2)]


def test_a_provider_without_a_secret_is_not_heard(world: World, http: TestClient) -> None:
    world.services.feedback = {}

    assert send_post(http, posts.postmark()).status_code == 404


def test_a_post_beyond_all_measure_is_refused_unread(http: TestClient) -> None:
    answer = http.post("/v1/feedback/postmark", content=b"x" * (2 * 1024 * 1024 + 1))

    assert answer.status_code == 413
