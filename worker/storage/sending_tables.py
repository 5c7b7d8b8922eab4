"""The tables of manners: how much was sent, and how the provider is."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, Table

from worker.storage.columns import UtcDateTime, Word, metadata

usage = Table(
    "usage",
    metadata,
    Column("name", Word, primary_key=True),
    Column("amount", Float, nullable=False),
    Column("at", UtcDateTime, nullable=False),  # real time for rates; the day, by the product clock, for the warm-up
)

breakers = Table(
    "breakers",
    metadata,
    Column("provider", Word, primary_key=True),
    Column("state", Word, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("probes", Integer, nullable=False),
    Column("since", UtcDateTime),  # real time
    Column("retry_at", UtcDateTime),  # real time
    Column("code", Word),
)
