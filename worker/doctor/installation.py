"""The machine, Redis and PostgreSQL under the product: room, and whether they keep what they are given."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import redis
from sqlalchemy import Connection, text

from worker.doctor.catalogue import BROKER, DISK, DURABILITY, EVICTION, PERSISTENCE
from worker.doctor.finding import Finding

_GB, _MB = 1024**3, 1024**2
_MUST_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")
_TIMEOUT_S = 2.0


def check_disk(spool: Path) -> Finding:
    """The disk of the spool."""
    place = next(folder for folder in (spool, *spool.parents) if folder.exists())
    return judge_disk(shutil.disk_usage(place).free)


def judge_disk(free: int) -> Finding:
    """So many bytes are free."""
    said = f"{free / _GB:.1f} GB are free for the spool" if free >= _GB else f"{free // _MB} MB are free for the spool"
    if free < 100 * _MB:
        return DISK.failed(said)
    return DISK.warning(said) if free < _GB else DISK.ok(said)


def check_redis(url: str) -> Iterator[Finding]:
    """Whether it answers, evicts, and persists. A managed one may not tell."""
    client = redis.Redis.from_url(
        url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, decode_responses=True
    )
    try:
        client.ping()
        yield BROKER.ok()
        yield from judge_redis({str(name): str(value) for name, value in _settings(client)})
    except redis.ResponseError:
        yield EVICTION.skipped("Redis does not tell its settings")
    except redis.RedisError:
        yield BROKER.failed("the broker is silent")
    finally:
        client.close()


def _settings(client: redis.Redis) -> Iterator[tuple[object, object]]:
    for pattern in ("maxmemory*", "appendonly"):
        yield from client.config_get(pattern).items()


def judge_redis(config: Mapping[str, str]) -> Iterator[Finding]:
    """By its own settings."""
    policy, limit = config.get("maxmemory-policy", ""), config.get("maxmemory", "0")
    if policy != "noeviction" and limit != "0":
        yield EVICTION.warning(f"Redis throws away what it has no room for (maxmemory-policy {policy})")
    else:
        yield EVICTION.ok()
    if config.get("appendonly") == "yes":
        yield PERSISTENCE.ok()
    else:
        yield PERSISTENCE.warning("Redis forgets its messages when it restarts (appendonly is off)")


def check_postgres(connection: Connection) -> Finding:
    """Whether what it has confirmed is on disk."""
    shown = {name: str(connection.execute(text(f"show {name}")).scalar_one()) for name in _MUST_BE_ON}
    return judge_postgres(shown)


def judge_postgres(shown: Mapping[str, str]) -> Finding:
    """By its own settings."""
    off = [name for name in _MUST_BE_ON if shown[name] not in {"on", "remote_apply", "remote_write", "local"}]
    return DURABILITY.failed(f"PostgreSQL: {', '.join(off)} off") if off else DURABILITY.ok()
