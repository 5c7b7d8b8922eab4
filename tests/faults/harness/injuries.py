"""Every fault the chaos knows: what it does to the scene, and how it ends.

A fault returns what must be done when its time is over, or None where it is over at once. None of them
asks the product for anything: they are signals, server commands, files and locks.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import sqlite3
from collections.abc import Callable, Mapping

import redis

from tests.faults.harness.crew import Member
from tests.faults.harness.scene import Scene
from tests.faults.harness.schedule import Kind
from worker.faults import POINTS
from worker.queues import QueueName
from worker.storage.broker import KEY_PREFIX

End = Callable[[], None] | None
Injury = Callable[[Scene, int], End]


def _pick(scene: Scene, kind: str, choice: int) -> Member:
    members = scene.crew.named(kind)
    return members[choice % len(members)]


# --- processes ------------------------------------------------------------------------------------------


def kill(kind: str) -> Injury:
    def strike(scene: Scene, choice: int) -> End:
        _pick(scene, kind, choice).signal(signal.SIGKILL)
        return None

    return strike


def stop_gracefully(kind: str) -> Injury:
    def strike(scene: Scene, choice: int) -> End:
        _pick(scene, kind, choice).stop()
        return None

    return strike


def kill_child(scene: Scene, choice: int) -> End:
    children = _pick(scene, "worker", choice).children()
    if children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(children[choice % len(children)], signal.SIGKILL)
    return None


def freeze_child(scene: Scene, choice: int) -> End:
    """A zombie: it sleeps past its leases, then goes on as if nothing had happened."""
    children = _pick(scene, "worker", choice).children()
    if not children:
        return None
    pid = children[choice % len(children)]
    send(pid, signal.SIGSTOP)
    return lambda: send(pid, signal.SIGCONT)


def freeze_at_the_gate(scene: Scene, choice: int) -> End:
    """A zombie of the worst kind: asleep between the committed hand-over and the provider."""
    order = scene.order("handed_over", "freeze")

    def wake() -> None:
        order.unlink(missing_ok=True)
        for pid in scene.obeyed("handed_over", "freeze"):
            send(pid, signal.SIGCONT)

    return wake


def pop_and_die(scene: Scene, choice: int) -> End:
    """Frozen, a worker's connection still takes messages off the queue; killed, they are gone from Redis."""
    member = _pick(scene, "worker", choice)
    member.signal_group(signal.SIGSTOP)
    return lambda: member.signal_group(signal.SIGKILL)


def die_at(point: str) -> Injury:
    """Whoever passes it next; nobody has to for long. Orders left lying would kill each probe of a lame provider."""

    def strike(scene: Scene, choice: int) -> End:
        order = scene.order(point)
        return lambda: order.unlink(missing_ok=True)

    return strike


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


# --- the broker -----------------------------------------------------------------------------------------


def crash_redis(scene: Scene, choice: int) -> End:
    scene.redis.kill()
    return scene.redis.start


def freeze_redis(scene: Scene, choice: int) -> End:
    scene.redis.freeze()
    return scene.redis.thaw


def _with_redis(act: Callable[[redis.Redis, random.Random], None]) -> Injury:
    def strike(scene: Scene, choice: int) -> End:
        with contextlib.suppress(redis.RedisError), scene.redis.client() as client:
            act(client, random.Random(choice))
        return None

    return strike


def flush(client: redis.Redis, chance: random.Random) -> None:
    client.flushall()


def forget_bindings(client: redis.Redis, chance: random.Random) -> None:
    for key in client.keys(f"{KEY_PREFIX}_kombu.binding*"):
        client.delete(key)


def repeat_messages(client: redis.Redis, chance: random.Random) -> None:
    """Every waiting message three times, in no order."""
    for queue in QueueName:
        waiting = client.lrange(KEY_PREFIX + queue, 0, -1)
        copies = waiting * 2
        chance.shuffle(copies)
        if copies:
            client.lpush(KEY_PREFIX + queue, *copies)


def fill_redis(scene: Scene, choice: int) -> End:
    """Out of memory: it refuses every write, a worker's acknowledgement too."""
    return _configured(scene, ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"])


def deny_redis(scene: Scene, choice: int) -> End:
    """Someone has changed the rights."""
    return _configured(scene, ["ACL", "SETUSER", "default", "-lpush", "-brpop"], ["ACL", "SETUSER", "default", "+@all"])


def _configured(scene: Scene, before: list[str], after: list[str]) -> End:
    def tell(words: list[str]) -> None:
        with contextlib.suppress(redis.RedisError), scene.redis.client() as client:
            client.execute_command(*words)

    tell(before)
    return lambda: tell(after)


# --- the database and the disk --------------------------------------------------------------------------


def lock_sqlite(scene: Scene, choice: int) -> End:
    """Another program keeps the writer lock, for longer than some are willing to wait."""
    holder = sqlite3.connect(scene.sqlite_file, timeout=1, isolation_level=None)
    with contextlib.suppress(sqlite3.OperationalError):
        holder.execute("BEGIN IMMEDIATE")
    return holder.close


def crash_postgres(scene: Scene, choice: int) -> End:
    assert scene.postgres is not None
    scene.postgres.stop_immediately()
    return scene.postgres.start


def cut_connections(scene: Scene, choice: int) -> End:
    assert scene.postgres is not None
    scene.postgres.cut_connections()
    return None


def fill_disk(kind: str) -> Injury:
    """Every write that makes a file longer fails, for this process and what it has forked: spool, database, log."""

    def strike(scene: Scene, choice: int) -> End:
        member = _pick(scene, kind, choice)
        if not member.is_running:
            return None
        victims = [member.pid, *member.children()]
        for pid in victims:
            _limit_files(pid, 0)
        return lambda: [_limit_files(pid, resource.RLIM_INFINITY) for pid in victims] and None

    return strike


def _limit_files(pid: int, size: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


# --- the provider ---------------------------------------------------------------------------------------


def provider_down(scene: Scene, choice: int) -> End:
    scene.mailbox.temper.is_down = True
    return lambda: setattr(scene.mailbox.temper, "is_down", False)


def provider_slow(scene: Scene, choice: int) -> End:
    scene.mailbox.temper.seconds = 0.5
    return lambda: setattr(scene.mailbox.temper, "seconds", 0.0)


def provider_silent(scene: Scene, choice: int) -> End:
    """It takes everything and answers nothing."""
    before = scene.mailbox.temper.drops_after_accepting
    scene.mailbox.temper.drops_after_accepting = 0.3
    return lambda: setattr(scene.mailbox.temper, "drops_after_accepting", before)


_ALWAYS: Mapping[str, tuple[Kind, Injury]] = {
    "worker killed": (Kind(weight=6), kill("worker")),
    "worker child killed": (Kind(weight=8), kill_child),
    "worker stopped": (Kind(weight=3), stop_gracefully("worker")),
    "worker frozen": (Kind(weight=4, seconds=(5, 25)), freeze_child),
    "worker frozen at the gate": (Kind(weight=3, seconds=(20, 25), occupies="gate"), freeze_at_the_gate),
    "worker pops and dies": (Kind(weight=3, seconds=(0.5, 2)), pop_and_die),
    "worker disk full": (Kind(weight=2, seconds=(1, 4), occupies="worker disk"), fill_disk("worker")),
    "beat killed": (Kind(weight=3), kill("beat")),
    "web killed": (Kind(weight=4), kill("web")),
    "web stopped": (Kind(weight=2), stop_gracefully("web")),
    "web disk full": (Kind(weight=3, seconds=(1, 4), occupies="web disk"), fill_disk("web")),
    "redis crashed": (Kind(weight=4, seconds=(0.3, 2), occupies="redis"), crash_redis),
    "redis frozen": (Kind(weight=3, seconds=(1, 8), occupies="redis"), freeze_redis),
    "redis flushed": (Kind(weight=4, occupies="redis"), _with_redis(flush)),
    "redis bindings lost": (Kind(weight=2, occupies="redis"), _with_redis(forget_bindings)),
    "redis full": (Kind(weight=3, seconds=(1, 4), occupies="redis"), fill_redis),
    "redis denied": (Kind(weight=3, seconds=(1, 4), occupies="redis"), deny_redis),
    "messages repeated": (Kind(weight=4, occupies="redis"), _with_redis(repeat_messages)),
    "provider down": (Kind(weight=3, seconds=(1, 5), occupies="provider"), provider_down),
    "provider slow": (Kind(weight=2, seconds=(2, 5), occupies="provider"), provider_slow),
    "provider silent": (Kind(weight=2, seconds=(1, 2), occupies="provider"), provider_silent),
    **{f"died at {point}": (Kind(weight=1.5, seconds=(2, 5)), die_at(point)) for point in sorted(POINTS)},
}
_SQLITE = {"database locked": (Kind(weight=5, seconds=(1, 25), occupies="database"), lock_sqlite)}
_POSTGRES = {
    "database crashed": (Kind(weight=5, seconds=(0.2, 2), occupies="database"), crash_postgres),
    "connections cut": (Kind(weight=5, occupies="database"), cut_connections),
}


def known_to(database: str) -> dict[str, tuple[Kind, Injury]]:
    """All faults that this database can have."""
    return {**_ALWAYS, **(_SQLITE if database == "sqlite" else _POSTGRES)}


def undo_everything(scene: Scene) -> None:
    """The faults are over: what was armed and never passed is taken back."""
    for order in scene.orders.glob("*.*"):
        if order.suffix in {".kill", ".freeze"}:
            order.unlink()
    for name in sorted(scene.obeyed("handed_over", "freeze")):
        send(name, signal.SIGCONT)


def heal(scene: Scene) -> None:
    """Whatever a test that failed has left behind is mended, so that the next one tells of its own fault only."""
    undo_everything(scene)
    for server in (scene.redis, scene.postgres):
        if server is not None and server.is_running:
            server.thaw()
        elif server is not None:
            server.start()
    _configured(scene, ["CONFIG", "SET", "maxmemory", "0"], [])
    _configured(scene, ["ACL", "SETUSER", "default", "+@all"], [])
    for member in scene.crew.members.values():
        member.is_wanted = True
        for pid in [member.pid, *member.children()] if member.is_running else []:
            _limit_files(pid, resource.RLIM_INFINITY)
    scene.crew.thaw()
    scene.crew.wait_ready()
