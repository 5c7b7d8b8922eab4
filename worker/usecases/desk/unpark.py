"""Replay or dismiss a parked item, on a person's word."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from worker.domain.messages import queue_of
from worker.errors import NotFound, SealError
from worker.feedback.sources import read_again
from worker.queues import QueueName
from worker.storage import alerts, erasure_notices, installation, outgoing_events, parked, submissions, timeline
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.arrival.capture import Captured, capture
from worker.usecases.events.receive_booking import Received, receive_again
from worker.usecases.feedback.receive_feedback import receive_reading
from worker.usecases.services import Services


def replay(services: Services, item_id: str, actor: str) -> Captured:
    """Try a parked submission again. Raises NotFound; SealError when its key is still missing."""
    with services.database.read() as connection:
        item = parked.by_id(connection, item_id)
    if item is None or item["state"] != parked.OPEN:
        raise NotFound("no open parked item of this id")
    if item["kind"] == parked.ParkedKind.MESSAGE:
        return _replay_message(services, item, actor)
    if item["kind"] == parked.ParkedKind.FEEDBACK:
        return _replay_feedback(services, item, actor)
    if item["kind"] == parked.ParkedKind.BOOKING:
        return _replay_booking(services, item, actor)
    if item["kind"] == parked.ParkedKind.EVENT:
        return _replay_event(services, item, actor)
    if item["submission_id"] is None:
        raise NotFound("this item is damaged and can't be replayed; dismiss it with a reason")
    envelope = f"{item['submission_id']}:{item['sealed']}"
    submissions.open_envelope(envelope, services.ring)  # with the reason, where it still can't be read
    captured = capture(services, [envelope])
    if captured.parked:
        _tell_that_it_stays(services, item_id)
    else:
        _decide(services, item_id, parked.REPLAYED, Happened.REPLAYED, actor, None)
    return captured


class Replayed(StrEnum):
    """What became of one item of a selection."""

    DONE = "done"
    PARKED_AGAIN = "parked_again"
    STILL_SEALED = "still_sealed"
    NOT_OPEN = "not_open"


def replay_all(services: Services, item_ids: Sequence[str], actor: str) -> Counter[Replayed]:
    """Try a selection again, item by item; one that fails stays parked and stops none of the others."""
    return Counter(_replay_one(services, item_id, actor) for item_id in item_ids)


def _replay_one(services: Services, item_id: str, actor: str) -> Replayed:
    try:
        return Replayed.PARKED_AGAIN if replay(services, item_id, actor).parked else Replayed.DONE
    except NotFound:
        return Replayed.NOT_OPEN
    except SealError:
        return Replayed.STILL_SEALED


def dismiss_all(services: Services, item_ids: Sequence[str], actor: str, reason: str) -> int:
    """Leave a selection for good; how many of them were still open."""
    done = 0
    for item_id in item_ids:
        try:
            dismiss(services, item_id, actor, reason)
        except NotFound:
            continue
        done += 1
    return done


def _tell_that_it_stays(services: Services, item_id: str) -> None:
    """Someone may be waiting behind an item that no replay can admit, such as a key used for two bodies."""
    with services.database.write() as connection:
        item = parked.by_id(connection, item_id)
        tries = item["count"] if item else 0
        now = installation.product_now(connection)
        subject = f"{item_id}/replayed/{tries}"
        alerts.queue(connection, AlertKind.SUBMISSION_PARKED, subject, None, now, real_now(connection))
    services.queue.alert()


def _replay_message(services: Services, item: Mapping[str, Any], actor: str) -> Captured:
    """Put a message back on the queue that it was for."""
    raw = parked.open_message(item, services.ring)
    queue = queue_of(raw)
    if services.broker is None or queue not in set(QueueName):
        raise NotFound("this message names no queue of ours; dismiss it with a reason")
    _decide(services, item["id"], parked.REPLAYED, Happened.REPLAYED, actor, None)
    services.broker.put_back(queue, raw)
    return Captured()


def _replay_feedback(services: Services, item: Mapping[str, Any], actor: str) -> Captured:
    """Read a provider's post again, by the tables of this version."""
    stored = json.loads(parked.open_message(item, services.ring))
    reading = read_again(stored["source"], stored["body"].encode("latin-1"))
    if reading is None or reading.unmapped:
        return Captured(parked=1)
    receive_reading(services, stored["source"], reading, b"")
    _decide(services, item["id"], parked.REPLAYED, Happened.REPLAYED, actor, None)
    return Captured()


def _replay_booking(services: Services, item: Mapping[str, Any], actor: str) -> Captured:
    """Read a calendar's post again: it may be clear by now who is meant."""
    if receive_again(services, item) in {Received.PARKED, Received.WAITING}:
        return Captured(parked=1)
    _decide(services, item["id"], parked.REPLAYED, Happened.REPLAYED, actor, None)
    return Captured()


def _replay_event(services: Services, item: Mapping[str, Any], actor: str) -> Captured:
    """Let an endpoint be told after all; one that has stopped must be resumed first."""
    with services.database.write() as connection:
        if not outgoing_events.release(connection, item["id"]):
            return Captured(parked=1)
    _decide(services, item["id"], parked.REPLAYED, Happened.REPLAYED, actor, None)
    services.queue.tell()
    return Captured()


def dismiss(services: Services, item_id: str, actor: str, reason: str) -> None:
    """Leave a parked item for good. Raises NotFound."""
    _decide(services, item_id, parked.DISMISSED, Happened.DISMISSED, actor, reason)


def _decide(services: Services, item_id: str, state: str, kind: Happened, actor: str, reason: str | None) -> None:
    with services.database.write() as connection:
        if not parked.decide(connection, item_id, state):
            raise NotFound("no open parked item of this id")
        now = installation.product_now(connection)
        timeline.add(connection, kind, now, None, actor=actor, item_id=item_id, reason=reason)
        if state == parked.DISMISSED:
            erasure_notices.forget(connection, [item_id])
