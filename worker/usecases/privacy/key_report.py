"""Which key still opens what: in the database, in this host's spool, and in flight on the queues.

A key may be taken out of the ring when nothing anywhere needs it, and nothing more is being sealed with it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import redis

from worker.domain.messages import text_of
from worker.storage import sealed
from worker.storage.sealed import SEALED
from worker.storage.sealing import key_ids_in
from worker.storage.spool import Spool
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """One key: is it in the ring, is it the one that seals, and how many values it has sealed, by place.

    `queued` is None where the broker did not answer.
    """

    id: str
    in_ring: bool
    seals: bool
    stored: int
    spooled: int
    queued: int | None

    @property
    def is_needed(self) -> bool:
        """True while something can be opened with this key only, or might be: the broker must have answered."""
        return self.seals or self.stored > 0 or self.spooled > 0 or self.queued is None or self.queued > 0


def key_report(services: Services, spool: Spool) -> list[KeyUse]:
    """Every key of the ring, in its order, then every lost key that something was sealed with."""
    stored, spooled, queued = _stored(services), _spooled(spool), _queued(services)
    lost = sorted({*stored, *spooled, *(queued or ())} - services.ring.keys.keys())
    return [
        KeyUse(
            id=key_id,
            in_ring=key_id in services.ring.keys,
            seals=key_id == services.ring.first,
            stored=stored[key_id],
            spooled=spooled[key_id],
            queued=None if queued is None else queued[key_id],
        )
        for key_id in (*services.ring.keys, *lost)
    ]


def _stored(services: Services) -> Counter[str]:
    with services.database.read() as connection:
        return sum((Counter(sealed.counts(connection, column)) for column in SEALED), Counter())


def _spooled(spool: Spool) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in spool.everything():
        with contextlib.suppress(FileNotFoundError):  # confirmed meanwhile
            found.update(key_ids_in(path.read_text(encoding="ascii", errors="replace")))
    return found


def _queued(services: Services) -> Counter[str] | None:
    """What lies on the queues, sealed; None where nobody can say."""
    if services.broker is None:
        return None
    try:
        return _count(text_of(raw) for raw in services.broker.everything())
    except redis.RedisError:
        return None


def _count(texts: Iterable[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text in texts:
        found.update(key_ids_in(text))
    return found
