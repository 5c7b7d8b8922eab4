"""`nurture up` from start to end: one product a folder, nothing left behind, nothing lost when it is killed."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from sqlalchemy import select

from tests.e2e.product import NURTURE, ROOT, STOP_WITHIN_S, Product, new_product, post, processes_of, until
from worker.storage import heartbeats, samples
from worker.storage.tables import sends, submissions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with new_product(tmp_path_factory.mktemp("up") / "state") as prepared:
        yield prepared.start()


def listening(pids: set[int]) -> dict[str, set[int]]:
    """The addresses on which these processes wait for others, with the processes."""
    inodes = {}
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = os.readlink(descriptor)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.setdefault(target[8:-1], set()).add(pid)
    found: dict[str, set[int]] = {}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            is_waiting = words[3] == "0A" or (table.startswith("udp") and words[2].endswith(":0000"))
            if is_waiting and words[9] in inodes:
                found.setdefault(_address(words[1]), set()).update(inodes[words[9]])
    return found


def _address(text: str) -> str:
    """As /proc/net writes it: each 32 bits in the machine's own order."""
    words, port = text.split(":")
    packed = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8))
    return f"{ipaddress.ip_address(packed)}:{int(port, 16)}"


def test_it_says_where_everything_is(running: Product) -> None:
    for path in ("/form", "/docs", "/readyz", "/metrics"):
        assert f"{running.url}{path}" in running.said
        assert requests.get(f"{running.url}{path}", timeout=10).status_code == 200
    closed = requests.get(f"{running.url}/console/", timeout=10)
    assert closed.status_code == 403
    assert "nurture users add" in closed.text
    assert str(running.state) in running.said


def test_the_worker_says_what_it_does_and_the_sweep_keeps_a_sample_of_what_waits(running: Product) -> None:
    """The console's first page is made of these two."""

    def is_told() -> bool:
        with running.database().read() as connection:
            return heartbeats.work(connection)["tick"].recent > 0 and len(samples.latest(connection)) > 0

    until(is_told)


def test_a_second_start_prints_where_the_first_runs_and_is_content(running: Product) -> None:
    second = subprocess.run(
        [*NURTURE, "up"], cwd=ROOT, env=running.environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert second.returncode == 0, second.stderr
    assert f"{running.url}/form" in second.stdout
    assert requests.get(f"{running.url}/readyz", timeout=10).status_code == 200, "the first runs on"


def test_a_busy_port_gives_the_next_one_and_the_two_products_know_nothing_of_each_other(
    running: Product, tmp_path: Path
) -> None:
    bind = running.environment["NURTURE_BIND"]
    with new_product(tmp_path / "state", bind=bind) as other:
        other.start()
        mine, theirs = running.url, other.url
        accepted = post(theirs, email=f"{uuid4().hex}@example.com")
        until(lambda: other.json("leads", "list")["leads"])

        assert mine != theirs
        assert theirs.rpartition(":")[0] == mine.rpartition(":")[0]
        assert accepted["reference"] not in [lead["reference"] for lead in running.json("leads", "list")["leads"]]

        assert other.stop(signal.SIGTERM) == 0
        assert processes_of(other.state) == {}
    assert requests.get(f"{mine}/readyz", timeout=10).status_code == 200


def test_nothing_listens_but_on_this_machine(running: Product) -> None:
    pids = set(processes_of(running.state))
    found = listening(pids)

    assert len(pids) >= 6, "supervisor, web, worker with two of its own, beat, broker"
    assert running.url.removeprefix("http://") in found
    assert {address.rpartition(":")[0] for address in found} == {"127.0.0.1"}


def test_state_is_closed_to_other_users(running: Product) -> None:
    assert running.state.stat().st_mode & 0o077 == 0
    assert (running.state / "keys").stat().st_mode & 0o077 == 0


def test_a_child_that_dies_is_started_again(running: Product) -> None:
    before = running.child("web")

    os.kill(before, signal.SIGKILL)

    until(lambda: (running.state / "run" / "web.pid").exists() and running.child("web") != before)
    until(lambda: _is_ready(running.url))


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_the_embedded_broker_that_dies_is_started_again_with_the_queue_in_it(running: Product) -> None:
    where = running.state / "valkey" / "valkey.json"
    dead = json.loads(where.read_text())["pid"]
    os.kill(dead, signal.SIGKILL)

    until(lambda: "it runs again" in running.said, why=running.logs)
    assert json.loads(where.read_text())["pid"] != dead
    until(lambda: _is_ready(running.url), why=running.logs)


def test_ctrl_c_ends_everything_within_seconds_and_leaves_no_process(tmp_path: Path) -> None:
    with new_product(tmp_path / "state") as product:
        product.start()
        accepted = post(product.url, email=f"{uuid4().hex}@example.com")

        assert product.stop(seconds=STOP_WITHIN_S) == 0, product.logs()
        assert processes_of(product.state) == {}
        assert "Traceback" not in product.said
        spool = product.state / "spool" / "ready"
        with product.database().read() as connection:
            stored = set(connection.scalars(select(submissions.c.id)))
        assert accepted["submission_id"] in stored or list(spool.iterdir()), "accepted is kept, whatever stops"


def test_ctrl_c_during_the_start_is_heard(tmp_path: Path) -> None:
    with new_product(tmp_path / "state") as product:
        product.spawn()
        until(lambda: "database" in product.said)

        product.stop(seconds=STOP_WITHIN_S)

        until(lambda: processes_of(product.state) == {}, seconds=5, why=lambda: processes_of(product.state))
        assert "Traceback" not in product.said


@pytest.mark.faults
def test_a_killed_product_is_started_again_with_nothing_lost_or_sent_twice(tmp_path: Path) -> None:
    with new_product(tmp_path / "state") as product:
        product.start()
        ids: list[str] = []
        refused = threading.Event()

        def keep_posting() -> None:
            with requests.Session() as session:
                while not refused.is_set():
                    try:
                        answer = post(product.url, session, email=f"{uuid4().hex}@example.com", consent_email=True)
                    except requests.RequestException:
                        refused.set()
                    else:
                        ids.append(answer["submission_id"])

        url = product.url
        poster = threading.Thread(target=keep_posting)
        poster.start()
        until(lambda: len(ids) >= 50)
        os.kill(product.pid, signal.SIGKILL)
        poster.join(20)
        refused.set()
        assert product.process is not None
        product.process.wait()
        broker = {pid for pid, words in processes_of(product.state).items() if "valkey" in words}
        until(lambda: set(processes_of(product.state)) == broker, why=lambda: processes_of(product.state))
        assert len(broker) == 1, "the broker keeps the queue meanwhile"

        product.start()

        assert "was running already" in product.said, "adopted, not doubled"
        assert {pid for pid, words in processes_of(product.state).items() if "valkey-server" in words} == broker
        assert product.url == url
        database = product.database()

        def stored() -> set[str]:
            with database.read() as connection:
                return set(connection.scalars(select(submissions.c.id)))

        def acknowledged() -> Counter[str]:
            with database.read() as connection:
                return Counter(connection.scalars(select(sends.c.state).where(sends.c.kind == "acknowledgement")))

        until(lambda: set(ids) <= stored(), seconds=60)
        # What was claimed when the worker was killed is taken back when its lease has run out, after a minute.
        until(lambda: acknowledged()["planned"] == 0, seconds=60, why=acknowledged)
        with database.read() as connection:
            sent = set(connection.scalars(select(sends.c.id).where(sends.c.state == "sent")))
        letters = {path.stem for path in (product.state / "outbox").glob("*.eml")}
        assert sent <= letters
        assert acknowledged().total() == len(stored()), "one acknowledgement each, all of different people"
        until(lambda: list((product.state / "spool" / "ready").iterdir()) == [])
        assert product.stop() == 0
        assert processes_of(product.state) == {}
