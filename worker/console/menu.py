"""The navigation: a row of groups, and below it the pages of the group where one is; one line each, for every role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from worker.domain.staff import Permission

_HOME, _REST = "Home", "Operation"

GROUPS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        _HOME: ("/",),
        "People": ("/front-desk", "/leads", "/quarantine"),
        "Emails": ("/upcoming", "/sequences", "/studio"),
        "Figures": ("/reports", "/deliverability"),
        _REST: (),
        "Staff": ("/audit", "/users", "/account"),
    }
)
"""Which pages stand together. A page that is in none belongs to operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """A page in the navigation; without a permission it is there for everyone who is signed in."""

    name: str
    path: str
    needs: Permission | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A group or a page. `current` is what `aria-current` says: "page" for the page itself, "true" for one within."""

    name: str
    path: str
    current: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """`groups` lead to their first page; `pages` are those of the group where one is."""

    groups: Sequence[Link]
    pages: Sequence[Link]


def menu_of(items: Sequence[NavItem], here: str) -> Menu:
    """What is offered on a page, of what someone may open."""
    grouped = {group: [item for item in items if _group_of(item.path) == group] for group in GROUPS}
    inside = next((item for item in items if item.path != "/" and _current(here, item.path)), None)
    at = _group_of(inside.path if inside else here)
    groups = [
        Link(name=name, path=members[0].path, current=("page" if here == "/" else "true") if name == at else "")
        for name, members in grouped.items()
        if members
    ]
    return Menu(groups=groups, pages=[_link(item, here) for item in grouped[at]] if at != _HOME else [])


def _link(item: NavItem, here: str) -> Link:
    return Link(name=item.name, path=item.path, current=_current(here, item.path))


def _group_of(path: str) -> str:
    return next((group for group, paths in GROUPS.items() if path in paths), _REST)


def _current(here: str, path: str) -> str:
    if here == path:
        return "page"
    return "true" if here.startswith(f"{path}/") else ""
