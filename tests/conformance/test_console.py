"""Rules of the console that can be read off its code and templates: whoever adds a page can't forget them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from tests.integration.console_routes import WHO_MAY
from worker.console import app, look, pages, words
from worker.console.means import Means
from worker.console.routes import Route
from worker.domain.staff import Permission, Role, may, roles_that_may

CONSOLE = Path(app.__file__).parent
TEMPLATES = sorted((CONSOLE / "templates").glob("*.html"))
ROOT = Path(__file__).parents[2]

GRAVE = {
    Permission.MANAGE_USERS,
    Permission.MANAGE_KEYS,
    Permission.MANAGE_ENDPOINTS,
    Permission.EXPORT_LEADS,
    Permission.ERASE_LEADS,
}
"""What nobody shall do who has only found a screen unlocked."""


def test_every_module_of_pages_is_served() -> None:
    there = {path.stem for path in Path(pages.__file__).parent.glob("*.py")} - {"__init__"}

    assert {module.__name__.rpartition(".")[2] for module in app.PAGES} == there


def test_nothing_is_served_that_was_not_declared_with_who_may_see_it() -> None:
    served = {
        (method, route.path)
        for route in app.create_console(Means.__new__(Means)).routes
        for method in route.methods - {"HEAD"}
    }

    assert served == {(route.method, route.path) for route in app.ROUTES} | {("GET", "/static/{name}")}
    assert len(app.ROUTES) == len({(route.method, route.path) for route in app.ROUTES})
    assert WHO_MAY.keys() == {f"{route.method} {route.path}" for route in app.ROUTES}


@pytest.mark.parametrize(
    "route", [route for route in app.ROUTES if route.needs in GRAVE], ids=lambda route: f"{route.method} {route.path}"
)
def test_what_is_grave_wants_the_password_again_and_has_a_page_that_asks(route: Route) -> None:
    if route.method == "POST":
        assert route.is_dangerous
        assert any(other.path == route.path and other.method == "GET" and other.is_dangerous for other in app.ROUTES)


def test_each_permission_and_role_has_words_and_someone_who_has_it() -> None:
    assert words.PERMISSIONS.keys() == set(Permission)
    assert words.ROLES.keys() == words.ROLE_HINTS.keys() == set(Role)
    assert all(Role.ADMIN in roles_that_may(permission) for permission in Permission)


def test_a_viewer_changes_nothing_and_reveals_nobody() -> None:
    assert {permission for permission in Permission if may(Role.VIEWER, permission)} == {
        Permission.SEE_HEALTH,
        Permission.SEE_LEADS,
        Permission.SEE_CONTENT,
    }


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_script_no_style_and_nothing_from_elsewhere(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|hx-on|javascript:|https?://", text) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_form_that_posts_carries_its_token(template: Path) -> None:
    for written in re.findall(r'<form[^>]*method="post".*?</form>', template.read_text(encoding="utf-8"), re.DOTALL):
        assert 'name="csrf" value="{{ visit.csrf }}"' in written


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_taken_for_safe_that_was_not_made_by_us(template: Path) -> None:
    assert "|safe" not in template.read_text(encoding="utf-8").replace(" ", "")


HTMX = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
"""Of htmx 4.0.1's `dist/htmx.min.js`, as its authors published it."""


EDITOR = "e6e6af36a94b2aea432b2daa587fe802cd1f704c695ee90c2dd699a8e4f2c787"
"""Of what `worker/console/editor/editor.js` says how to make, from prism-code-editor 5.4.0."""


def test_foreign_scripts_are_those_that_their_authors_published() -> None:
    scripts = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in look.STATIC.glob("*.js")}

    assert scripts.keys() == {"htmx.min.js", "prism-code-editor.min.js", "edit.js"}
    assert (scripts["htmx.min.js"], scripts["prism-code-editor.min.js"]) == (HTMX, EDITOR)
    assert "Zero-Clause BSD" in (look.STATIC / "htmx.LICENSE.txt").read_text(encoding="utf-8")
    assert "MIT License" in (look.STATIC / "prism-code-editor.LICENSE.txt").read_text(encoding="utf-8")


ERASURE = re.compile(r"worker/(storage|usecases/privacy)/\w*eras\w*\.py")


def test_the_trail_is_only_added_to() -> None:
    """But for erasure, which takes the person out of it."""
    found = [
        name
        for path in sorted((ROOT / "worker").rglob("*.py"))
        if not ERASURE.fullmatch(name := path.relative_to(ROOT).as_posix())
        if re.search(r"\b(?:update|delete)\(\s*(?:tables\.)?timeline\s*\)", path.read_text(encoding="utf-8"))
    ]

    assert found == []
