"""What a worker can't read is set aside and parked, and the worker goes on: a real worker on a real broker."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from tests.support.world import RING, SHIPPED, World
from worker.domain.messages import queue_of, what_is_wrong
from worker.errors import NotFound
from worker.runtime.valkey import EmbeddedValkey, ensure_valkey, stop_valkey
from worker.storage import parked
from worker.storage.broker import Broker
from worker.storage.database import Database
from worker.storage.sealing import new_key
from worker.usecases.desk import unpark
from worker.usecases.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
CAPTURE = "worker.tasks.capture"


def message(body: bytes = b"[[], {}, {}]", *, task: str | None = CAPTURE, kind: str = "application/json") -> bytes:
    """A Celery message as it lies on the list."""
    name = str(uuid4())
    headers = {"lang": "py", "task": task, "id": name, "root_id": name, "argsrepr": "", "kwargsrepr": ""}
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": kind,
            "headers": headers if task else {},
            "properties": {
                "correlation_id": name,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "intake"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    ).encode()


POISON = {
    "not_json": b"not json at all",
    "not_utf8": b"\xff\xfe\x00",
    "not_a_message": b'["a", "list"]',
    "no_properties": b'{"body": "x"}',
    "unknown_message": message(task=None),
    "unknown_task": message(task="a.release.from.tomorrow"),
    "undecodable": message(b"[[]]", kind="application/x-python-serialize"),
    "invalid_task": message(b"this is no json"),
    "bad_arguments": message(b"[[1, 2, 3], {}, {}]"),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    server = ensure_valkey(tmp_path_factory.mktemp("broker"))
    yield server
    stop_valkey(server)


def until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_worker_survives_every_poison_and_keeps_it_for_a_person(broker: EmbeddedValkey, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'lead.db'}")
    key = new_key("t1")
    environment = {
        **os.environ,
        "NURTURE_STATE_DIR": str(tmp_path),
        "NURTURE_REDIS_URL": broker.url,
        "NURTURE_SECRET_KEYS": key,
    }
    prepare(database, type(RING).parse(key), 1.0, SHIPPED)
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "worker", "worker", "-c", "1", "-l", "WARNING"]
    queues = ["-Q", "intake,send,alerts,tick", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    client = redis.Redis.from_url(broker.url)
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen([*command, *queues], cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            for raw in POISON.values():
                client.lpush("nurture:intake", raw)
            until(lambda: client.llen("nurture:intake") == 0 and client.llen("nurture:unreadable") >= len(POISON) - 1)
            client.lpush("nurture:tick", message(b"[[], {}, {}]", task="worker.tasks.sweep"))
            until(lambda: _codes(database) == sorted(POISON))

            assert worker.poll() is None
            assert client.llen("nurture:unreadable") == 0
            assert "this is no json" not in log.read_text()
        finally:
            worker.terminate()
            worker.wait(20)
    database.close()


def _codes(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(item["code"] for item in parked.listed(connection, 50))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(message(), None), *((POISON[code], code) for code in ("not_json", "not_utf8", "not_a_message", "no_properties"))],
)
def test_what_is_wrong_with_a_message_is_told_in_a_word(raw: bytes, expected: str | None) -> None:
    assert what_is_wrong(raw) == expected


def test_a_message_names_the_queue_it_was_for() -> None:
    assert queue_of(message()) == "intake"
    assert queue_of(b"rubbish") is None


def test_a_parked_message_is_put_back_on_its_queue_once(world: World, valkey: EmbeddedValkey) -> None:
    world.services.broker = Broker(valkey.url)
    client = redis.Redis.from_url(valkey.url)
    before = client.llen("nurture:intake")
    with world.database.write() as connection:
        item_id = parked.park_message(connection, message(), "unknown_task", world.services.ring, world.now)

    unpark.replay(world.services, item_id, "Jordan Example")

    assert client.llen("nurture:intake") == before + 1
    with pytest.raises(NotFound):
        unpark.replay(world.services, item_id, "Jordan Example")


def test_a_parked_message_that_names_no_queue_can_only_be_dismissed(world: World, valkey: EmbeddedValkey) -> None:
    world.services.broker = Broker(valkey.url)
    with world.database.write() as connection:
        item_id = parked.park_message(connection, b"rubbish", "not_json", world.services.ring, world.now)

    with pytest.raises(NotFound):
        unpark.replay(world.services, item_id, "Jordan Example")
    unpark.dismiss(world.services, item_id, "Jordan Example", "a test of ours")

    with world.database.read() as connection:
        assert parked.listed(connection, 10) == []
