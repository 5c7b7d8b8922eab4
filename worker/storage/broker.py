"""A look at the broker: how much waits on each declared queue, and since when. Reads only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

KEY_PREFIX = "nurture:"
QUEUED_AT = "queued_at"
"""The message header that says when (Unix seconds) a hint was put on its queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """What waits on a queue; the age is None where nothing waits or nobody wrote down when."""

    depth: int
    oldest_s: float | None


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

    def close(self) -> None:
        """Give back the connection."""
        self._client.close()


def _age(message: Any) -> float | None:
    try:
        queued_at = float(json.loads(message)["headers"][QUEUED_AT])
    except (TypeError, ValueError, KeyError):
        return None
    return max(0.0, time.time() - queued_at)
