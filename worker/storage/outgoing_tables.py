"""The tables of what other systems are told: who they are, and the outbox of events for each."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, text

from worker.storage.columns import Id, Json, Serial, UtcDateTime, Word, metadata

_WAITS = text("state = 'pending'")

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("sealed", Text),  # the address and the secrets; empty once it was removed
    Column("events", Json, nullable=False),
    Column("tells", Json, nullable=False),  # what beside ids
    Column("agreed_by", Text),
    Column("agreed_on", Text),  # a day
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("not_before", UtcDateTime),  # real time
    Column("last_code", Word),
    Column("last_told_at", UtcDateTime),  # real time
    Column("stopped_at", UtcDateTime),
    Column("removed_at", UtcDateTime),
    Column("paused_at", UtcDateTime),  # by staff; what happens meanwhile waits
)

outgoing_events = Table(
    "outgoing_events",
    metadata,
    Column("number", Serial, primary_key=True),  # the order in which a lead's events are told
    Column("id", Id, nullable=False, unique=True),
    Column("endpoint_id", Id, ForeignKey("endpoints.id"), nullable=False),
    Column("lead_id", Id, ForeignKey("leads.id"), index=True),
    Column("type", Text, nullable=False),
    Column("detail", Json, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", Word, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcDateTime),  # real time: the lease of a try, or the wait after one
    Column("last_code", Word),
    Column("sealed", Text),  # who was erased, until it is told
    # Only what waits is walked, however much was ever told.
    Index("ix_outgoing_events_waiting", "endpoint_id", "number", postgresql_where=_WAITS, sqlite_where=_WAITS),
    Index("ix_outgoing_events_of_lead", "endpoint_id", "lead_id", "number", postgresql_where=_WAITS,
          sqlite_where=_WAITS),
)  # fmt: skip
