"""A worker's process that ends is replaced as soon as the kernel lets go of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from celery.concurrency import get_implementation

from worker.celery import app
from worker.tasks.renewal import RenewingPool, RenewingTaskPool


class Loop:
    """An event loop, turned by hand."""

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []

    def call_later(self, _delay: float, what: Callable[..., None], *arguments: object) -> None:
        self.later.append(partial(what, *arguments))


class Ending:
    """A process whose end shows before it can be waited for: it is let go of at the third look."""

    def __init__(self) -> None:
        self.looks = 0

    @property
    def exitcode(self) -> int | None:
        self.looks += 1
        return 0 if self.looks >= 3 else None


class Watched(RenewingPool):
    """Counts how often it is looked after; no process is started."""

    def __init__(self) -> None:
        self.maintained = 0

    def maintain_pool(self) -> None:
        self.maintained += 1


def test_workers_run_on_the_pool_that_replaces_at_once() -> None:
    assert get_implementation(app.conf.worker_pool) is RenewingTaskPool
    assert RenewingTaskPool.Pool is RenewingPool


def test_a_process_that_is_not_gone_yet_is_looked_after_until_it_is() -> None:
    loop, pool = Loop(), Watched()
    pool._event_process_exit(loop, Ending())
    looked_after = [pool.maintained]
    while loop.later:
        loop.later.pop()()
        looked_after.append(pool.maintained)
    assert looked_after == [1, 2, 3]
