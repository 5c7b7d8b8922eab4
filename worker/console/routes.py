"""How a page of the console is declared: its address, the permission that it needs, and the function that answers.

There is no other way to serve one, so that no page can forget to ask who is there. A page's module lists its
`ROUTES`; `worker.console.app` lists the modules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from starlette.responses import Response

from worker.console.visit import Visit
from worker.domain.staff import Permission


class Open(StrEnum):
    """A route without a permission of its own says so."""

    TO_ANYONE = "to_anyone"
    """Also to people who are not signed in."""
    TO_STAFF = "to_staff"
    """To whoever is signed in, about themselves."""


Handler = Callable[[Visit], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. A dangerous one wants the password again; its page and its act share one address."""

    method: str
    path: str
    needs: Permission | Open
    handler: Handler
    nav: str | None = None
    is_dangerous: bool = False
    refreshes_itself: bool = False
    keeps_words: bool = False
    """What was typed into its `text` is shown to whoever was signed out meanwhile, to be saved again."""


def page(path: str, needs: Permission | Open, handler: Handler, *, nav: str | None = None) -> Route:
    """A page to read. With `nav` it stands in the navigation, under this name, for those who may see it."""
    return Route(method="GET", path=path, needs=needs, handler=handler, nav=nav)


def fragment(path: str, needs: Permission | Open, handler: Handler) -> Route:
    """A part of a page that asks for itself again and again; nobody stays signed in by it."""
    return Route(method="GET", path=path, needs=needs, handler=handler, refreshes_itself=True)


def act(path: str, needs: Permission | Open, handler: Handler, *, keeps_words: bool = False) -> Route:
    """A form's address. It changes something and answers with `visit.go_to(…)`."""
    return Route(method="POST", path=path, needs=needs, handler=handler, keeps_words=keeps_words)


def dangerous(path: str, needs: Permission, *, ask: Handler, do: Handler) -> tuple[Route, Route]:
    """Something that is asked for twice: a page that says what will happen, and the act. Both want the password
    of the last five minutes."""
    return (
        Route(method="GET", path=path, needs=needs, handler=ask, is_dangerous=True),
        Route(method="POST", path=path, needs=needs, handler=do, is_dangerous=True),
    )
