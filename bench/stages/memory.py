"""Memory of an idle product: the web process, one worker with two processes, and beat; the servers apart.

Shared pages are counted once: each process bears its share of them (PSS, as the kernel divides it).
"""

from __future__ import annotations

from pathlib import Path

from bench.harness import Bench, Report, Sample, Series, Target
from worker.runtime.supervisor import read_published

PARTS = ("web", "worker", "beat")
_MB = 1e6


def measure(bench: Bench) -> Report:
    product = bench.product
    assert read_published(product.state) is not None
    rounds = [{part: _tree(product.child(part)) for part in PARTS} for _ in range(bench.rounds)]
    series = [
        Series(f"{part}, {len(rounds[0][part])} process(es)", tuple(Sample(_sum(each[part]) / _MB) for each in rounds))
        for part in PARTS
    ]
    whole = Series("together", tuple(Sample(sum(_sum(each[part]) for part in PARTS) / _MB) for each in rounds))
    return Report(
        title="Memory, idle",
        unit="MB",
        series=[*series, whole],
        targets=[Target(says="together", measured=whole.median, at_most=350, unit="MB")],
    )


def _sum(pids: list[int]) -> int:
    return sum(map(_share, pids))


def _share(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _tree(pid: int) -> list[int]:
    """A process, and whatever it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in map(int, children) for below in _tree(child))]
