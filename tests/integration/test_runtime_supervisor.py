"""Children run while their supervisor does, end with it however it ends, and no stranger is ever hit."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from worker.runtime import files, supervisor
from worker.runtime.process import ProcessId
from worker.runtime.supervisor import Child, InstanceLock, Supervisor, free_port, read_published

ROOT = Path(__file__).parents[2]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True)); "
STUBBORN += "print('up', flush=True); time.sleep(60)"
"""Says that it is there, and that it was asked to end; and stays."""

ITS_TIME = Child("any", []).stop_timeout
SLEEPER = ["sleep", "60"]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    started: list[Supervisor] = []

    def start(*children: Child) -> Supervisor:
        started.append(Supervisor(children, tmp_path))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()


def until(condition: Callable[[], object], seconds: float = 30.0, each: Callable[[], None] | None = None) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        if each:
            each()
        time.sleep(0.01)


def identity(folder: Path, name: str) -> ProcessId:
    record = json.loads((folder / f"{name}.pid").read_text())
    return ProcessId(record["pid"], record["started"])


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_child_writes_to_a_log_of_its_own_with_our_environment_and_its(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    supervise(Child("talker", ["sh", "-c", "echo $PATH; echo $COLOUR >&2; sleep 60"], {"COLOUR": "green"}))

    until(lambda: (tmp_path / "talker.log").read_text().count("\n") == 2)
    assert (tmp_path / "talker.log").read_text().split() == [os.environ["PATH"], "green"]


def test_a_long_log_is_set_aside_at_the_start(
    supervise: Callable[..., Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOG_LIMIT_BYTES", 10)
    (tmp_path / "quiet.log").write_text("what an earlier run said")

    supervise(Child("quiet", SLEEPER))

    assert (tmp_path / "quiet.log").read_text() == ""
    assert (tmp_path / "quiet.log.1").read_text() == "what an earlier run said"


def test_a_child_that_keeps_ending_is_started_again_after_growing_pauses(
    supervise: Callable[..., Supervisor], caplog: pytest.LogCaptureFixture
) -> None:
    running = supervise(Child("hasty", ["sh", "-c", "exit 3"]))
    keeper = running._keepers[0]
    keeper.pause = 0.05

    with caplog.at_level(logging.WARNING):
        until(lambda: len(caplog.messages) == 3, each=running.poll)

    assert "hasty ended with code 3" in caplog.messages[0]
    assert [message.split("again in ")[1].split()[0] for message in caplog.messages] == ["0.05", "0.1", "0.2"]


def test_a_program_that_is_gone_for_a_while_is_tried_again(
    supervise: Callable[..., Supervisor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "program"
    program.symlink_to("/bin/true")
    running = supervise(Child("web", [str(program)]))
    running._keepers[0].pause = 0.02
    program.unlink()

    until(lambda: any("could not start" in message for message in caplog.messages), each=running.poll)
    program.symlink_to("/bin/cat")
    until(lambda: (tmp_path / "web.pid").exists(), each=running.poll)


def test_the_pause_never_grows_beyond_half_a_minute(supervise: Callable[..., Supervisor]) -> None:
    running = supervise(Child("hasty", ["sh", "-c", "exit 3"]))
    keeper = running._keepers[0]
    keeper.pause = 29.0

    until(lambda: keeper.process is None, each=running.poll)

    assert keeper.pause == supervisor.LONGEST_PAUSE_SECONDS


def test_a_minute_of_life_makes_the_next_pause_short_again(
    supervise: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STEADY_AFTER_SECONDS", 0.0)
    running = supervise(Child("steady", ["true"]))
    keeper = running._keepers[0]
    keeper.pause = 16.0

    until(lambda: keeper.process is None, each=running.poll)

    assert keeper.pause == 2 * supervisor.FIRST_PAUSE_SECONDS


def test_a_killed_child_takes_its_own_children_along_and_comes_back(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    running = supervise(Child("pool", ["sh", "-c", "sleep 60 & echo $!; wait"]))
    until(lambda: (tmp_path / "pool.log").read_text().strip())
    grandchild = ProcessId.of(int((tmp_path / "pool.log").read_text()))
    first = identity(tmp_path, "pool")
    assert grandchild

    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not grandchild.is_alive(), each=running.poll)
    until(lambda: (tmp_path / "pool.pid").exists(), each=running.poll)

    assert identity(tmp_path, "pool") != first


def test_it_is_ready_once_every_child_says_so(supervise: Callable[..., Supervisor], tmp_path: Path) -> None:
    asked = iter([False, OSError("connection refused"), True])

    def ready() -> bool:
        answer = next(asked)
        if isinstance(answer, OSError):
            raise answer
        return answer

    running = supervise(Child("web", SLEEPER, ready=ready), Child("beat", SLEEPER))

    assert not running.is_ready()
    assert running.wait_ready(5)


def test_waiting_for_a_child_that_never_gets_ready_ends(supervise: Callable[..., Supervisor]) -> None:
    running = supervise(Child("web", SLEEPER, ready=lambda: False))

    assert not running.wait_ready(0.1)


def test_children_stop_in_reverse_order_each_with_its_signal(
    supervise: Callable[..., Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "WHOLE_STOP_SECONDS", 90.0)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGQUIT)}
    order = tmp_path / "order"
    script = f"trap 'echo $0 >> {order}; exit' TERM INT QUIT; echo up; while :; do sleep 0.01; done"
    signals = {"first": signal.SIGTERM, "second": signal.SIGINT, "third": signal.SIGQUIT}
    running = supervise(
        *(
            Child(name, ["sh", "-c", script, name], stop_signal=number, stop_timeout=30)
            for name, number in signals.items()
        )
    )
    until(lambda: all((tmp_path / f"{name}.log").read_text() for name in signals))

    running.stop()
    for number, handler in before.items():  # a run in the background has them ignored, and so would its children
        signal.signal(number, handler)

    assert order.read_text().split() == ["third", "second", "first"]
    assert not list(tmp_path.glob("*.pid"))


def test_a_child_that_will_not_stop_is_killed_when_its_time_is_over(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    running = supervise(Child("stubborn", python(STUBBORN), stop_timeout=0.3))
    until(lambda: "up" in (tmp_path / "stubborn.log").read_text())
    child = identity(tmp_path, "stubborn")

    begun = time.monotonic()
    running.stop()

    assert 0.3 <= time.monotonic() - begun < ITS_TIME, "its own time, and not the usual one"
    assert not child.is_alive()


def test_the_whole_stop_is_bounded_however_many_will_not_stop(
    supervise: Callable[..., Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "WHOLE_STOP_SECONDS", 1.0)
    monkeypatch.setattr(supervisor, "LEAST_STOP_SECONDS", 0.1)
    names = ["one", "two", "three", "four"]
    running = supervise(*(Child(name, python(STUBBORN)) for name in names))
    until(lambda: all("up" in (tmp_path / f"{name}.log").read_text() for name in names))

    begun = time.monotonic()
    running.stop()

    assert time.monotonic() - begun < ITS_TIME, "less than one of them would have had alone"


def test_a_program_that_is_not_there_stops_what_had_started(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Supervisor([Child("good", SLEEPER), Child("bad", ["no-such-program"])], tmp_path).start()

    assert not list(tmp_path.glob("*.pid"))


@pytest.fixture
def product(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor in a process of its own, with one stubborn child and one that is not."""
    code = f"""
        import pathlib, sys
        from worker.runtime import supervisor
        supervisor.WHOLE_STOP_SECONDS = 60.0
        good = supervisor.Child("good", ["sleep", "60"])
        stubborn = supervisor.Child("stubborn", [sys.executable, "-c", {STUBBORN!r}], stop_timeout=60)
        running = supervisor.Supervisor([good, stubborn], pathlib.Path(sys.argv[1]))
        with running.catch_signals():
            running.start()
            running.run_until_stopped()
    """
    argv = [*python(textwrap.dedent(code)), str(tmp_path)]
    with subprocess.Popen(argv, cwd=ROOT) as process:
        log = tmp_path / "stubborn.log"
        until(lambda: log.exists() and "up" in log.read_text())
        yield process
        process.kill()


def test_a_second_ctrl_c_kills_at_once(product: subprocess.Popen[bytes], tmp_path: Path) -> None:
    children = [identity(tmp_path, name) for name in ("good", "stubborn")]
    product.send_signal(signal.SIGINT)
    until(lambda: "no" in (tmp_path / "stubborn.log").read_text())
    assert product.poll() is None, "the stubborn one has its time"

    product.send_signal(signal.SIGINT)

    assert product.wait(30) == 0, "half of the time that it had"
    assert not any(child.is_alive() for child in children)


def test_children_end_with_a_killed_supervisor_and_the_next_start_ends_the_stubborn(
    product: subprocess.Popen[bytes],
    supervise: Callable[..., Supervisor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "WHOLE_STOP_SECONDS", 0.4)
    good, stubborn = identity(tmp_path, "good"), identity(tmp_path, "stubborn")
    product.kill()

    until(lambda: not good.is_alive())
    assert stubborn.is_alive()
    supervise(Child("good", SLEEPER))

    assert not stubborn.is_alive()


def test_a_pid_file_whose_number_was_handed_out_again_never_hits_the_stranger(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    with subprocess.Popen(SLEEPER, process_group=0) as stranger:
        lie = {"pid": stranger.pid, "started": "another boot/1"}
        (tmp_path / "web.pid").write_text(json.dumps(lie))

        supervise(Child("web", SLEEPER))

        assert stranger.poll() is None
        stranger.kill()


def test_a_broken_pid_file_stops_nothing(supervise: Callable[..., Supervisor], tmp_path: Path) -> None:
    (tmp_path / "web.pid").write_text('{"pid": 1')

    assert supervise(Child("web", SLEEPER)).is_ready()


def test_a_zombie_counts_as_ended() -> None:
    with subprocess.Popen(["true"]) as child:
        until(lambda: ProcessId.of(child.pid) is None)


def test_only_one_product_runs_in_a_state_folder_and_a_second_learns_where(tmp_path: Path) -> None:
    first, second = InstanceLock(tmp_path), InstanceLock(tmp_path)
    assert first.acquire()
    first.publish({"form": "http://127.0.0.1:8600/form"})

    assert not second.acquire()
    assert read_published(tmp_path) == {"form": "http://127.0.0.1:8600/form"}
    first.release()
    assert read_published(tmp_path) is None
    assert second.acquire()
    second.release()


def test_the_lock_of_a_killed_product_is_free_and_its_addresses_are_forgotten(tmp_path: Path) -> None:
    code = """
        import pathlib, sys, time
        from worker.runtime.supervisor import InstanceLock
        lock = InstanceLock(pathlib.Path(sys.argv[1]))
        lock.acquire()
        lock.publish({"form": "an old address"})
        print("locked", flush=True)
        time.sleep(60)
    """
    argv = [*python(textwrap.dedent(code)), str(tmp_path)]
    lock = InstanceLock(tmp_path)
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert not lock.acquire()
        holder.kill()

    assert lock.acquire()
    assert read_published(tmp_path) is None
    lock.release()


def test_a_child_does_not_hold_the_lock_of_its_supervisor(supervise: Callable[..., Supervisor], tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    assert lock.acquire()
    supervise(Child("web", SLEEPER))
    lock.release()

    assert lock.acquire()
    lock.release()


def test_a_busy_port_gives_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]

        assert free_port(port) > port


def test_a_free_port_is_kept() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert free_port(port) == port
