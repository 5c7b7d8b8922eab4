"""Trouble of the database itself: it passes, so what was under way is offered again and nothing is parked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DBAPIError

from tests.support.databases import Databases
from tests.support.world import World, migrate_world, open_world
from worker.storage import tables
from worker.storage.database import is_transient


class Undo(Exception):
    """Ends a transaction that must leave nothing."""


@pytest.fixture
def on_postgres(postgresql_databases: Databases, tmp_path: Path) -> Iterator[World]:
    with open_world(postgresql_databases.make(migrate_world), tmp_path) as world:
        yield world
    postgresql_databases.drop_all()


def wait_until_somebody_waits(world: World) -> None:
    """For a lock that another transaction holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(2000):
        with world.database.read() as connection:
            if connection.execute(waiting).scalar_one():
                return
            connection.execute(text("SELECT pg_sleep(0.005)"))
    pytest.fail("nobody came to wait")


def take(connection: Connection, submission_id: str) -> None:
    """Store a row under this id, as another capture of the same post would."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    row = {"id": submission_id, "reference": "x", "form": "x", "received_at": at, "captured_at": at, "sealed": "x",
           "body_hash": "x", "status": "accepted", "suspicions": [], "flags": []}  # fmt: skip
    connection.execute(insert(tables.submissions).values(row))


def test_a_capture_that_dies_in_a_deadlock_is_offered_again_and_loses_nobody(on_postgres: World) -> None:
    """Another transaction takes the same posts in another order, and PostgreSQL ends the capture."""
    world = on_postgres
    posts = sorted((world.submission(email=f"person{number}@example.com") for number in range(2)), key=lambda p: p.id)
    group = [world.envelope(post) for post in posts]
    failures: list[BaseException] = []

    def capture() -> None:
        try:
            world.capture(*group)
        except DBAPIError as error:
            failures.append(error)

    thread = threading.Thread(target=capture)
    with contextlib.suppress(Undo), world.database.write() as connection:
        connection.execute(text("SET LOCAL deadlock_timeout = '60s'"))  # so that it is the capture that dies
        take(connection, posts[1].id)
        thread.start()
        wait_until_somebody_waits(world)
        take(connection, posts[0].id)
        thread.join(30)
        raise Undo

    (failure,) = failures
    assert is_transient(failure), "the task fails, and the spool offers the group again"
    assert world.count(tables.parked) == 0
    world.capture(*group)
    assert {row["id"] for row in world.rows(tables.submissions)} == {post.id for post in posts}
    assert world.count(tables.leads) == 2
