"""Many rows in one statement whose text never changes, however many there are, so that it is prepared once.

On PostgreSQL the rows travel as one JSON parameter. SQLite takes them one after another, without a round trip.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    Table,
    TableValuedAlias,
    Text,
    Update,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql

from worker.storage.database import insert_for

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows for a table; `once` leaves out those that are there already, instead of refusing them. `alike` is a column
    of JSON in which many rows have the very same object: on PostgreSQL it travels, and is read, once."""

    table: Table
    rows: Sequence[Row]
    once: bool = False
    alike: str | None = None


def insert_all(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, leaving out those that are there already."""
    insert_several(connection, [NewRows(table, rows, once=True)])


def insert_new(connection: Connection, table: Table, rows: Sequence[Row], key: str) -> set[Any]:
    """Insert rows; the values of column `key` of those that were not there already."""
    return insert_several(connection, [NewRows(table, rows, once=True)], key)


@dataclass(frozen=True, slots=True)
class Along:
    """A change of another table that goes along in the same statement, where there are rows to insert as well."""

    update: Update
    parameters: Mapping[str, str]


def insert_several(
    connection: Connection,
    several: Sequence[NewRows],
    key: str | None = None,
    along: Along | None = None,
) -> set[Any]:
    """Insert rows into several tables, each at most once in the list; of the last table's new rows, the values of
    column `key`. Rows that refer to each other may come together; on PostgreSQL a change may go `along`."""
    given = [each for each in several if each.rows]
    last_key = key if given and given[-1] is several[-1] else None
    if not given:
        return set()
    if connection.dialect.name == "sqlite":
        return _one_after_another(connection, given, last_key)
    shape = tuple((each.table, tuple(each.rows[0]), each.once, each.alike) for each in given)
    parameters = {name: text for each in given for name, text in _parameters(each)}
    found = connection.execute(
        _statement(shape, last_key, along and along.update), parameters | dict(along.parameters if along else {})
    )
    return {row[0] for row in found} if last_key else set()


def from_json(table: Table, names: Sequence[str], parameter: str, numbered: str | None = None) -> TableValuedAlias:
    """PostgreSQL: the rows of a JSON parameter, with the types of the table's columns; `numbered` has numbers."""
    typed = [column(name, Integer() if name == numbered else table.c[name].type) for name in names]
    rows = func.json_to_recordset(bindparam(parameter, type_=Text).cast(postgresql.JSON)).table_valued(*typed)
    return rows.alias(f"new_{table.name}").render_derived(with_types=True)


def _one_after_another(connection: Connection, given: Sequence[NewRows], last_key: str | None) -> set[Any]:
    for each in given:
        insert = insert_for(connection)(each.table)
        statement = insert.on_conflict_do_nothing() if each.once else insert
        rows = [dict(row) for row in each.rows]
        if last_key and each is given[-1]:
            found = connection.execute(statement.returning(each.table.c[last_key]), rows)
            return {row[0] for row in found}
        connection.execute(statement, rows)
    return set()


@lru_cache(maxsize=64)
def _statement(
    shape: tuple[tuple[Table, tuple[str, ...], bool, str | None], ...], last_key: str | None, along: Update | None
) -> Any:
    *others, last = [_insert(*each) for each in shape]
    for (table, *_), other in zip(shape, others, strict=False):
        last = last.add_cte(other.cte(f"into_{table.name}"))
    if along is not None:
        last = last.add_cte(along.cte("along"))
    return last.returning(shape[-1][0].c[last_key]) if last_key else last


def _insert(table: Table, names: tuple[str, ...], once: bool, alike: str | None) -> Any:
    rows = from_json(table, names, table.name, numbered=alike)
    chosen = rows.select() if alike is None else _with_what_is_alike(rows, table, names, alike)
    insert = postgresql.insert(table).from_select(names, chosen)
    return insert.on_conflict_do_nothing() if once else insert


def _with_what_is_alike(rows: TableValuedAlias, table: Table, names: Sequence[str], alike: str) -> Select[Any]:
    """The rows, with the objects that they have by their numbers. The offset keeps the planner from reading the
    parameter anew for each row."""
    text = bindparam(_alike(table), type_=Text)
    shared = select(text.cast(postgresql.JSONB).label("objects")).offset(literal_column("0")).subquery("shared")
    columns = (shared.c.objects[rows.c[name]] if name == alike else rows.c[name] for name in names)
    return select(*columns).select_from(rows.join(shared, true()))


def _parameters(new: NewRows) -> Iterator[tuple[str, str]]:
    if new.alike is None:
        yield new.table.name, _as_json([dict(row) for row in new.rows])
        return
    name, objects, numbers = new.alike, list[object](), dict[int, int]()
    for each in (row[name] for row in new.rows):
        if numbers.setdefault(id(each), len(objects)) == len(objects):
            objects.append(each)
    yield new.table.name, _as_json([{**row, name: numbers[id(row[name])]} for row in new.rows])
    yield _alike(new.table), _as_json(objects)


def _alike(table: Table) -> str:
    return f"alike_in_{table.name}"


def _as_json(values: object) -> str:
    return json.dumps(values, default=_plain, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("a datetime without a time zone")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
