"""Nothing brings an erased person back, and the search for what is left of them finds what is there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from tests.support.command import run_nurture
from tests.support.world import World
from worker.domain.consent import SuppressionReason, SuppressionScope
from worker.errors import Refused
from worker.runtime.valkey import EmbeddedValkey
from worker.storage import persons, search, suppressions, tables
from worker.storage.broker import KEY_PREFIX, Broker
from worker.storage.leads import Identity
from worker.storage.spool import Spool
from worker.storage.traces import Traces, traces_of
from worker.usecases.arrival.relay import Relay
from worker.usecases.choices.confirm_consent import confirm_consent
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.privacy.allow_again import allow_again
from worker.usecases.privacy.erase import Erased, Erasure, erase_lead
from worker.usecases.privacy.residue import search_everywhere
from worker.usecases.sending.compose import make_token

ASKED = Erasure(actor="jordan", reason="asked for it by phone")
NADIA = {"email": "nadia@example.com", "first_name": "Nadia", "last_name": "Fledermaus", "phone": "618-555-0173"}


def erase(world: World, lead_id: str, suppress: SuppressionScope | None = SuppressionScope.ALL) -> Erased:
    return erase_lead(world.services, lead_id, replace(ASKED, suppress=suppress))


def traces(world: World, lead_id: str) -> Traces:
    with world.database.read() as connection:
        found = persons.find(connection, lead_id)
    identity = Identity(email="nadia@example.com", phone="+16185550173", first_name="Nadia", last_name="Fledermaus")
    return traces_of(found, identity)


def places(world: World, wanted: Traces) -> set[tuple[str, str]]:
    return set(search_everywhere(world.services, wanted).found)


# --- late copies ----------------------------------------------------------------------------------------------


def test_no_late_copy_brings_an_erased_person_back(world: World) -> None:
    spool = Spool(world.folder / "elsewhere")  # of another host: not ours to tidy
    submission = world.submission(**NADIA)
    envelope = world.envelope(submission)
    spool.begin([envelope]).close()
    world.capture(envelope)
    erase(world, world.stored(submission)["lead_id"])

    again = world.capture(envelope)

    assert (again.stored, again.repeated, again.parked) == (0, 1, 0)
    assert world.count(tables.leads) == world.count(tables.submissions) == world.count(tables.sends) == 0
    Relay(world.services, spool).run_once()
    assert spool.counts() == (0, 0), "the relay of that host lets go of it"


def test_another_post_under_an_erased_one_s_key_is_kept_for_a_person(world: World) -> None:
    submission = world.submission(**NADIA, key="k1")
    world.capture(world.envelope(submission))
    erase(world, world.stored(submission)["lead_id"])

    other = world.capture(world.envelope(world.submission(email="omar@example.com", key="k1")))

    assert (other.parked, other.stored) == (1, 0)
    assert [row["code"] for row in world.rows(tables.parked)] == ["idempotency_conflict"]


def test_this_host_s_spool_loses_the_person_s_envelope_and_keeps_the_others(world: World) -> None:
    assert world.services.files is not None
    spool = world.services.files.spool
    submission = world.submission(**NADIA)
    others = [world.envelope(world.submission(email=f"{number}@example.com")) for number in range(2)]
    spool.begin([others[0], world.envelope(submission), others[1]]).close()
    spool.begin([world.envelope(submission)]).close()
    world.capture(world.envelope(submission))

    done = erase(world, world.stored(submission)["lead_id"])

    assert done.residue.is_clean
    assert [file.envelopes for file in spool.waiting()] == [tuple(others)]


@pytest.fixture
def broker(valkey: EmbeddedValkey) -> Iterator[Broker]:
    opened = Broker(valkey.url)
    opened._client.delete(*[f"{KEY_PREFIX}{name}" for name in ("intake", "unacked", "unreadable")])
    yield opened
    opened._client.delete(*[f"{KEY_PREFIX}{name}" for name in ("intake", "unacked", "unreadable")])
    opened.close()


def message(*envelopes: str) -> str:
    """As Celery puts it on Redis."""
    body = base64.b64encode(json.dumps([[list(envelopes)], {}, {}]).encode()).decode()
    return json.dumps({"body": body, "headers": {}, "properties": {"body_encoding": "base64"}})


def append_only_file(valkey: EmbeddedValkey) -> bytes:
    return b"".join(path.read_bytes() for path in valkey.socket.parent.rglob("appendonly.aof.*"))


def test_copies_on_the_queues_are_dropped_and_the_others_come_again_from_the_spool(
    world: World, broker: Broker, valkey: EmbeddedValkey
) -> None:
    assert world.services.files is not None
    world.services = replace(world.services, broker=broker)
    submission, bystander = world.submission(**NADIA), world.submission(email="omar@example.com")
    both = [world.envelope(submission), world.envelope(bystander)]
    world.services.files.spool.begin(both).close()
    world.capture(both[0])
    broker._client.lpush(f"{KEY_PREFIX}intake", message(*both), message(both[1]))
    body = json.loads(message(*both))["body"].encode()
    assert body in append_only_file(valkey)

    done = erase(world, world.stored(submission)["lead_id"])

    assert done.messages == 1
    assert done.residue.is_clean
    assert broker._client.lrange(f"{KEY_PREFIX}intake", 0, -1) == [message(both[1]).encode()]
    assert body not in append_only_file(valkey)
    Relay(world.services, world.services.files.spool).run_once()
    assert world.queue.captured == [[both[1]]]


def test_a_copy_in_a_worker_s_hands_is_told(world: World, broker: Broker) -> None:
    world.services = replace(world.services, broker=broker)
    submission = world.submission(**NADIA)
    world.capture(world.envelope(submission))
    held = json.dumps([json.loads(message(world.envelope(submission))), "", "intake"])
    broker._client.hset(f"{KEY_PREFIX}unacked", "tag", held)

    done = erase(world, world.stored(submission)["lead_id"])

    assert done.residue.found == (("the broker", "id"),)


def test_a_broker_that_is_away_is_told_and_does_not_stop_the_erasure(world: World) -> None:
    away = Broker("redis://127.0.0.1:1")
    world.services = replace(world.services, broker=away)
    lead_id = world.lead_from(**NADIA)

    done = erase(world, lead_id)

    assert done.residue.unsearched == ("the broker",)
    assert not done.residue.is_clean
    assert world.count(tables.leads) == 0
    away.close()


# --- the search finds what is there ---------------------------------------------------------------------------


def test_before_an_erasure_the_search_finds_the_person_wherever_they_are(world: World) -> None:
    lead_id = world.lead_from(**NADIA)
    world.deliver()
    world.tell_staff()

    found = places(world, traces(world, lead_id))

    assert {
        ("the table leads", "id"),
        ("the table leads", "hash of the address"),
        ("the table leads", "sealed value"),
        ("the table submissions", "reference"),
        ("the table timeline", "id"),
        ("the folder outbox", "email address"),
        ("the folder outbox", "id in a link"),
        ("the folder alerts", "reference"),
    } <= found


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("{id}", "id"),
        ("{hex}", "id"),
        ("Nadia@Example.com wrote", "email address"),
        ("call 618-555-0173", "phone number"),
        ("+16185550173", "phone number"),
        ("Mrs. Nadia Fledermaus", "name"),
        ("{reference}", "reference"),
        ("{hash}", "hash of the address"),
    ],
)
def test_a_trace_in_an_odd_place_of_the_database_is_found(world: World, what: str, kind: str) -> None:
    lead_id = world.lead_from(**NADIA)
    lead = world.lead(lead_id)
    names = {"id": lead_id, "hex": lead_id.replace("-", ""), "reference": lead["reference"], "hash": lead["email_hash"]}
    values = {"scope": "all", "reason": what.format(**names), "by": "jordan", "created_at": world.now}
    world.execute(insert(tables.pauses).values(**values, lifted_at=world.now))

    done = erase(world, lead_id)

    assert ("the table pauses", kind) in done.residue.found
    assert not done.residue.is_clean


def test_a_trace_in_any_file_of_the_state_folder_is_found(world: World) -> None:
    lead_id = world.lead_from(**NADIA)
    (world.folder / "notes").mkdir()
    (world.folder / "notes" / "call-list.txt").write_bytes(b"." * (1 << 20) + b"NADIA@example.com")

    assert erase(world, lead_id).residue.found == (("the folder notes", "email address"),)


def test_logs_keep_their_length_and_lose_the_ids(world: World) -> None:
    submission = world.submission(**NADIA)
    world.capture(world.envelope(submission))
    lead_id = world.stored(submission)["lead_id"]
    (world.folder / "run").mkdir()
    log, line = world.folder / "run" / "worker.log", '{"submission_id": "%s", "event": "x"}\n'
    log.write_text(line % submission.id + line % "0192f7a4-0000-7000-8000-000000000000")

    with log.open("a") as still_open:
        done = erase(world, lead_id)
        still_open.write(line % "later")

    assert done.residue.is_clean
    assert log.read_text() == line % ("x" * 36) + line % "0192f7a4-0000-7000-8000-000000000000" + line % "later"


def test_deleted_rows_stay_in_an_sqlite_file_until_it_is_written_anew(world: World) -> None:
    """What `overwrite_deleted` is for; PostgreSQL's files are its own affair."""
    if not world.database.is_sqlite:
        assert search.overwrite_deleted(world.database)
        return
    lead_id = world.lead_from(**NADIA)
    wanted = traces(world, lead_id)
    with world.database.read() as connection:
        found = persons.find(connection, lead_id)
    with world.database.write() as connection:
        persons.erase(connection, found)

    assert {place.partition(" ")[0] + " " + place.split()[1] for place, _ in places(world, wanted)} == {"the file"}
    assert search.overwrite_deleted(world.database)
    assert places(world, wanted) == set()


# --- a suppression outlives the lead --------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["nadia@example.com", "NADIA@Example.COM", " Nadia@example.com "])
def test_an_erased_person_who_writes_again_is_stored_and_told_of_but_never_mailed(world: World, again: str) -> None:
    first = world.lead_from(**NADIA)
    erase(world, first)

    second = world.lead_from(**{**NADIA, "email": again})
    world.run()
    world.tell_staff()

    assert second != first
    assert world.mail == []
    assert {send["reason"] for send in world.sends(second)} == {"suppressed"}
    assert world.story(second, "not_enrolled")[0]["detail"]["reason"] == "suppressed"
    assert len(world.alert_files) == 1


def test_a_domain_in_its_own_letters_and_in_ascii_is_one_address(world: World) -> None:
    lead_id = world.lead_from(**{**NADIA, "email": "nadia@bücher.example.com"})
    erase(world, lead_id)

    world.lead_from(**{**NADIA, "email": "nadia@xn--bcher-kva.example.com"})
    world.deliver()

    assert world.mail == []


def test_a_plus_tag_is_another_address(world: World) -> None:
    erase(world, world.lead_from(**NADIA))

    world.lead_from(**{**NADIA, "email": "nadia+clinic@example.com"})
    world.deliver()

    assert [mail["To"] for mail in world.mail] == ["nadia+clinic@example.com"]


def test_nurture_only_lets_an_erased_person_opt_in_again_by_a_click_and_by_nothing_less(world: World) -> None:
    erase(world, world.lead_from(**NADIA), SuppressionScope.NURTURE)
    lead_id = world.lead_from(**NADIA)
    world.run()
    assert [send["email"] for send in world.sends(lead_id)] == ["acknowledgement-confirm"]

    token = make_token(lead_id, "confirm", world.services.vault.lookup)
    assert confirm_consent(world.services, token)
    world.run()

    assert len(world.mail) > 2


def test_staff_may_let_them_be_answered_again_and_only_their_click_resumes_nurture(world: World) -> None:
    erase(world, world.lead_from(**NADIA))
    world.jump(timedelta(hours=1))
    lead_id = world.lead_from(**NADIA)
    world.run()
    assert world.mail == []

    assert allow_again(world.services, lead_id, "jordan", "asked on the phone") == "acknowledgement-confirm"
    world.run()
    assert [mail["To"] for mail in world.mail] == ["nadia@example.com"]
    assert confirm_consent(world.services, make_token(lead_id, "confirm", world.services.vault.lookup))
    world.run()

    assert len(world.mail) > 2
    assert world.count(tables.suppressions) == 0


def test_nobody_may_speak_for_a_complaint_or_a_refused_mailbox(world: World) -> None:
    lead_id = world.lead_from(**NADIA)
    address = world.lead(lead_id)["email_hash"]
    with world.database.write() as connection:
        suppressions.add(connection, address, SuppressionReason.COMPLAINED, "webhook", world.now)

    with pytest.raises(Refused):
        allow_again(world.services, lead_id, "jordan", "asked on the phone")

    assert world.count(tables.suppressions) == 1


@pytest.mark.parametrize("suppress", [SuppressionScope.NURTURE, None])
def test_what_was_suppressed_before_stays_so_whatever_is_asked(world: World, suppress: SuppressionScope | None) -> None:
    lead_id = world.lead_from(**NADIA)
    world.deliver()
    send = world.send("acknowledgement", lead_id)
    token = make_token(send["id"], "unsubscribe", world.services.vault.lookup)
    unsubscribe(world.services, token, "one_click")
    erase(world, lead_id, suppress)

    assert unsubscribe(world.services, token, "one_click"), "an old link still says yes"
    again = world.lead_from(**{**NADIA, "consent_email": "yes"})
    world.run()

    assert [row["reason"] for row in world.rows(tables.suppressions)] == ["unsubscribed"]
    assert [send["email"] for send in world.sends(again)] == ["acknowledgement-confirm"]


def test_someone_who_asked_for_no_suppression_may_simply_come_back(world: World) -> None:
    erase(world, world.lead_from(**NADIA), None)

    world.lead_from(**NADIA)
    world.deliver()

    assert world.count(tables.suppressions) == 0
    assert len(world.mail) == 1


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)  # the use case is tried on both
def test_the_command_asks_erases_and_tells_what_is_left(world: World, world_url: str) -> None:
    lead_id = world.lead_from(**NADIA)
    reference = world.lead(lead_id)["reference"]
    words = ("leads", "erase", reference, "--reason", "asked for it by phone")

    refused = run_nurture(world_url, world.folder, *words)
    assert refused.returncode == 1
    assert world.count(tables.leads) == 1, "nobody said yes"

    done = run_nurture(world_url, world.folder, *words, "--yes")

    assert "Erased:" in done.stdout
    assert "Could not be searched: the broker" in done.stdout
    assert "Left in" not in done.stdout
    assert done.returncode == 1, "since not everything could be searched"
    assert world.count(tables.leads) == 0
    (entry,) = [row for row in world.rows(tables.timeline) if row["kind"] == "erased"]
    assert entry["actor"] == "jordan"
    again = run_nurture(world_url, world.folder, *words, "--yes")
    assert again.returncode == 1
    assert "no lead has this" in again.stderr
