"""However Valkey is started, asked for or killed, a state folder has one server, and its queue survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from kombu import Connection

from worker.broker_address import LONGEST_SOCKET_PATH_BYTES
from worker.errors import ConfigurationError
from worker.runtime import valkey as runtime
from worker.runtime.process import ProcessId
from worker.runtime.valkey import EmbeddedValkey, ensure_valkey, stop_valkey

ROOT = Path(__file__).parents[2]
START = "import sys, pathlib; from worker.runtime.valkey import ensure_valkey; "
START += "v = ensure_valkey(pathlib.Path(sys.argv[1])); print(v.pid, v.adopted, flush=True); "


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """Ends whatever server a test leaves in it."""
    yield tmp_path
    if known := runtime._recall(tmp_path / "valkey"):
        known[0].send(signal.SIGKILL)
        known[0].wait_gone(5)


def push(server: EmbeddedValkey, *values: str) -> int:
    with redis.Redis.from_url(server.url) as client:
        return int(client.rpush("queue", *values))


def length(server: EmbeddedValkey) -> int:
    with redis.Redis.from_url(server.url) as client:
        return int(client.llen("queue"))


def kill(server: EmbeddedValkey) -> None:
    server.process.send(signal.SIGKILL)
    assert server.process.wait_gone(5)


def test_it_starts_once_and_is_adopted_afterwards(state_dir: Path) -> None:
    first = ensure_valkey(state_dir)
    second = ensure_valkey(state_dir)

    assert (first.adopted, second.adopted) == (False, True)
    assert first.pid == second.pid


def test_both_urls_lead_to_it_even_from_a_folder_with_a_space(tmp_path: Path) -> None:
    server = ensure_valkey(tmp_path / "our clinic")
    try:
        with Connection(server.broker_url) as broker, broker.SimpleQueue("intake") as queue:
            queue.put({"id": 1})
        with redis.Redis.from_url(server.url) as client:
            assert client.llen("intake") == 1
    finally:
        stop_valkey(server)


def test_what_was_pushed_survives_a_kill_of_the_server(state_dir: Path) -> None:
    server = ensure_valkey(state_dir)
    push(server, *"abc")
    kill(server)

    again = ensure_valkey(state_dir)

    assert not again.adopted
    assert length(again) == 3


def test_it_outlives_a_killed_parent_and_is_adopted_at_the_next_start(state_dir: Path) -> None:
    argv = [sys.executable, "-c", START + "import time; time.sleep(60)", str(state_dir)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline().split()[0])
        parent.kill()

    adopted = ensure_valkey(state_dir)

    assert adopted.adopted
    assert adopted.pid == pid


def test_callers_at_the_same_moment_get_the_same_server(state_dir: Path) -> None:
    argv = [sys.executable, "-c", START, str(state_dir)]
    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(lambda _: subprocess.check_output(argv, cwd=ROOT, text=True).split(), range(4)))

    assert len({pid for pid, _ in answers}) == 1
    assert sorted(adopted for _, adopted in answers) == ["False", "True", "True", "True"]


def test_a_server_that_ends_just_as_it_is_found_is_replaced(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill(ensure_valkey(state_dir))
    answers = iter([True])  # its last thread may hold the socket a moment longer
    listening = runtime._is_listening
    monkeypatch.setattr(runtime, "_is_listening", lambda address: next(answers, False) or listening(address))

    assert not ensure_valkey(state_dir).adopted


def test_two_state_folders_have_two_servers(tmp_path: Path) -> None:
    servers = [ensure_valkey(tmp_path / name) for name in ("one", "two")]
    try:
        push(servers[0], "a")

        assert length(servers[1]) == 0
    finally:
        for server in servers:
            stop_valkey(server)


def test_a_server_whose_socket_was_deleted_is_ended_before_another_starts(state_dir: Path) -> None:
    first = ensure_valkey(state_dir)
    push(first, "a")
    first.socket.unlink()

    second = ensure_valkey(state_dir)

    assert not first.process.is_alive()
    assert length(second) == 1


def test_a_frozen_server_is_reported_and_never_doubled(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "START_SECONDS", 0.5)
    server = ensure_valkey(state_dir)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ConfigurationError, match="did not answer"):
            ensure_valkey(state_dir)
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert ensure_valkey(state_dir).pid == server.pid


def test_a_stale_record_never_ends_a_stranger(state_dir: Path) -> None:
    server = ensure_valkey(state_dir)
    kill(server)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lie = ProcessId(stranger.pid, server.process.started)  # its number was handed out again
        runtime._remember(state_dir / "valkey", lie, server.socket)

        ensure_valkey(state_dir)

        assert stranger.poll() is None
        stranger.kill()


def test_a_server_that_cannot_start_says_why(state_dir: Path) -> None:
    log = state_dir / "valkey" / "appendonlydir"
    log.parent.mkdir()
    log.write_text("a file where the folder of the append-only file belongs")

    with pytest.raises(ConfigurationError, match=r"ended at once(.|\n)*appendonlydir"):
        ensure_valkey(state_dir)


def test_a_deep_state_folder_gets_a_short_socket_of_ones_own(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    server = ensure_valkey(deep)
    try:
        assert server.socket.is_relative_to(tempfile.gettempdir())
        assert len(str(server.socket)) <= LONGEST_SOCKET_PATH_BYTES
        assert server.socket.parent.stat().st_mode & 0o077 == 0
        assert ensure_valkey(deep).adopted
    finally:
        stop_valkey(server)
        server.socket.parent.rmdir()


def test_a_deep_state_folder_finds_its_server_when_tmpdir_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("deep" * 30)
    server = ensure_valkey(deep)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try:
        assert ensure_valkey(deep).pid == server.pid
    finally:
        stop_valkey(server)
        server.socket.parent.rmdir()


@pytest.mark.parametrize("trap", ["open to all", "a link"])
def test_a_runtime_folder_that_is_not_ours_alone_is_refused(tmp_path: Path, trap: str) -> None:
    folder = tmp_path / "nurture-trap"
    if trap == "a link":
        folder.symlink_to(tmp_path)
    else:
        folder.mkdir()
        folder.chmod(0o777)

    with pytest.raises(ConfigurationError, match="not a folder of yours alone"):
        runtime._private_folder(folder)


def test_stop_keeps_the_queue_and_needs_no_killing(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "STOP_SECONDS", 60.0)
    server = ensure_valkey(state_dir)
    push(server, "a", "b")

    begun = time.monotonic()
    stop_valkey(server)

    assert time.monotonic() - begun < 60, "it was not killed when its time was over"
    assert not server.process.is_alive()
    assert length(ensure_valkey(state_dir)) == 2


@pytest.mark.slow
def test_stop_kills_a_frozen_server(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "STOP_SECONDS", 0.5)
    server = ensure_valkey(state_dir)
    os.kill(server.pid, signal.SIGSTOP)

    stop_valkey(server)

    assert not server.process.is_alive()
