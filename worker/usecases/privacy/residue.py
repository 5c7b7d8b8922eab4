"""Look everywhere for what could still lead to an erased person: the proof that erasure is complete.

Searched: every row of the database (on SQLite its very files, free pages and log too), every key of the broker, and
every file of this host's state folder and spool. Found is told by place and kind, never by value.

One thing is not found by it, and is meant to stay for a while: the sealed notice to other systems that they forget
too (`worker/storage/erasure_notices.py`). It goes with the telling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from worker.domain.messages import text_of
from worker.storage.local_files import find, find_in
from worker.storage.search import database_files, rows_as_text
from worker.storage.traces import ADDRESS_HASH, Traces
from worker.usecases.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """What was found, as (place, kind), and which places could not be searched."""

    found: tuple[tuple[str, str], ...]
    unsearched: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """True when every place was searched and nothing was found."""
        return not self.found and not self.unsearched


def search_everywhere(services: Services, traces: Traces) -> Residue:
    """Search for all traces of one person. What must remain, a suppression's keyed hash, is no residue."""
    found = set(_in_database(services, traces))
    found.update(_in_files(services, traces))
    unsearched = []
    try:
        found.update(_in_broker(services, traces))
    except redis.RedisError:
        unsearched.append("the broker")
    if services.files is None:
        unsearched.append("the state folder")
    return Residue(found=tuple(sorted(found)), unsearched=tuple(unsearched))


def _in_database(services: Services, traces: Traces) -> Iterator[tuple[str, str]]:
    elsewhere = traces.without(ADDRESS_HASH)
    with services.database.read() as connection:
        for table, text in rows_as_text(connection):
            wanted = elsewhere if table == "suppressions" else traces
            yield from _named(f"the table {table}", wanted, find(text.encode(), wanted.spellings))
    for path in database_files(services.database):
        yield from _named(f"the file {path.name}", elsewhere, find_in(path, elsewhere.spellings))


def _in_broker(services: Services, traces: Traces) -> Iterator[tuple[str, str]]:
    if services.broker is None:
        return
    for raw in services.broker.everything():
        yield from _named("the broker", traces, find(text_of(raw).encode(), traces.spellings))


def _in_files(services: Services, traces: Traces) -> Iterator[tuple[str, str]]:
    if services.files is None:
        return
    plain, packed = traces.without(ADDRESS_HASH), traces.within_base64()
    own = set(database_files(services.database))
    for path in services.files.everything():
        if path in own:
            continue
        wanted = packed if _keeps_messages(path) else plain
        name = find(path.name.encode(), wanted.spellings)
        yield from _named(f"the folder {path.parent.name}", wanted, name + find_in(path, wanted.spellings))


def _keeps_messages(path: Path) -> bool:
    return "valkey" in path.parts


def _named(place: str, traces: Traces, numbers: list[int]) -> Iterator[tuple[str, str]]:
    yield from ((place, kind) for kind in traces.kinds_of(numbers))
