"""Behind the unsubscribe link: stop all, a month of quiet, or the end of this series; honoured at the next claim."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.databases import Databases
from tests.support.links import with_another_signature
from tests.support.serving import intake_of
from tests.support.world import World
from worker.domain.consent import QUIET_FOR
from worker.storage import claims, gate, installation, tables
from worker.storage.database import real_now
from worker.usecases.sending.compose import make_token


@pytest.fixture(scope="module")
def databases(sqlite_databases: Databases) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return sqlite_databases


@pytest.fixture
def http(world: World) -> Iterator[TestClient]:
    with intake_of(world) as client:
        yield client


@pytest.fixture
def lead_id(world: World) -> str:
    """A lead that has had its first educational email."""
    lead_id = world.lead_from()
    world.deliver()
    world.jump_to_next_due()
    world.deliver()
    return lead_id


def link(world: World, lead_id: str) -> str:
    send = world.send("depression-options", lead_id)
    return f"/u/{make_token(send['id'], 'unsubscribe', world.services.vault.lookup)}"


def choose(world: World, http: TestClient, lead_id: str, choice: str) -> Any:
    answer = http.post(link(world, lead_id), data={"choice": choice})
    assert answer.status_code == 200
    return answer


def sent(world: World, lead_id: str) -> list[str]:
    return [row["email"] for row in world.sends(lead_id) if row["kind"] == "nurture" and row["state"] == "sent"]


def test_a_month_of_quiet_is_a_month_and_then_the_sequence_goes_on_where_it_was(
    world: World, http: TestClient, lead_id: str
) -> None:
    asked_at = world.now
    answer = choose(world, http, lead_id, "month")
    assert "before April" in answer.text

    (waiting,) = [row for row in world.sends(lead_id) if row["state"] == "planned"]
    world.run()

    emails = [row for row in world.sends(lead_id) if row["kind"] == "nurture" and row["state"] == "sent"]
    assert len(emails) > 4
    assert emails[1]["id"] == waiting["id"], "the very next one, once"
    assert min(row["sent_at"] for row in emails[1:]) >= asked_at + QUIET_FOR
    assert world.count(tables.suppressions) == 0
    assert len(world.story(lead_id, "quiet")) == 1


def test_quiet_asked_for_between_claim_and_hand_over_is_honoured(world: World, http: TestClient, lead_id: str) -> None:
    world.jump_to_next_due()
    with world.database.write() as connection:
        now = installation.product_now(connection)
        claimed = claims.claim_due(connection, now, real_now(connection), 10)
    assert len(claimed) == 1

    choose(world, http, lead_id, "month")

    with world.database.write() as connection:
        snapshot = installation.active_snapshot(connection)
        assert snapshot
        named = {"handed_to": "test", "key_until": None}
        allowed = gate.hand_over(connection, claimed, snapshot, world.now, real_now(connection), **named)
    assert not allowed


def test_an_acknowledgement_still_answers_a_person_in_quiet(world: World, http: TestClient, lead_id: str) -> None:
    choose(world, http, lead_id, "month")
    world.jump(timedelta(days=2))

    world.post(message="I have a question")
    world.deliver()

    assert [row["state"] for row in world.sends(lead_id) if row["kind"] == "acknowledgement"] == ["sent", "sent"]
    assert len(sent(world, lead_id)) == 1


def test_ending_only_this_series_leaves_room_for_another(world: World, http: TestClient, lead_id: str) -> None:
    choose(world, http, lead_id, "series")
    world.run()
    assert sent(world, lead_id) == ["depression-options"]
    assert [row["exit_reason"] for row in world.rows(tables.enrollments)] == ["series_ended"]
    assert world.count(tables.suppressions) == 0

    world.post(condition="depression")
    world.run()
    assert sent(world, lead_id) == ["depression-options"], "the same is never begun again"


def test_whoever_was_quiet_or_ended_a_series_may_still_stop_all(world: World, http: TestClient, lead_id: str) -> None:
    for choice in ("month", "series", "all"):
        choose(world, http, lead_id, choice)

    assert [row["reason"] for row in world.rows(tables.suppressions)] == ["unsubscribed"]


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (b"", ""),
        (b"choice=nonsense", "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b"x" * 70_000, "text/plain"),
    ],
)
def test_whatever_stands_in_the_post_the_link_stops_the_emails(
    world: World, http: TestClient, lead_id: str, content: bytes, media: str
) -> None:
    answer = http.post(link(world, lead_id), content=content, headers={"Content-Type": media} if media else {})

    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert world.count(tables.suppressions) == 1


@pytest.mark.parametrize("choice", ["month", "series", "all"])
def test_a_link_that_was_not_made_here_chooses_nothing(
    world: World, http: TestClient, lead_id: str, choice: str
) -> None:
    forged = with_another_signature(link(world, lead_id))

    assert http.post(forged, data={"choice": choice}).status_code == 404
    assert http.post("/u/é.%00", data={"choice": choice}).status_code == 404
    assert world.lead(lead_id)["quiet_until"] is None


def test_a_lead_that_is_gone_is_answered_all_the_same(world: World, http: TestClient, lead_id: str) -> None:
    token = make_token("00000000-0000-5000-8000-000000000000", "unsubscribe", world.services.vault.lookup)

    for choice in ("month", "series"):
        assert http.post(f"/u/{token}", data={"choice": choice}).status_code == 200


def test_link_scanners_choose_nothing(world: World, http: TestClient, lead_id: str) -> None:
    before = [world.rows(table) for table in tables.metadata.sorted_tables]

    for _ in range(50):
        for suffix in ("", "?choice=month", "?choice=series", "?List-Unsubscribe=One-Click"):
            assert http.get(link(world, lead_id) + suffix).status_code == 200
            assert http.head(link(world, lead_id) + suffix).status_code == 200

    assert [world.rows(table) for table in tables.metadata.sorted_tables] == before
