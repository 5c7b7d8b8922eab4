"""Intake: a JSON form, validated, sealed, fsynced into the spool, answered; one web process on one core.

Against the same framework doing nothing, and against the usual validated post that sends a Celery task. The load
comes from the other core. No worker takes what is posted, which is the worst that the web process knows: it offers
all of it again and again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.harness import Bench, Report, Sample, Target, Way, WrongCount
from bench.load import Felt, post_many
from bench.servers import answers_on, process, wait_until
from bench.tools import Absent
from bench.workers import product_settings
from worker.runtime.supervisor import free_port
from worker.storage.spool import Spool

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Web:
    """A web process under load: where it answers, its process, its spool if it has one."""

    port: int
    pid: int
    spool: Path | None = None


def measure(bench: Bench) -> Report:
    seconds = 3.0 * bench.size
    report = Report(title=f"Intake, one web process, {AT_ONCE} connections", unit="posts a second")
    with ExitStack() as stack:
        webs = {name: stack.enter_context(make(bench)) for name, make in _WEBS.items()}
        felt: dict[str, list[Felt]] = {name: [] for name in webs}
        series = bench.alternate([Way(name, _round(bench, web, seconds, felt[name])) for name, web in webs.items()])
        ours, noop, usual = series
        half = AT_ONCE / (ours.median / 2)
        calm = [post_many(bench, webs[OURS].port, AT_ONCE, seconds, half).p99_ms for _ in range(bench.rounds)]
    report.series = series
    report.targets = [
        Target(says=f"against {NOOP}", measured=100 * ours.over(noop), at_least=30, unit="%"),
        Target(says=f"against {USUAL}", measured=ours.over(usual), at_least=5),
        Target(
            says="99 of 100 answered within, at half load", measured=sorted(calm)[len(calm) // 2], at_most=10, unit="ms"
        ),
    ]
    full = ", ".join(f"{name} {_middle(rounds):.1f} ms" for name, rounds in felt.items())
    report.notes = [f"99 of 100 answered within, at full load: {full}"]
    try:
        bench.tools.program("wrk")
    except Absent as absent:
        report.absent.append(f"{absent}; posted by a few threads instead, which are slower than what they measure")
    return report


def _middle(rounds: list[Felt]) -> float:
    return sorted(each.p99_ms for each in rounds)[len(rounds) // 2]


def _round(bench: Bench, web: Web, seconds: float, felt: list[Felt]) -> Callable[[], Sample]:
    def once() -> Sample:
        before = _processor_time(web.pid)
        found = post_many(bench, web.port, AT_ONCE, seconds)
        spent = _processor_time(web.pid) - before
        felt.append(found)
        if web.spool is not None:
            _forget(Spool(web.spool), found.per_second * seconds)
        return Sample(found.per_second, 1e6 * spent / (found.per_second * seconds))

    return once


def _forget(spool: Spool, answered: float) -> None:
    """What was answered lies in the spool; the next round begins with an empty one. Raises WrongCount."""
    wait_until(lambda: spool.counts()[0] == len(list(spool.waiting())), "closing the last segment")
    files = list(spool.waiting())
    found = sum(len(file.envelopes) for file in files)
    if found < 0.9 * answered:
        raise WrongCount(f"{found} submissions in the spool of {answered:.0f} answered")
    for file in files:
        spool.remove(file)


@contextmanager
def _product(bench: Bench) -> Iterator[Web]:
    port, folder = free_port(0), bench.new_folder("intake")
    environment = product_settings(bench, bench.database(), folder) | {
        "NURTURE_BIND": f"127.0.0.1:{port}",
        "NURTURE_RATE_LIMIT": "off",
    }
    words = [sys.executable, "-m", "worker.web"]
    with process(words, folder, is_ready=answers_on(port), environment=environment) as server:
        _keep_to_last_core(server.pid)
        yield Web(port, server.pid, folder / "spool")


@contextmanager
def _other(bench: Bench, name: str) -> Iterator[Web]:
    port = free_port(0)
    words = [sys.executable, "-m", "bench.other_webs", name, str(port)]
    environment = {"BENCH_BROKER": bench.valkey.broker_url}
    with process(words, bench.new_folder(name), is_ready=answers_on(port), environment=environment) as server:
        _keep_to_last_core(server.pid)
        yield Web(port, server.pid)


OURS, NOOP, USUAL = "the intake", "FastAPI, no-op", "FastAPI, send_task per request"
_WEBS: dict[str, Callable[[Bench], AbstractContextManager[Web]]] = {
    OURS: _product,
    NOOP: lambda bench: _other(bench, "noop"),
    USUAL: lambda bench: _other(bench, "usual"),
}


def _keep_to_last_core(pid: int) -> None:
    """Every thread of it: what is asked is what one core bears."""
    if hasattr(os, "sched_setaffinity"):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {max(os.sched_getaffinity(0))})


def _processor_time(pid: int) -> float:
    """Seconds that a process has computed for."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
