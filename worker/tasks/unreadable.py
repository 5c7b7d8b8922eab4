"""Set aside what a worker can't read: Celery on Redis would drop it, or die of it (I8).

A list item that is no message ends the worker's main process with the stock transport; an unknown task or
an undecodable body is acknowledged and gone, with its whole text in the log. Here each goes onto a list of
its own, and the next sweep parks it, sealed, with its reason.
"""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import kombu.transport
import redis
import structlog
from celery.worker.consumer import Consumer
from kombu.transport.redis import Channel, PrefixedStrictRedis, QoS, Transport

from worker.domain.messages import what_is_wrong
from worker.storage.broker import KEY_PREFIX, UNREADABLE

log = structlog.get_logger()


def guard_the_transport() -> None:
    """Let `redis://` mean the guarded transport in this process."""
    kombu.transport.TRANSPORT_ALIASES["redis"] = f"{__name__}:GuardedTransport"


class GuardedRedis(PrefixedStrictRedis):
    """The client that pops messages. What is no message is set aside, and the pop looks as if it were empty."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        """The reply, unless it is a popped item that nobody could read."""
        reply: Any = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]
        if command_name == "BRPOP" and reply and (code := what_is_wrong(reply[1])) is not None:
            _set_aside(redis.Redis(connection_pool=self.connection_pool), code, reply[1])
            return None
        return reply


class GuardedQoS(QoS):
    """The window of messages in hand. One whose acknowledgement fails leaves it all the same.

    The stock one keeps it: with Redis restarted while every place is taken, all acknowledgements fail, no place
    is ever free again, and the worker listens to nothing for ever, looking alive. The broker offers such a
    message again; the task has been done and does nothing the second time.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge, and free the place whatever comes of it."""
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except Exception:
            self._quick_ack(delivery_tag)
            raise


class GuardedChannel(Channel):
    """A channel whose client and window are guarded."""

    QoS = GuardedQoS

    def _get_client(self) -> Any:
        return partial(GuardedRedis, global_keyprefix=self.global_keyprefix)


class GuardedTransport(Transport):
    """The Redis transport with guarded channels."""

    Channel = GuardedChannel


class ParkingConsumer(Consumer):  # type: ignore[misc]  # Celery ships no types
    """Celery's consumer; what it would reject, or acknowledge and drop, is set aside first."""

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """No task header."""
        del body
        self._put_by(message, "unknown_message")

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """A task of this name is not registered: an older or newer release's, or nobody's."""
        del body, exc
        self._put_by(message, "unknown_task")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """The task can't be started from this message."""
        del body, exc
        self._put_by(message, "invalid_task")

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """The body can't be decoded."""
        del exc
        self._put_by(message, "undecodable")

    def _put_by(self, message: Any, code: str) -> None:
        raw = {
            "body": message.body if isinstance(message.body, str) else bytes(message.body or b"").decode("latin-1"),
            "content-type": message.content_type,
            "content-encoding": message.content_encoding,
            "headers": message.headers,
            "properties": message.properties,
        }
        with message.channel.conn_or_acquire() as client:
            _set_aside(redis.Redis(connection_pool=client.connection_pool), code, json.dumps(raw, default=str).encode())
        message.ack()


def _set_aside(client: redis.Redis, code: str, raw: bytes) -> None:
    entry = json.dumps({"code": code, "raw": base64.b64encode(raw).decode()})
    client.lpush(KEY_PREFIX + UNREADABLE, entry)
    log.warning("message.set_aside", code=code)
