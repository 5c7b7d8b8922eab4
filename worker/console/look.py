"""From values to HTML: the console's templates, their helpers, its static files. Everything is escaped.

Static files are named by their content, so that browsers may keep them for ever, and scripts carry the hash
that the browser is to check.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from worker.console import words
from worker.console.address import Address
from worker.console.menu import Menu, NavItem, menu_of
from worker.console.names import Names
from worker.console.studio.pages import FILES as STUDIO_FILES
from worker.content.catalog import Catalog
from worker.domain.staff import Role, may
from worker.page_templates import page_templates
from worker.static_files import PALETTE, version_of
from worker.usecases.staff_zone import staff_zone

BASE = "/console"
_CELL = re.compile(r"<t[rdh]\b")
STATIC = Path(__file__).parent / "static"
FILES: Mapping[str, tuple[Path, str]] = {
    "palette.css": (PALETTE, "text/css"),
    "console.css": (STATIC / "console.css", "text/css"),
    "htmx.min.js": (STATIC / "htmx.min.js", "text/javascript"),
    "prism-code-editor.min.js": (STATIC / "prism-code-editor.min.js", "text/javascript"),
    "edit.js": (STATIC / "edit.js", "text/javascript"),
    "edit.css": (STATIC / "edit.css", "text/css"),
    "prism-code-editor.css": (STATIC / "prism-code-editor.css", "text/css"),
    **STUDIO_FILES,
}
"""The static files that are served, with their types."""


class Look:
    """Renders pages. The published content is asked for each time: names and zone stand in it."""

    def __init__(self, nav: Sequence[NavItem], published: Callable[[], Catalog | None]) -> None:
        self.url = Address(BASE)
        self._published, self._nav = published, nav
        self._environment = page_templates(Path(__file__).parent / "templates")
        self._environment.globals.update(
            url=self.url,
            words=words,
            styles=[self.asset("palette.css"), self.asset("console.css")],
            asset=self.asset,
            integrity=_integrity,
        )
        self._environment.filters.update(act=words.act, age=words.age, label=words.label, labelled=labelled)

    def render(self, template: str, role: Role | None, values: Mapping[str, Any]) -> str:
        """One page, or a part of one."""
        catalog = self._published()
        zone = staff_zone(catalog)
        return self._environment.get_template(template).render(
            menu=self.menu_of(role, values["visit"].here),
            named=Names(catalog),
            when=lambda at, of=None: words.instant(at, of or zone),
            **values,
        )

    def names(self) -> Names:
        """What is published, by name."""
        return Names(self._published())

    def menu_of(self, role: Role | None, here: str) -> Menu:
        """The pages that this role may open, as they are offered on one of them."""
        mine = [item for item in self._nav if role and (item.needs is None or may(role, item.needs))]
        return menu_of(mine, here)

    def asset(self, name: str) -> str:
        """The address of a static file."""
        return self.url(f"/static/{name}", v=version_of(FILES[name][0]))


def labelled(rows: Markup, columns: Sequence[str]) -> Markup:
    """Rows whose cells carry their column's name, for screens where they stand below each other."""
    column = 0

    def with_label(tag: re.Match[str]) -> str:
        nonlocal column
        if tag[0] == "<tr":
            column = 0
            return tag[0]
        name, column = columns[column] if column < len(columns) else "", column + 1
        return f'{tag[0]} data-label="{escape(name)}"' if name and tag[0] == "<td" else tag[0]

    return Markup(_CELL.sub(with_label, rows))  # the rows are rendered, and so escaped, already


def _integrity(name: str) -> str:
    """What the browser checks a script by."""
    return "sha384-" + base64.b64encode(hashlib.sha384((STATIC / name).read_bytes()).digest()).decode()
