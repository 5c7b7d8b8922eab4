"""A look at the broker: how much waits on each declared queue, and since when. Reads only."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

KEY_PREFIX = "nurture:"
UNREADABLE = "unreadable"
"""The list on which workers set aside what they can't read, until a sweep parks it."""

_EPOCH = "epoch"
_CHUNK = 200

QUEUED_AT = "queued_at"
"""The message header that says when (Unix seconds) a hint was put on its queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """What waits on a queue; the age is None where nothing waits or nobody wrote down when."""

    depth: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A message that no worker could read: as it lies on the list, why, and its bytes."""

    entry: bytes
    code: str
    raw: bytes


class Broker:
    """A client of its own, with short time limits, so that a frozen Redis can't freeze whoever looks."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )

    def ping(self) -> bool:
        """True when the broker answers."""
        try:
            return bool(self._client.ping())
        except redis.RedisError:
            return False

    def depths(self, queues: Iterable[str]) -> Mapping[str, QueueDepth] | None:
        """Every declared queue, also those that nobody consumes; None when the broker does not answer."""
        names = list(queues)
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.llen(KEY_PREFIX + name)
                    pipeline.lindex(KEY_PREFIX + name, -1)
                answers = pipeline.execute()
        except redis.RedisError:
            return None
        return {
            name: QueueDepth(depth=answers[2 * number], oldest_s=_age(answers[2 * number + 1]))
            for number, name in enumerate(names)
        }

    def is_waiting(self, queue: str) -> bool | None:
        """Whether a message lies there that no worker has taken yet; None when the broker does not answer."""
        try:
            return bool(self._client.llen(KEY_PREFIX + queue))
        except redis.RedisError:
            return None

    def set_aside(self, limit: int) -> list[SetAside]:
        """What workers could not read, oldest first. Raises nothing: no answer, nothing to park now."""
        try:
            entries = self._client.lrange(KEY_PREFIX + UNREADABLE, -limit, -1)
        except redis.RedisError:
            return []
        return [_read_entry(entry) for entry in reversed(entries) if isinstance(entry, bytes)]

    def forget(self, item: SetAside) -> None:
        """Take an item off the list, once the database holds it."""
        with contextlib.suppress(redis.RedisError):
            self._client.lrem(KEY_PREFIX + UNREADABLE, -1, item.entry)  # type: ignore[arg-type]  # bytes are fine

    def everything(self) -> Iterator[bytes]:
        """Every key of ours and all that it holds, waiting or in a worker's hands, as bytes. Raises RedisError."""
        for name in map(_as_text, self._client.scan_iter(match=f"{KEY_PREFIX}*", count=500)):
            yield name.encode()
            yield from self._contents(name)

    def drop(self, is_meant: Callable[[bytes], bool]) -> int:
        """Take messages off our lists; how many. What they hinted at is offered again by the spool, unless it is
        erased. What a worker has in its hands stays. Raises RedisError."""
        dropped = 0
        for name in map(_as_text, self._client.scan_iter(match=f"{KEY_PREFIX}*", count=500, _type="LIST")):
            for item in filter(is_meant, list(self._chunks(name))):
                dropped += int(self._client.lrem(name, 0, item))  # type: ignore[arg-type]  # bytes are fine
        return dropped

    def compact_log(self, patience_s: float = 10) -> bool:
        """Let the append-only file forget what is not there any more; False where that was not seen to end."""
        until = time.monotonic() + patience_s
        try:
            if not self._persistence().get("aof_enabled"):
                return True
            self._client.bgrewriteaof()
            while time.monotonic() < until:
                now = self._persistence()
                if not (now.get("aof_rewrite_in_progress") or now.get("aof_rewrite_scheduled")):
                    return True
                time.sleep(0.05)
        except redis.RedisError:
            return False
        return False

    def _persistence(self) -> dict[str, Any]:
        return dict(self._client.info("persistence"))

    def _contents(self, name: str) -> Iterator[bytes]:
        match self._client.type(name):
            case b"list":
                yield from self._chunks(name)
            case b"hash":
                yield from (part for pair in self._client.hscan_iter(name, count=100) for part in pair)
            case b"set":
                yield from self._client.sscan_iter(name, count=100)
            case b"zset":
                yield from (item for item, _ in self._client.zscan_iter(name, count=100))
            case b"string":
                value = self._client.get(name)
                yield value if isinstance(value, bytes) else b""

    def _chunks(self, name: str) -> Iterator[bytes]:
        start = 0
        while chunk := self._client.lrange(name, start, start + _CHUNK - 1):
            yield from (item for item in chunk if isinstance(item, bytes))
            start += _CHUNK

    def recall_epoch(self) -> str | bytes | None:
        """What was remembered last; None where nothing was, or the broker is away."""
        try:
            value = self._client.get(KEY_PREFIX + _EPOCH)
        except redis.RedisError:
            return None
        return value if isinstance(value, str | bytes) else None

    def remember_epoch(self, text: str) -> None:
        """Remember it; a broker that is away remembers nothing."""
        with contextlib.suppress(redis.RedisError):
            self._client.set(KEY_PREFIX + _EPOCH, text)

    def put_back(self, queue: str, raw: bytes) -> None:
        """Put a message on its queue again. Raises redis.RedisError."""
        self._client.lpush(KEY_PREFIX + queue, raw)

    def close(self) -> None:
        """Give back the connection."""
        self._client.close()


def _as_text(name: bytes | str) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", errors="replace")


def _read_entry(entry: bytes) -> SetAside:
    try:
        data = json.loads(entry)
        return SetAside(entry=entry, code=str(data["code"])[:40], raw=base64.b64decode(data["raw"]))
    except (TypeError, ValueError, KeyError):
        return SetAside(entry=entry, code="not_ours", raw=entry)


def _age(message: Any) -> float | None:
    try:
        queued_at = float(json.loads(message)["headers"][QUEUED_AT])
    except (TypeError, ValueError, KeyError):
        return None
    return max(0.0, time.time() - queued_at)
