"""A webhook that never came is found in the vendor's own record, and its form is captured once; what came is left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support import vendors
from tests.support.command import run_nurture
from tests.support.databases import Databases, SqliteDatabases
from tests.support.providers.duda import SITE, DudaStub
from tests.support.vendors import WORDING, duda_event, duda_fields
from tests.support.world import SHIPPED, World, migrate_world, open_world
from worker.errors import Refused
from worker.hooks.duda_history import DudaHistory
from worker.outgoing import OutgoingSession
from worker.reach import Reach
from worker.storage import submissions, tables
from worker.storage.database import Database
from worker.usecases.content.publish import publish
from worker.usecases.forms.raw_posts import raw_submissions
from worker.usecases.forms.reconcile import Reconciled, reconcile
from worker.usecases.privacy.erase import Erasure, erase_lead

AT = datetime(2026, 3, 2, 16, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


def migrate_registered(url: str) -> None:
    migrate_world(url)
    with closing(Database(url)) as database:
        publish(database, {**SHIPPED, "forms.toml": SHIPPED["forms.toml"] + vendors.CONTACT}, "Jordan Example")


@pytest.fixture
def world(databases: Databases, tmp_path: Path) -> Iterator[World]:
    with open_world(databases.make(migrate_registered), tmp_path) as opened:
        yield opened


@pytest.fixture
def duda() -> Iterator[DudaStub]:
    stub = DudaStub()
    yield stub
    stub.close()


def typed(email: str, **more: str) -> Mapping[str, str]:
    """What Duda keeps of the form that `duda_fields` is the webhook of: by label, without ids."""
    kept = {"Name": "Maya Example", "Email": email, "Phone": "(618) 555-0133", "ZIP code": "62901",
            "May we email you?": WORDING}  # fmt: skip
    return {**kept, **more}


def hear(world: World, email: str, at: datetime = AT) -> None:
    """The webhook that did come."""
    body = json.dumps(duda_event({"fieldsData": duda_fields(email)}, int(at.timestamp() * 1000))).encode()
    found = raw_submissions("contact", "duda", body, secret="of the token", received_at=at)
    world.capture(*(submissions.envelope(one, world.services.ring) for one in found))


def history(stub: DudaStub, credentials: str = "", site: str = SITE) -> DudaHistory:
    session = OutgoingSession(Reach(allows_loopback=True))
    return DudaHistory(
        session=session, credentials=credentials or stub.credentials, site=site, base=f"{stub.endpoint}/api"
    )


def compare(world: World, stub: DudaStub, *, dry_run: bool = False) -> Reconciled:
    source = history(stub)
    try:
        return reconcile(
            world.services, "contact", source.between(date(2026, 2, 20), date(2026, 3, 20)), dry_run=dry_run
        )
    finally:
        source.session.close()


def test_what_came_is_known_and_what_did_not_is_captured_once(world: World, duda: DudaStub) -> None:
    hear(world, "maya@example.com")
    duda.keep(AT - timedelta(hours=6), dict(typed("maya@example.com")))
    duda.keep(AT, dict(typed("lost@example.com")))

    done = compare(world, duda)
    again = compare(world, duda)

    assert (done.seen, done.known, len(done.missing), done.captured.stored) == (2, 1, 1, 1)
    assert (again.seen, again.known, again.missing) == (2, 2, [])
    assert world.count(tables.leads) == 2
    world.deliver()
    assert sorted(str(mail["To"]) for mail in world.mail) == ["lost@example.com", "maya@example.com"]


def test_a_second_message_of_someone_known_is_found_as_well(world: World, duda: DudaStub) -> None:
    hear(world, "maya@example.com")
    duda.keep(AT, dict(typed("maya@example.com")))
    duda.keep(AT, dict(typed("maya@example.com", Message="When could I come?")))

    assert compare(world, duda).captured.stored == 1
    assert (world.count(tables.leads), world.count(tables.submissions)) == (1, 2)


def test_a_double_click_is_one_form(world: World, duda: DudaStub) -> None:
    duda.keep(AT, dict(typed("maya@example.com")))
    duda.keep(AT + timedelta(seconds=2), dict(typed("maya@example.com")))

    assert compare(world, duda).captured.stored == 1


def test_the_same_form_of_another_week_is_another_form(world: World, duda: DudaStub) -> None:
    hear(world, "maya@example.com", AT - timedelta(days=7))
    duda.keep(AT - timedelta(days=7), dict(typed("maya@example.com")))
    duda.keep(AT, dict(typed("maya@example.com")))

    done = compare(world, duda)

    assert (done.known, done.captured.stored) == (1, 1)


def test_what_can_not_be_mapped_is_parked_once(world: World, duda: DudaStub) -> None:
    duda.keep(AT, {"Your wish": "a call"})

    assert compare(world, duda).captured.parked == 1
    assert compare(world, duda).missing == []
    assert world.count(tables.parked) == 1


def test_who_was_erased_is_not_brought_back(world: World, duda: DudaStub) -> None:
    hear(world, "maya@example.com")
    (lead,) = world.rows(tables.leads)
    erase_lead(world.services, lead["id"], Erasure(actor="Jordan Example", reason="asked"))
    duda.keep(AT, dict(typed("maya@example.com")))

    assert compare(world, duda).missing == []
    assert world.rows(tables.leads) == []


def test_a_look_changes_nothing_and_every_week_is_asked_once(world: World, duda: DudaStub) -> None:
    duda.keep(AT, dict(typed("lost@example.com")))

    assert len(compare(world, duda, dry_run=True).missing) == 1
    assert world.count(tables.submissions) == 0
    asked = [(request.query["from"], request.query["to"]) for request in duda.requests]
    assert asked == [
        ("2026-02-20", "2026-02-26"), ("2026-02-27", "2026-03-05"), ("2026-03-06", "2026-03-12"),
        ("2026-03-13", "2026-03-19"), ("2026-03-20", "2026-03-20"),
    ]  # fmt: skip


@pytest.mark.parametrize("trouble", ["credentials", "site", "500_before", "drop_before", "redirect", "garbage"])
def test_no_answer_is_told_and_never_taken_for_an_empty_history(duda: DudaStub, trouble: str) -> None:
    source = history(duda, credentials="partner:wrong") if trouble == "credentials" else history(duda)
    if trouble == "site":
        source = history(duda, site="another")
    elif trouble != "credentials":
        duda.next = [trouble]

    with pytest.raises(Refused, match="Duda did not"):
        list(source.between(AT.date(), AT.date()))
    source.session.close()


def test_the_command_says_what_was_missing_and_exits_with_one(world: World, duda: DudaStub) -> None:
    now = datetime.now(UTC)
    duda.keep(now - timedelta(hours=1), dict(typed("lost@example.com")))
    words = ["forms", "reconcile", "--form", "contact", "--site", SITE, "--url", f"{duda.endpoint}/api", "--json"]
    credentials = world.folder / "duda"
    credentials.write_text(duda.credentials)

    ran = run_nurture(
        str(world.database.url), world.folder, *words, settings={"NURTURE_DUDA_API_FILE": str(credentials)}
    )

    assert ran.returncode == 1, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["seen"], told["stored"], len(told["missing"])) == (1, 1, 1)
    assert "lost@" not in ran.stdout + ran.stderr
