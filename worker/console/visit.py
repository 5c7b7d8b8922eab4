"""One request to the console, as a page sees it: who asks, for what, and the ways to answer."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData, QueryParams
from starlette.responses import HTMLResponse, RedirectResponse, Response

from worker.console import cookie
from worker.console.look import BASE, Look
from worker.console.means import Means
from worker.domain.staff import Permission, Role, may
from worker.errors import NotFound
from worker.usecases.services import Services
from worker.usecases.staff.sign_in import Session, tell_next

_OURS = re.compile(r"/(?!/)[\w/.?=&%+~-]*", re.ASCII)
"""An address under ours: no scheme, no host, no backslash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page's function is given.

    `token` is the browser's cookie, by which forms prove to be ours; `is_new` when the browser had none."""

    means: Means
    look: Look
    token: str
    is_new: bool
    session: Session | None
    client: str
    method: str
    address: str
    path: Mapping[str, str]
    query: QueryParams
    form: FormData

    @property
    def services(self) -> Services:
        """What use cases are given."""
        return self.means.services

    @property
    def me(self) -> Session:
        """Who is signed in; on routes that are not open to anyone, somebody is."""
        if self.session is None:
            raise NotFound("nobody is signed in")
        return self.session

    @property
    def csrf(self) -> str:
        """What each form carries, so that no other website can post one: only this browser's cookie gives it."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()

    @property
    def here(self) -> str:
        """This page's path."""
        return self.address.partition("?")[0]

    def may(self, permission: Permission | str) -> bool:
        """True when whoever is signed in may do this."""
        return self.session is not None and may(self.session.role, Permission(permission))

    def typed(self, name: str) -> str:
        """A field of the form, or of the address's query; empty where it is missing. Never more than it should."""
        given = self.form.get(name, self.query.get(name, ""))
        return given.strip()[:2000] if isinstance(given, str) else ""

    def text(self, name: str) -> str:
        """A long text of the form, as it was typed."""
        given = self.form.get(name, "")
        return given if isinstance(given, str) else ""

    def secret(self, name: str) -> str:
        """A password of the form, exactly as typed: spaces count."""
        given = self.form.get(name, "")
        return given[:2000] if isinstance(given, str) else ""

    def chosen(self, name: str) -> list[str]:
        """Every value of a field that may come several times, such as ticked rows."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """Answer with a page, or a part of one."""
        answer = HTMLResponse(self.look.render(template, self.role, {"visit": self, **values}), status)
        if self.is_new and self.method == "GET":  # never in answer to a post from elsewhere, which has no cookie
            cookie.give(answer, self.token, is_https=self.means.is_https)
        return answer

    def go_to(self, path: str, notice: str = "", **query: object) -> Response:
        """Answer an act: go to a page of the console, which says the notice once. No contact data in it."""
        if notice and self.session is not None:
            tell_next(self.services, self.session, notice)
        return RedirectResponse(self.look.url(path, **query), 303)

    def go_on(self) -> Response:
        """After signing in: to where this visit wanted to go, if that is a page of ours."""
        wanted = self.typed("next")
        return RedirectResponse(BASE + (wanted if _OURS.fullmatch(wanted) else "/"), 303)

    @property
    def role(self) -> Role | None:
        """The role of whoever is signed in."""
        return self.session.role if self.session else None
