"""Who is told what happens, and how each does: what waits, since when, what is parked; never an address or a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from worker.errors import NotFound
from worker.storage import endpoints, outgoing_events
from worker.storage.outgoing_events import Backlog
from worker.usecases.services import Services


class EndpointState(StrEnum):
    """How it does. `ENDED`: it said itself that it is gone, with 410, and is told nothing until someone resumes it."""

    LISTENS = "listens"
    FAILING = "failing"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One system. `host` is where it is; the whole address is sealed, since it may hold a password."""

    id: str
    name: str
    kind: str
    host: str
    state: EndpointState
    events: tuple[str, ...]
    tells: tuple[str, ...]
    agreed_by: str | None
    agreed_on: str | None
    failures: int
    last_code: str | None
    created_at: datetime
    created_by: str
    last_told_at: datetime | None
    stopped_at: datetime | None
    paused_at: datetime | None
    waiting: int
    oldest_at: datetime | None
    parked: int


def list_endpoints(services: Services) -> list[Endpoint]:
    """Every one that was not removed, the oldest first."""
    with services.database.read() as connection:
        return _seen(connection, endpoints.listed(connection))


def find_endpoint(services: Services, endpoint_id: str) -> Endpoint:
    """One of them. Raises NotFound."""
    with services.database.read() as connection:
        return _seen(connection, [endpoint_row(connection, endpoint_id)])[0]


def endpoint_row(connection: Connection, endpoint_id: str) -> Mapping[str, Any]:
    """One of them as it is stored, its address and secrets sealed. Raises NotFound."""
    row = endpoints.by_id(connection, endpoint_id)
    if row is None:
        raise NotFound("there is no endpoint of this id; see nurture webhooks list")
    return row


def _seen(connection: Connection, rows: list[Mapping[str, Any]]) -> list[Endpoint]:
    backlogs = outgoing_events.backlogs(connection)
    return [_endpoint(row, backlogs.get(row["id"], Backlog())) for row in rows]


def _endpoint(row: Mapping[str, Any], backlog: Backlog) -> Endpoint:
    same = ("id", "name", "kind", "host", "agreed_by", "agreed_on", "failures", "last_code", "created_at", "created_by",
            "last_told_at", "stopped_at", "paused_at")  # fmt: skip
    return Endpoint(
        **{name: row[name] for name in same},
        state=_state(row),
        events=tuple(row["events"]),
        tells=tuple(row["tells"]),
        waiting=backlog.waiting,
        oldest_at=backlog.oldest_at,
        parked=backlog.parked,
    )


def _state(row: Mapping[str, Any]) -> EndpointState:
    if row["stopped_at"]:
        return EndpointState.ENDED
    if row["paused_at"]:
        return EndpointState.PAUSED
    return EndpointState.FAILING if row["failures"] else EndpointState.LISTENS
