"""The table of drafts: every text that somebody saved in the studio, kept. `saved_at` is real time."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, String, Table, Text, UniqueConstraint, text

from worker.storage.columns import Serial, UtcDateTime, Word, metadata

draft_versions = Table(
    "draft_versions",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("path", String(100), nullable=False),
    Column("number", Integer, nullable=False),  # of this path; two who save at once want the same one
    Column("text", Text, nullable=False),
    Column("saved_by", Word, nullable=False),
    Column("saved_at", UtcDateTime, nullable=False),
    Column("is_open", Boolean, nullable=False, server_default=text("true")),  # neither published nor given up
    UniqueConstraint("path", "number"),
)
