"""From values to HTML: the templates of the studio, its addresses and its two static files.

Everything is escaped by the templates. Addresses of static files name their content, so that browsers may
keep them for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from worker.console.address import Address
from worker.console.studio import words

STATIC = Path(__file__).parent / "static"
TYPES: Mapping[str, str] = {"studio.css": "text/css", "studio.js": "text/javascript", "studio.svg": "image/svg+xml"}
"""The static files, with their types."""


class Pages:
    """Renders the pages of one studio."""

    def __init__(self, base: str, home: tuple[str, str] | None) -> None:
        self.address = Address(base)
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(
            url=self.address,
            home=home,
            words=words,
            assets={Path(name).suffix[1:]: self.address(f"/assets/{name}", v=_hash(name)) for name in TYPES},
        )

    def render(self, template: str, values: Mapping[str, object]) -> str:
        """One page."""
        return self._environment.get_template(template).render(values)


@cache
def _hash(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
