"""Keys change while the product runs: nothing is lost at any moment, and an old key is done with when it says so."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.command import run_nurture
from tests.support.console import add_staff
from tests.support.telling import add as add_endpoint
from tests.support.world import RING, World, open_world
from worker.domain.forms import TokenCheck
from worker.domain.sends import HoldReason, SendState
from worker.domain.staff import Role
from worker.domain.tokens import TokenScope
from worker.errors import ConfigurationError, UnknownSealKey
from worker.runtime.valkey import EmbeddedValkey
from worker.storage import installation, parked, sealed, submissions, tables
from worker.storage.broker import KEY_PREFIX, Broker
from worker.storage.parked import ParkedKind
from worker.storage.sealed import SEALED
from worker.storage.sealing import KeyRing
from worker.storage.spool import Spool
from worker.usecases.desk.unpark import replay
from worker.usecases.prepare import prepare
from worker.usecases.privacy.erase import Erasure, erase_lead
from worker.usecases.privacy.key_report import KeyUse, key_report
from worker.usecases.privacy.rotate_keys import rotate_keys, values_to_reseal
from worker.usecases.staff.tokens import add_token

OLD = RING.first


class Interrupted(Exception):
    """What ends a rotation half-way, as a person's Ctrl-C or a crash would."""


def ring_with(key_id: str, *older: KeyRing) -> KeyRing:
    """A ring in which a new key seals and those of the older rings still open."""
    keys = {key_id: key_id.encode().ljust(32, b".")}
    for ring in older:
        keys |= ring.keys
    return KeyRing(keys)


def only(ring: KeyRing) -> KeyRing:
    """The ring after every key but the first has been taken out."""
    return KeyRing({ring.first: ring.keys[ring.first]})


def use(world: World, ring: KeyRing) -> None:
    """Restart with this ring."""
    world.services = replace(world.services, ring=ring)


def fill(world: World) -> None:
    """Something in every sealed column."""
    world.post(last_name="Example", phone="618-555-0101", message="About my sleep.")
    world.post(email=None, phone="618-555-0102")
    world.capture(world.envelope(world.submission(email="q@example.com", token=TokenCheck(suspicion="token.forged"))))
    world.post(email="twice@example.com", key="one")
    world.post(email="twice@example.com", key="one", message="another body")  # parked
    with world.database.write() as connection:
        for kind in ParkedKind:
            if kind is not ParkedKind.SUBMISSION:
                parked.park_message(connection, b"not ours", "not_json", world.services.ring, world.now, kind)
    add_staff(world, "alex", Role.ADMIN, with_codes=True)
    add_endpoint(world, "https://hooks.example.com", events=("lead.erased",))
    erase_lead(world.services, world.lead_from(email="gone@example.com"), Erasure(actor="alex", reason="asked"))
    add_token(world.services, "calendar", TokenScope.EVENTS, "alex", secret="with this it signs")


def everything_opened(world: World, ring: KeyRing) -> dict[str, dict[object, bytes]]:
    """Every sealed value in clear, by column and row. Raises SealError."""
    return {
        column.name: {
            row["id"]: ring.open(row[column.column.name], str(column.place(row)))
            for row in world.rows(column.column.table)
            if row[column.column.name] is not None
        }
        for column in SEALED
    }


def sealed_with(world: World) -> set[str]:
    with world.database.read() as connection:
        return {key_id for column in SEALED for key_id in sealed.counts(connection, column)}


def test_every_sealed_value_gets_the_first_key_and_stays_what_it_was(world: World) -> None:
    fill(world)
    before = everything_opened(world, RING)
    assert all(before.values()), "each column has something in it"
    found_by = {row["email_hash"] for row in world.rows(tables.leads)}
    use(world, ring_with("new1", RING))
    expected = values_to_reseal(world.services)
    seen: list[int] = []

    done = rotate_keys(world.services, "jordan", batch=2, progress=seen.append)

    assert done.resealed == expected == sum(map(len, before.values())) == sum(seen)
    assert done.unopened == {}
    assert sealed_with(world) == {"new1"}
    assert values_to_reseal(world.services) == 0
    use(world, only(world.services.ring))
    assert everything_opened(world, world.services.ring) == before
    assert {row["email_hash"] for row in world.rows(tables.leads)} == found_by
    assert world.services.vault.email_hash("maya@example.com") in found_by, "people are found as before"
    (noted,) = [row for row in world.rows(tables.timeline) if row["kind"] == "keys_rotated"]
    assert (noted["actor"], noted["detail"]["key"], noted["detail"]["resealed"]) == ("jordan", "new1", expected)


def test_a_second_rotation_finds_nothing_to_do_and_notes_nothing(world: World) -> None:
    fill(world)
    use(world, ring_with("new1", RING))
    rotate_keys(world.services, "jordan")
    rows = {table.name: world.rows(table) for table in tables.metadata.sorted_tables}

    assert rotate_keys(world.services, "jordan").resealed == 0
    assert {table.name: world.rows(table) for table in tables.metadata.sorted_tables} == rows


_rotations = iter(range(10_000))


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.integers(0, 16), max_size=3), st.integers(1, 5))
def test_a_rotation_interrupted_anywhere_loses_nothing_and_goes_on(world: World, stops: list[int], batch: int) -> None:
    """Each example turns the ring once more, stops after these many transactions each time, and ends it."""
    if not world.count(tables.leads):
        fill(world)
    before, old = everything_opened(world, world.services.ring), world.services.ring
    use(world, ring_with(f"r{next(_rotations)}", old))

    for stop in stops:
        steps = iter(range(stop))

        def interrupt(_count: int, steps: Iterator[int] = steps) -> None:
            if next(steps, None) is None:
                raise Interrupted

        with contextlib.suppress(Interrupted):
            rotate_keys(world.services, "jordan", batch=batch, progress=interrupt)
        assert everything_opened(world, world.services.ring) == before
    rotate_keys(world.services, "jordan", batch=batch)

    use(world, only(world.services.ring))
    assert everything_opened(world, world.services.ring) == before


class FailingRing(KeyRing):
    """A ring whose host dies in the middle of sealing."""

    def seal(self, plain: bytes, place: str) -> str:
        if place.startswith("leads.phone"):
            raise Interrupted
        return super().seal(plain, place)


def test_a_transaction_that_breaks_half_way_leaves_its_rows_as_they_were(world: World) -> None:
    fill(world)
    before = everything_opened(world, RING)
    new = ring_with("new1", RING)
    use(world, FailingRing(new.keys))

    with pytest.raises(Interrupted):
        rotate_keys(world.services, "jordan")

    assert everything_opened(world, new) == before
    use(world, new)
    rotate_keys(world.services, "jordan")
    assert everything_opened(world, only(new)) == before


def rotate_by_command(url: str, ring: KeyRing, folder: Path, fault: str = "") -> int:
    return run_nurture(url, folder, "keys", "rotate", "--json", ring=ring, fault=fault).returncode


@pytest.mark.faults
@pytest.mark.parametrize("point", ["reseal_in_transaction:2", "reseal_committed:3"])
def test_a_killed_rotation_loses_nothing_and_goes_on(world: World, world_url: str, tmp_path: Path, point: str) -> None:
    fill(world)
    before = everything_opened(world, RING)
    new = ring_with("new1", RING)

    assert rotate_by_command(world_url, new, tmp_path, point) == -9
    assert sealed_with(world) == {OLD, "new1"}, "it died half-way"
    assert everything_opened(world, new) == before

    assert rotate_by_command(world_url, new, tmp_path) == 0
    assert everything_opened(world, only(new)) == before


def test_the_product_runs_on_while_keys_rotate(world: World, world_url: str, tmp_path: Path) -> None:
    """Leads come in, writes happen and emails go out between any two of its transactions, in another process."""
    fill(world)
    new = ring_with("new1", RING)
    use(world, new)
    with open_world(world_url, tmp_path) as other:
        use(other, new)
        posted = iter(range(100))

        def meanwhile(_count: int) -> None:
            other.post(email=f"new{next(posted)}@example.com")
            other.deliver()

        rotate_keys(world.services, "jordan", batch=1, progress=meanwhile)

    assert sealed_with(world) == {"new1"}
    assert {send["state"] for send in world.sends() if send["kind"] == "acknowledgement"} == {SendState.SENT}
    assert len({mail["To"] for mail in world.mail}) == next(posted) + 2


def test_whoever_writes_a_row_meanwhile_wins(world: World) -> None:
    fill(world)
    (column,) = [column for column in SEALED if column.name == "leads.first_name_sealed"]
    with world.database.write() as connection:
        stale = sealed.next_other(connection, column, "new1", None, 1)[0]
    world.execute(tables.leads.update().where(tables.leads.c.id == stale["id"]).values(first_name_sealed="s1.x.newer"))

    with world.database.write() as connection:
        assert not sealed.replace(connection, column, stale, "s1.new1.older")
    assert world.lead(stale["id"])["first_name_sealed"] == "s1.x.newer"


# --- a lost key -----------------------------------------------------------------------------------------------


def lose_the_old_key(world: World) -> KeyRing:
    """The look-up key alone is resealed, as on a host whose operator took the old key out too early."""
    both = ring_with("new1", RING)
    with world.database.write() as connection:
        (column,) = [column for column in SEALED if column.name == "installation.lookup_key_sealed"]
        row = sealed.next_other(connection, column, "new1", None, 1)[0]
        plain = RING.open(row["lookup_key_sealed"], installation.LOOKUP_PLACE)
        sealed.replace(connection, column, row, both.seal(plain, installation.LOOKUP_PLACE))
    use(world, only(both))
    return both


def test_a_lost_key_holds_what_it_sealed_and_everything_goes_on_when_it_is_back(world: World) -> None:
    lead_id = world.lead_from()
    late = world.envelope(world.submission(email="late@example.com"))
    before = world.rows(tables.leads)
    both = lose_the_old_key(world)

    world.deliver()
    assert world.send("acknowledgement", lead_id)["reason"] == HoldReason.IDENTITY_SEALED
    world.capture(late)
    (item,) = world.rows(tables.parked)
    assert item["code"] == "UnknownSealKey"
    with pytest.raises(UnknownSealKey, match=OLD):
        replay(world.services, item["id"], "jordan")
    done = rotate_keys(world.services, "jordan")
    assert done.unopened == {OLD: 4}, "email and first name, the submission, the parked one"
    assert done.released == 0
    assert world.rows(tables.leads) == before, "nothing was touched"

    use(world, both)
    done = rotate_keys(world.services, "jordan")
    assert (done.unopened, done.released) == ({}, 1)
    replay(world.services, item["id"], "jordan")
    world.deliver()
    assert {mail["To"] for mail in world.mail} == {"maya@example.com", "late@example.com"}


def test_a_product_whose_ring_does_not_open_its_database_says_so_before_it_starts(world: World) -> None:
    with pytest.raises(ConfigurationError, match=f"NRT-E013.*{OLD}"):
        prepare(world.database, only(ring_with("new1")), 0.0, None)


def test_a_lost_look_up_key_stores_nothing_and_leaves_everything_to_the_spool(world: World) -> None:
    envelope = world.envelope(world.submission())
    use(world, only(ring_with("new1")))

    with pytest.raises(UnknownSealKey):
        world.capture(envelope)

    assert world.count(tables.submissions) == world.count(tables.parked) == 0
    use(world, ring_with("new1", RING))
    assert world.capture(envelope).stored == 1


# --- may the old key go? --------------------------------------------------------------------------------------


def report(world: World, spool: Spool) -> dict[str, KeyUse]:
    return {key.id: key for key in key_report(world.services, spool)}


def queued_message(envelope: str) -> str:
    """As Celery puts it on Redis."""
    body = base64.b64encode(json.dumps([[[envelope]], {}, {}]).encode()).decode()
    return json.dumps({"body": body, "headers": {}, "properties": {"body_encoding": "base64"}})


def test_an_old_key_is_needed_until_database_spool_and_queues_hold_nothing_of_it(
    world: World, valkey: EmbeddedValkey
) -> None:
    fill(world)
    spool = Spool(world.folder / "spool")
    in_spool, on_queue = (world.envelope(world.submission(email=f"{n}@example.com")) for n in ("spooled", "queued"))
    broker = Broker(valkey.url)
    client = broker._client
    client.delete(f"{KEY_PREFIX}intake", f"{KEY_PREFIX}unacked")
    use(world, replace(world.services, broker=broker).ring)
    world.services = replace(world.services, broker=broker, ring=ring_with("new1", RING))
    file = spool.begin([in_spool]).close()
    client.lpush(f"{KEY_PREFIX}intake", queued_message(on_queue))
    client.hset(f"{KEY_PREFIX}unacked", "tag", json.dumps([json.loads(queued_message(on_queue)), "", "intake"]))

    first = report(world, spool)
    assert first["new1"].seals
    assert (first[OLD].spooled, first[OLD].queued) == (1, 2)
    assert first[OLD].stored == values_to_reseal(world.services) > 0
    rotate_keys(world.services, "jordan")
    assert report(world, spool)[OLD].is_needed, "of what is on its way"
    world.capture(in_spool)
    file.unlink()
    assert report(world, spool)[OLD].is_needed, "of what is queued"
    client.delete(f"{KEY_PREFIX}intake", f"{KEY_PREFIX}unacked")
    last = report(world, spool)[OLD]
    assert (last.stored, last.spooled, last.queued, last.is_needed) == (0, 0, 0, False)
    broker.close()


def test_nobody_calls_a_key_unneeded_while_the_broker_is_silent(world: World) -> None:
    broker = Broker("redis://127.0.0.1:1")
    world.services = replace(world.services, broker=broker, ring=ring_with("new1", RING))
    rotate_keys(world.services, "jordan")

    found = report(world, Spool(world.folder / "spool"))[OLD]

    assert (found.stored, found.queued, found.is_needed) == (0, None, True)
    broker.close()


def test_a_lost_key_is_named_and_damage_is_not_shown_as_a_key(world: World) -> None:
    world.capture(submissions.envelope(world.submission(), KeyRing({"gone7": bytes(32)})))
    with world.database.write() as connection:
        parked.park_submission(connection, None, "s1.maya@example.com wrote.this", "BrokenSeal", world.now)

    found = report(world, Spool(world.folder / "spool"))

    assert set(found) == {OLD, "gone7"}
    assert (found["gone7"].in_ring, found["gone7"].stored) == (False, 1)
