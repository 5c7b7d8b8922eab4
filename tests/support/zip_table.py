"""`python -m tests.support.zip_table` makes the table of ZIP codes anew, from the installed zipcodes package."""

from __future__ import annotations

from pathlib import Path

import zipcodes

from worker.usecases.arrival import zip_codes

TABLE = Path(zip_codes.__file__).with_suffix(".txt")

_LINE = "{zip:5}{state:2}{latitude:+08.4f}{longitude:+09.4f}\n"


def table_of_package() -> str:
    """What the table should hold."""
    return "".join(
        _LINE.format(
            zip=row["zip_code"], state=row["state"], latitude=float(row["lat"] or 0), longitude=float(row["long"] or 0)
        )
        for row in sorted(zipcodes.list_all(), key=lambda row: row["zip_code"])
    )


if __name__ == "__main__":
    TABLE.write_text(table_of_package(), encoding="ascii")
