"""Every sealed column, with the place that its values are bound to: the one list that key rotation walks.

A column named `sealed` or `…_sealed` that is missing here would be lost when its key is taken out of the ring;
a conformance test compares this list with the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, func, select, update

from worker.storage import endpoints, erasure_notices, installation, leads, parked, staff, submissions, tables, tokens
from worker.storage.sealing import is_key_id, prefix_of


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values. `place` says, from its row, where a value opens; None where it can't any more."""

    column: Column[Any]
    place: Callable[[Mapping[str, Any]], str | None]

    @property
    def name(self) -> str:
        """`table.column`."""
        return f"{self.column.table.name}.{self.column.name}"

    @property
    def key(self) -> Column[Any]:
        """The row's primary key; every table of sealed values has one of one column."""
        key: Column[Any]
        (key,) = self.column.table.primary_key.columns
        return key


def _identity(name: str) -> SealedColumn:
    return SealedColumn(tables.leads.c[f"{name}_sealed"], lambda row: leads.place(row["id"], name))


SEALED: tuple[SealedColumn, ...] = (
    SealedColumn(tables.installation.c.lookup_key_sealed, lambda _: installation.LOOKUP_PLACE),
    *(_identity(name) for name in leads.IDENTITY),
    SealedColumn(tables.submissions.c.sealed, lambda row: submissions.place(row["id"])),
    SealedColumn(tables.parked.c.sealed, parked.place_of),
    SealedColumn(tables.endpoints.c.sealed, lambda row: endpoints.place(row["id"])),
    SealedColumn(tables.outgoing_events.c.sealed, lambda row: erasure_notices.place(row["id"])),
    SealedColumn(tables.tokens.c.secret_sealed, lambda row: tokens.secret_place(row["id"])),
    SealedColumn(tables.staff.c.code_key_sealed, lambda row: staff.code_place(row["id"])),
)


def counts(connection: Connection, sealed: SealedColumn) -> dict[str, int]:
    """How many values each key has sealed in this column. What is too damaged to say is left out."""
    key_id = _key_id(connection, sealed.column)
    rows = connection.execute(
        select(key_id, func.count()).where(sealed.column.is_not(None)).group_by(key_id).order_by(key_id)
    )
    return {row[0]: row[1] for row in rows if is_key_id(row[0])}


def count_other(connection: Connection, sealed: SealedColumn, key_id: str) -> int:
    """How many values of this column another key than this one has sealed."""
    return connection.execute(
        select(func.count()).select_from(sealed.column.table).where(_is_other(sealed, key_id))
    ).scalar_one()


def next_other(
    connection: Connection, sealed: SealedColumn, key_id: str, after: Any, limit: int
) -> Sequence[Mapping[str, Any]]:
    """The next rows, by primary key, whose value another key than this one has sealed."""
    query = select(sealed.column.table).where(_is_other(sealed, key_id)).order_by(sealed.key).limit(limit)
    rows = connection.execute(query if after is None else query.where(sealed.key > after))
    return [dict(row._mapping) for row in rows]


def replace(connection: Connection, sealed: SealedColumn, row: Mapping[str, Any], fresh: str) -> bool:
    """Put a fresh seal in place of the one that was read; False where someone has written the row meanwhile."""
    updated = connection.execute(
        update(sealed.column.table)
        .where(sealed.key == row[sealed.key.name], sealed.column == row[sealed.column.name])
        .values({sealed.column.name: fresh})
    )
    return updated.rowcount == 1


def _is_other(sealed: SealedColumn, key_id: str) -> ColumnElement[bool]:
    prefix = prefix_of(key_id)
    return sealed.column.is_not(None) & (func.substr(sealed.column, 1, len(prefix)) != prefix)


def _key_id(connection: Connection, column: Column[Any]) -> ColumnElement[str]:
    """The second part of `s1.KEY.…`, as each database cuts it out."""
    if connection.dialect.name == "sqlite":
        rest = func.substr(column, func.instr(column, ".") + 1)
        return func.substr(rest, 1, func.instr(rest, ".") - 1)
    return func.split_part(column, ".", 2)
