"""What the first release left is understood by this one: its rows and their content, its spool, its messages.

`first_release/` was written by that release itself: a database with answers sent, planned, claimed, and handed over by
a worker that died; a spool file; one message of each task as it lay on the queues. Sealed with the key of the tests.
"""

from __future__ import annotations

import base64
import email
import email.policy
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from tests.e2e.product import Product, environment_of, until
from tests.support.world import START
from worker.storage import tables
from worker.usecases.clock import jump_clock

LEFT = Path(__file__).parent / "first_release"
KEYS = f"test1:{base64.b64encode(bytes(range(32))).decode()}"


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    state = tmp_path / "state"
    (state / "spool" / "ready").mkdir(parents=True)
    (state / "spool" / "ready" / "00000000000000000001-0123abcd.sealed").write_bytes(
        (LEFT / "spool.sealed").read_bytes()
    )
    with sqlite3.connect(state / "lead.db") as rows:
        rows.executescript((LEFT / "lead.sql").read_text(encoding="utf-8"))
    rows.close()
    product = Product(state, environment_of(state, clock_speed="0", secret_keys=KEYS))
    yield product.start()
    product.end()


def recipients(product: Product) -> Counter[str]:
    files = (product.state / "outbox").glob("*.eml")
    return Counter(email.message_from_bytes(file.read_bytes(), policy=email.policy.default)["To"] for file in files)


def states(product: Product) -> dict[str, str]:
    """The state of each acknowledgement, by whose it is."""
    with product.database().read() as connection:
        rows = connection.execute(tables.sends.select().where(tables.sends.c.kind == "acknowledgement")).all()
        return {row.id: row.state for row in rows}


def test_what_the_first_release_left_is_finished_once(product: Product) -> None:
    broker = redis.Redis(unix_socket_path=json.loads((product.state / "valkey" / "valkey.json").read_text())["socket"])
    for queue, messages in json.loads((LEFT / "messages.json").read_text(encoding="utf-8")).items():
        broker.lpush(queue, *messages)
    broker.close()

    answered = {f"{who}{number}@example.com": 1 for who in ("queued", "spooled") for number in range(2)}
    until(
        lambda: recipients(product) == {**answered, "claimed@example.com": 1},
        60,
        lambda: (recipients(product), product.logs()),
    )
    assert Counter(states(product).values()) == {"sent": 8, "unknown": 1}, "nobody knows of the one handed over"
    assert product.json("status")["parked"] == 0

    jump_clock(product.database(), START + timedelta(days=4))
    until(lambda: recipients(product)["maya@example.com"] == 1, 60, product.logs)
    assert "The 2nd email goes out" in product.nurture("leads", "explain", "maya@example.com").stdout
