"""Read a table from a CSV file: its columns, and its rows, each with the number that a spreadsheet shows for it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from worker.errors import Refused

_DELIMITERS = ",;\t|"
PROBLEM = "problem"
"""The column that a file of errors has beside those of its table; where such a file is read again it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One row. `number` counts the heading as row 1."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table. Its rows are read one by one as they are asked for, as often as one likes."""

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    count: int

    def rows(self) -> Iterator[SheetRow]:
        """Each row that holds anything. Raises Refused at one with more cells than there are columns."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            next(reader)
            for number, cells in enumerate(reader, start=2):
                if len(cells) > len(self.columns):
                    raise Refused(f"row {number} has more cells than there are columns; is a quotation mark missing?")
                if any(cell.strip() for cell in cells):
                    yield SheetRow(number=number, cells=dict(zip(self.columns, cells, strict=False)))


def open_sheet(path: Path) -> Sheet:
    """Look at a file. Raises Refused where it is no table that can be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading = file.readline()
            delimiter = max(_DELIMITERS, key=heading.count)
            columns = tuple(name.strip() for name in next(csv.reader([heading], delimiter=delimiter), []))
            count = sum(1 for _ in csv.reader(file, delimiter=delimiter))
    except OSError:
        raise Refused(f"{path} can't be read; check its name and rights") from None
    except (UnicodeDecodeError, csv.Error):
        raise Refused(f"{path} is no CSV file in UTF-8; in a spreadsheet, save it as “CSV UTF-8”") from None
    if len(columns) < 2 or not all(columns):
        raise Refused("the first row must name each column, such as: email,first_name,consent")
    if len(set(columns)) < len(columns):
        raise Refused("two columns have the same name; rename one of them")
    return Sheet(path=path, columns=columns, delimiter=delimiter, count=count)
