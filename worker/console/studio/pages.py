"""From values to HTML: the templates of the studio, its addresses and its static files.

Everything is escaped by the templates. Addresses of static files name their content, so that browsers may
keep them for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from worker.console.address import Address
from worker.console.studio import words
from worker.page_templates import page_templates
from worker.static_files import PALETTE, version_of

STATIC = Path(__file__).parent / "static"
FILES: Mapping[str, tuple[Path, str]] = {
    "palette.css": (PALETTE, "text/css"),
    "studio.css": (STATIC / "studio.css", "text/css"),
    "studio.js": (STATIC / "studio.js", "text/javascript"),
    "studio.svg": (STATIC / "studio.svg", "image/svg+xml"),
}
"""The static files, with their types."""


class Pages:
    """Renders the pages of one studio."""

    def __init__(self, base: str, assets: str, home: tuple[str, str] | None) -> None:
        self.address = Address(base)
        self._environment = page_templates(Path(__file__).parent / "pages")
        self._environment.globals.update(
            url=self.address,
            home=home,
            words=words,
            assets={name: Address(assets)(f"/{name}", v=version_of(file)) for name, (file, _) in FILES.items()},
        )

    def render(self, template: str, values: Mapping[str, object]) -> str:
        """One page."""
        return self._environment.get_template(template).render(values)
