"""From values to HTML: the console's templates, their helpers, its static files. Everything is escaped.

Static files are named by their content, so that browsers may keep them for ever, and scripts carry the hash
that the browser is to check.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from worker.console import words
from worker.console.address import Address
from worker.console.studio.pages import FILES as STUDIO_FILES
from worker.domain.staff import Permission, Role, may
from worker.static_files import PALETTE, version_of

BASE = "/console"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """A page in the navigation; without a permission it is there for everyone who is signed in."""

    name: str
    path: str
    needs: Permission | None


class Look:
    """Renders pages. `zone` is asked each time, since it stands in the published content."""

    def __init__(self, nav: Sequence[NavItem], zone: Callable[[], str]) -> None:
        self.url = Address(BASE)
        self._zone, self._nav = zone, nav
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(
            url=self.url,
            words=words,
            styles=[self.asset("palette.css"), self.asset("console.css")],
            asset=self.asset,
            integrity=_integrity,
        )
        self._environment.filters.update(act=words.act, age=words.age, label=words.label)

    def render(self, template: str, role: Role | None, values: Mapping[str, Any]) -> str:
        """One page, or a part of one."""
        zone = self._zone()
        return self._environment.get_template(template).render(
            nav=self.nav_of(role),
            when=lambda at, of=None: words.instant(at, of or zone),
            **values,
        )

    def nav_of(self, role: Role | None) -> list[NavItem]:
        """The pages that this role may open."""
        return [item for item in self._nav if role and (item.needs is None or may(role, item.needs))]

    def asset(self, name: str) -> str:
        """The address of a static file."""
        return self.url(f"/static/{name}", v=version_of(FILES[name][0]))


def _integrity(name: str) -> str:
    """What the browser checks a script by."""
    return "sha384-" + base64.b64encode(hashlib.sha384((STATIC / name).read_bytes()).digest()).decode()
