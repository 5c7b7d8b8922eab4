"""The tables of reports: how many of what on each day. Figures only; nothing in them leads to a person."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, Table

from worker.domain.tallies import OF_EMAILS, Figure
from worker.storage.columns import UtcDateTime, Word, metadata

tally_days = Table(
    "tally_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("counted_at", UtcDateTime),  # real time
    Column("due_at", UtcDateTime, nullable=False, index=True),  # real time: when it is to be counted anew
)

tallies = Table(
    "tallies",
    metadata,
    Column("day", Date, primary_key=True),
    Column("location", Word, primary_key=True),
    Column("condition", Word, primary_key=True),
    Column("sequence", Word, primary_key=True),
    Column("email", Word, primary_key=True),
    *(Column(figure.value, Integer, nullable=False) for figure in Figure),
)

mail_tallies = Table(
    "mail_tallies",
    metadata,
    Column("day", Date, primary_key=True),
    Column("location", Word, primary_key=True),
    Column("provider", Word, primary_key=True),
    Column("mailbox", Word, primary_key=True),
    *(Column(figure.value, Integer, nullable=False) for figure in OF_EMAILS),
)
