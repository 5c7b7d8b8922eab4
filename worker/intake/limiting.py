"""Rate limits. One client, or one address, that posts too much is asked to wait; a crowd is let in, and set aside.

A person must not be turned away because of others: too many posts from a whole network, to one form, or in one
person's name over a day go to quarantine, where staff see them. The counts are shared by all intake hosts in
Redis, under keyed hashes; while Redis is away each host counts by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import redis
import structlog
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from worker.client_address import ClientAddress

log = structlog.get_logger()

NETWORK_TIMES, FORM_TIMES = 5, 50
"""A network may post so many times as much as a client; all posts to one form together, so many times."""

REPEATS = parse("20/day")
"""Posts in the name of one address, before the next ones look like somebody's prank on a person."""

_REST_S = 10.0
_PATIENCE_S = 0.25


class ClientLimit:
    """At most so many posts per client, counted by this process alone."""

    def __init__(self, limit: str, trusted_proxies: str) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = None if limit == "off" else parse(limit)
        self._address = ClientAddress(trusted_proxies)

    def allows(self, request: Request) -> bool:
        """False when this client has posted too much."""
        return self._limit is None or self._limiter.hit(self._limit, "client", self._address.of(request))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a post may expect: to be asked to wait, or to be set aside for these reasons."""

    must_wait: bool = False
    suspicions: tuple[str, ...] = ()


class Limits:
    """Every limit on posts. `name` hides what is counted: the keys in Redis tell nobody's address."""

    def __init__(self, limit: str, clients: ClientAddress, name: Callable[[str], str], redis_url: str = "") -> None:
        self._each = None if limit == "off" else parse(limit)
        self._clients, self._name = clients, name
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._shared = _shared(redis_url)
        self._rest_until = 0.0

    async def of_client(self, request: Request, form: str) -> Judgement:
        """Count a post by its client, its network and its form."""
        if self._each is None:
            return Judgement()
        return await run_in_threadpool(self._count_client, self._each, self._clients.of(request), form)

    async def of_form(self, form: str) -> tuple[str, ...]:
        """Count a vendor's post by its form alone: all its posts come from the vendor's few hosts."""
        if self._each is None:
            return ()
        crowd = _times(self._each, FORM_TIMES)
        return () if await run_in_threadpool(self._hit, crowd, "form", form) else ("rate.form",)

    async def of_address(self, address: str | None) -> Judgement:
        """Count a post by the person in whose name it comes, whoever posts it."""
        if self._each is None or address is None:
            return Judgement()
        return await run_in_threadpool(self._count_address, self._each, address)

    def _count_client(self, each: RateLimitItem, client: str, form: str) -> Judgement:
        if not self._hit(each, "client", client):
            return Judgement(must_wait=True)
        crowds = (("network", network_of(client), NETWORK_TIMES), ("form", form, FORM_TIMES))
        found = [f"rate.{kind}" for kind, what, times in crowds if not self._hit(_times(each, times), kind, what)]
        return Judgement(suspicions=tuple(found))

    def _count_address(self, each: RateLimitItem, address: str) -> Judgement:
        if not self._hit(each, "address", address):
            return Judgement(must_wait=True)
        return Judgement(suspicions=() if self._hit(REPEATS, "repeats", address) else ("address.repeated",))

    def _hit(self, limit: RateLimitItem, kind: str, what: str) -> bool:
        key = (kind, self._name(f"{kind}/{what}"))
        if self._shared is not None and time.monotonic() >= self._rest_until:
            try:
                return self._shared.hit(limit, *key)
            except (redis.RedisError, StorageError):
                self._rest_until = time.monotonic() + _REST_S
                log.warning("limits.counted_alone")
        return self._memory.hit(limit, *key)


def network_of(client: str) -> str:
    """The network that a client's address belongs to: /24, or /64 in IPv6."""
    try:
        address = ip_address(client)
    except ValueError:
        return "unknown"
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


def _times(limit: RateLimitItem, times: int) -> RateLimitItem:
    return type(limit)(limit.amount * times, limit.multiples, limit.namespace)


def _shared(redis_url: str) -> MovingWindowRateLimiter | None:
    if not redis_url:
        return None
    try:
        pool = redis.ConnectionPool.from_url(
            redis_url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S, retry=Retry(NoBackoff(), 0)
        )
    except ValueError:  # a kind of address that only Celery knows, such as Sentinel's
        return None
    return MovingWindowRateLimiter(RedisStorage("redis://", connection_pool=pool, key_prefix="nurture:limits"))
