"""The outbox on both databases: written with the fact, told in order and once, however many workers there are."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import update

from tests.support.telling import EVERYTHING, HERE, SECRET, add, let_waits_end, listening, tell, types
from tests.support.world import World, open_world
from worker.domain.events import LeadEvent
from worker.domain.redelivery import MAX_TRIES
from worker.storage import outgoing_events, parked, tables
from worker.storage.database import real_now
from worker.usecases.desk import unpark
from worker.usecases.events.record_event import record_event
from worker.usecases.privacy.erase import Erasure, erase_lead
from worker.usecases.webhooks import manage
from worker.usecases.webhooks.tell import is_anything_to_tell


def test_what_happens_to_a_lead_is_told_in_its_order(world: World) -> None:
    with listening(world, 200) as server:
        add(world, server.url)
        lead_id = world.lead_from()
        world.deliver()
        record_event(world.services, lead_id, LeadEvent.CONSULTATION_BOOKED, "Jordan Example")

        assert tell(world) == {"taken": 4}
        assert tell(world) == {}

    assert types(server) == ["lead.created", "lead.routed", "email.sent", "consultation.booked"]
    lead = world.lead(lead_id)
    assert server.posted[0] == {
        "type": "lead.created",
        "timestamp": world.now.isoformat().replace("+00:00", "Z"),
        "data": {"lead_id": lead_id, "reference": lead["reference"], "location": "carbondale", "is_test": False},
    }
    assert server.posted[2]["data"]["send_id"] == world.send("acknowledgement", lead_id)["id"]


def test_an_event_that_is_refused_holds_up_its_own_lead_only(world: World) -> None:
    with listening(world, lambda post: 422 if refused in post.body else 200) as server:
        add(world, server.url, events=("lead.*",))
        stuck, free = world.lead_from(), world.lead_from(email="other@example.com")
        refused = stuck.encode()

        assert tell(world) == {"not_this": 1, "taken": 2}
        let_waits_end(world)
        refused = b"nothing"
        assert tell(world) == {"taken": 2}

    told = [(posted["data"]["lead_id"], posted["type"]) for posted in server.posted]
    assert told[-2:] == [(stuck, "lead.created"), (stuck, "lead.routed")]
    assert [kind for lead_id, kind in told if lead_id == free] == ["lead.created", "lead.routed"]


def test_an_event_that_is_never_taken_is_parked_and_told_when_someone_says_so(world: World) -> None:
    with listening(world, 500) as server:
        add(world, server.url, events=("lead.created",))
        world.post()
        world.execute(update(tables.outgoing_events).values(attempts=MAX_TRIES - 2))
        assert tell(world) == {"away": 1}
        assert world.count(tables.parked) == 0
        let_waits_end(world)
        assert tell(world) == {"away": 1}
        let_waits_end(world)
        assert tell(world) == {}

        (item,) = world.rows(tables.parked)
        assert (item["kind"], item["code"], item["state"]) == ("event", "http_500", "open")
        assert "event_parked" in [row["kind"] for row in world.rows(tables.alerts)]
        server.answers = [200]
        assert unpark.replay(world.services, item["id"], "Jordan Example").parked == 0
        let_waits_end(world)
        assert tell(world) == {"taken": 1}
    assert {post.headers["webhook-id"] for post in server.requests} == {item["id"]}
    assert [row["state"] for row in world.rows(tables.parked)] == [parked.REPLAYED]


def test_workers_at_once_tell_each_event_once_and_each_lead_in_order(world_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(open_world(world_url, tmp_path)) for _ in range(3)]
        server = stack.enter_context(listening(workers[0], 200))
        for worker in workers:
            worker.services.reach = HERE
        add(workers[0], server.url, events=("lead.*",))
        for number in range(12):
            workers[0].post(email=f"lead{number}@example.com")
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(tell, workers))
        for worker in workers:
            worker.services.outgoing.close()

    ids = [post.headers["webhook-id"] for post in server.requests]
    assert len(ids) == len(set(ids)) == 24
    by_lead: dict[str, list[str]] = {}
    for posted in server.posted:
        by_lead.setdefault(posted["data"]["lead_id"], []).append(posted["type"])
    assert {tuple(told) for told in by_lead.values()} == {("lead.created", "lead.routed")}


def test_an_event_of_a_worker_that_died_is_told_by_another(world: World) -> None:
    with listening(world, 200) as server:
        endpoint_id, _ = add(world, server.url, events=("lead.created",))
        world.post()
        with world.database.write() as connection:
            assert outgoing_events.claim_next(connection, endpoint_id, real_now(connection)) is not None
        assert not is_anything_to_tell(world.services)

        let_waits_end(world)
        assert tell(world) == {"taken": 1}


def test_of_an_erased_person_only_that_is_told_by_ids_and_then_nothing_is_left_behind(world: World) -> None:
    with listening(world, 410, 200) as server:
        endpoint_id, _ = add(world, server.url, events=("lead.*", "alert.new_lead"), agreement=EVERYTHING)
        lead_id = world.lead_from(**SECRET)
        reference = world.lead(lead_id)["reference"]
        assert tell(world) == {"gone": 1}
        assert world.count(tables.parked) == 1
        manage.resume_endpoint(world.services, endpoint_id, "Jordan Example")

        erased = erase_lead(world.services, lead_id, Erasure(actor="Jordan Example", reason="asked"))
        told = len(server.requests)
        (left,) = notices(world)
        let_waits_end(world)
        tell(world)

    assert erased.residue.found == ()
    assert lead_id not in json.dumps({name: str(value) for name, value in left.items()})
    assert [posted["type"] for posted in server.posted[told:]] == ["lead.erased"]
    assert server.posted[-1]["data"] == {"lead_id": lead_id, "reference": reference}
    assert [row["sealed"] for row in notices(world)] == [None]


def test_the_notice_of_an_erasure_waits_for_what_is_being_told_of_that_person(world: World) -> None:
    """Else the other system forgets them, and hears of them anew a moment later."""
    with listening(world, 200) as server:
        endpoint_id, _ = add(world, server.url, events=("lead.created", "lead.erased"))
        lead_id = world.lead_from()
        with world.database.write() as connection:
            assert outgoing_events.claim_next(connection, endpoint_id, real_now(connection)) is not None
        erase_lead(world.services, lead_id, Erasure(actor="Jordan Example", reason="asked"))

        assert tell(world) == {}
        let_waits_end(world)
        assert tell(world) == {"taken": 1}

    assert types(server) == ["lead.erased"]


def test_a_notice_that_nobody_will_hear_names_nobody(world: World) -> None:
    with listening(world, 410) as server:
        endpoints = [add(world, server.url, events=("lead.erased",))[0] for _ in range(2)]
        erase_lead(world.services, world.lead_from(), Erasure(actor="Jordan Example", reason="asked"))
        tell(world)
        (one, other) = world.rows(tables.parked)
        assert {row["sealed"] is None for row in notices(world)} == {False}

        unpark.dismiss(world.services, one["id"], "Jordan Example", "they have forgotten")
        (theirs,) = [row["endpoint_id"] for row in notices(world) if row["id"] == other["id"]]
        manage.remove_endpoint(world.services, theirs, "Jordan Example")

    assert theirs in endpoints
    assert [row["sealed"] for row in notices(world)] == [None, None]


def notices(world: World) -> list[dict[str, Any]]:
    return [dict(row) for row in world.rows(tables.outgoing_events) if row["type"] == "lead.erased"]
