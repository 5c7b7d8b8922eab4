"""What was erased, by keyed hash, so that a late copy of it (spool, queue, relay) never brings a person back.

Nothing here leads to a person: whoever holds a submission can ask whether it was erased, and nobody can list them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Select, select

from worker.storage.database import insert_once, is_one_of_given
from worker.storage.sealing import LookupKey
from worker.storage.tables import erased

_MANY = 500


def remember(connection: Connection, lookup: LookupKey, submission_id: str, body_hash: str, at: datetime) -> None:
    """Never store this submission again; `body_hash` is the one it was stored with."""
    values = {
        "submission_hash": _mark(lookup, submission_id),
        "body_hash": body_mark(lookup, submission_id, body_hash),
        "at": at,
    }
    insert_once(connection, erased, values)


def body_mark(lookup: LookupKey, submission_id: str, body_hash: str) -> str:
    """What is remembered of a body: not its hash as it was stored, or one could be traced to the other."""
    return lookup.hash(f"{submission_id}/{body_hash}", "erased body")


def known(connection: Connection, lookup: LookupKey, ids: Iterable[str]) -> set[str]:
    """Which of these submissions were erased."""
    return set(bodies_of(connection, lookup, ids))


def bodies_of(connection: Connection, lookup: LookupKey, ids: Iterable[str]) -> dict[str, str]:
    """Of those of these submissions that were erased, the mark of the body."""
    marks = {_mark(lookup, submission_id): submission_id for submission_id in ids}
    wanted, found = sorted(marks), dict[str, str]()
    for start in range(0, len(wanted), _MANY):
        some = {"hashes": wanted[start : start + _MANY]}
        for row in connection.execute(_bodies(connection.dialect.name), some):
            found[marks[row.submission_hash]] = row.body_hash
    return found


@cache
def _bodies(dialect: str) -> Select[str, str]:
    some = is_one_of_given(dialect, erased.c.submission_hash, "hashes")
    return select(erased.c.submission_hash, erased.c.body_hash).where(some)


def _mark(lookup: LookupKey, submission_id: str) -> str:
    return lookup.hash(submission_id, "erased submission")
