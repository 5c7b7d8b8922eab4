"""Nothing with an error is published; a first start goes ahead with what is only overdue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit import shipped
from worker.domain.clock import ProductClock
from worker.errors import ContentInvalid
from worker.storage import installation, migrate
from worker.storage.database import Database, real_now
from worker.storage.sealing import KeyRing
from worker.usecases.content.publish import publish
from worker.usecases.prepare import prepare

RING = KeyRing({"test1": bytes(range(32))})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'lead.db'}")
    migrate.upgrade(database)
    with database.write() as connection:
        installation.create(connection, RING, 0.0)
    yield database
    database.close()


def set_clock(database: Database, product: datetime) -> None:
    with database.write() as connection:
        clock = ProductClock(speed=0.0, real_anchor=real_now(connection), product_anchor=product)
        installation.set_clock(connection, clock)


def active(database: Database) -> str | None:
    with database.read() as connection:
        return installation.active_snapshot(connection)


def test_content_with_an_error_is_refused_and_nothing_changes(database: Database) -> None:
    set_clock(database, datetime(2026, 11, 22, tzinfo=UTC))
    files = dict(shipped.files())
    files["emails/aftercare.md"] = files["emails/aftercare.md"].replace("Eat something", "It is safe. Eat something")

    with pytest.raises(ContentInvalid, match=r"emails/aftercare.md:42: 'safe' makes the risk sound small.*MED013"):
        publish(database, files, "Jordan Example")

    assert active(database) is None


def test_review_dates_are_judged_by_the_product_clock(database: Database) -> None:
    set_clock(database, datetime(2027, 12, 1, tzinfo=UTC))

    with pytest.raises(ContentInvalid, match="FM002"):
        publish(database, shipped.files(), "Jordan Example")
    prepare(database, RING, 0.0, shipped.files())

    assert active(database) is not None
