"""Addresses of pages, made in one place, so that what stands in them is always quoted."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Address:
    """Makes addresses under a base: `address("/email/risks", view="phone")`."""

    base: str

    def __call__(self, path: str, **query: object) -> str:
        """The address; what is empty is left out of its query."""
        given = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return f"{self.base}{quote(path)}" + (f"?{urlencode(given)}" if given else "")
