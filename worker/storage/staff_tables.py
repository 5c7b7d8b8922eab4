"""The tables of staff: accounts, one-time links, and where they are signed in. All times are real time."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, Text

from worker.storage.columns import Hash, Id, UtcDateTime, Word, metadata

staff = Table(
    "staff",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Word, nullable=False, unique=True),
    Column("role", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("password_hash", Text),
    Column("code_key_sealed", Text),  # of the one-time codes (TOTP)
    Column("code_step", BigInteger),  # the last one that was used
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("signed_in_at", UtcDateTime),
)

staff_links = Table(
    "staff_links",
    metadata,
    Column("token_hash", Hash, primary_key=True),
    Column("staff_id", Id, ForeignKey("staff.id"), nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", Hash, nullable=False, unique=True),
    Column("staff_id", Id, ForeignKey("staff.id"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("proved_at", UtcDateTime, nullable=False),  # when the password was given last
    Column("notice", Text),  # what the next page says once
)
