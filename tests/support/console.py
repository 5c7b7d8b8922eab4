"""The staff console over HTTP without a server: browsers of staff, each with cookies of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from starlette.testclient import TestClient

from tests.support.world import RING, World
from worker.doctor.catalogue import BROKER
from worker.doctor.finding import Finding, Level
from worker.domain.staff import Role, StaffState
from worker.settings import Environment, Settings, load_settings
from worker.storage import one_time_codes, staff
from worker.storage.broker import Broker
from worker.storage.database import real_now
from worker.storage.passwords import Passwords
from worker.web import create_web

HOST = "https://leads.example.com"
COOKIE = "__Secure-staff"
PASSWORD = "three green teapots"
CODE_KEY = bytes(range(20))
NOWHERE = "redis://127.0.0.1:1"


QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Not for production: the tests sign in often."""


@cache
def hashed() -> str:
    return QUICK.hash(PASSWORD)


def add_staff(world: World, name: str, role: Role, *, with_codes: bool = False) -> str:
    """An account that can sign in with `PASSWORD`; its id."""
    with world.database.write() as connection:
        staff_id = staff.add(connection, name, role, real_now(connection))
        assert staff_id is not None, f"there is a {name} already"
        key = RING.seal(CODE_KEY, staff.code_place(staff_id)) if with_codes else None
        staff.change(connection, staff_id, state=StaffState.ACTIVE, password_hash=hashed(), code_key_sealed=key)
    return staff_id


def start_session(world: World, staff_id: str) -> str:
    """Signed in without the page for it; the cookie's value."""
    with world.database.write() as connection:
        return staff.start_session(connection, staff_id, real_now(connection))[1]


def code_of_now() -> str:
    return one_time_codes.code_at(CODE_KEY, datetime.now(UTC))


@dataclass
class Person:
    """Someone's browser."""

    client: TestClient
    _csrf: tuple[str | None, str] | None = None

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/console{path}", headers={"Sec-Fetch-Site": "same-origin", **headers})

    def post(self, path: str, *, csrf: str | None = None, origin: str = HOST, **fields: str) -> Any:
        """Post a form of the console; its token is read off a page, as a browser would send it."""
        token = self.csrf() if csrf is None else csrf
        return self.client.post(f"/console{path}", data={"csrf": token, **fields}, headers={"Origin": origin})

    def csrf(self) -> str:
        """What every form carries, as long as the cookie is the same."""
        if self._csrf is None or self._csrf[0] != self.cookie or self.cookie is None:
            html = self.get("/sign-in" if self.cookie is None else "/prove").text
            found = re.search(r'name="csrf" value="(\w+)"', html) or re.search(
                r'name="csrf" value="(\w+)"', self.get("/sign-in").text
            )
            assert found, "no page carries a token"
            self._csrf = self.cookie, found[1]
        return self._csrf[1]

    def sign_in(self, name: str, password: str = PASSWORD, code: str = "", to: str = "") -> Any:
        return self.post("/sign-in", name=name, password=password, code=code, next=to)

    @property
    def cookie(self) -> str | None:
        return self.client.cookies.get(COOKIE)

    @property
    def is_signed_in(self) -> bool:
        return bool(self.get("/account").status_code == 200)


@dataclass
class Console:
    """A console on a world of its own."""

    world: World
    settings: Settings
    app: Any

    def someone(self) -> Person:
        """A browser that nobody is signed in with."""
        return Person(TestClient(self.app, base_url=HOST, follow_redirects=False))

    def sign_in(self, person: Person, staff_id: str) -> Person:
        """Signed in without the page for it."""
        token = start_session(self.world, staff_id)
        person.client.cookies.set(COOKIE, token, domain="leads.example.com", path="/console")
        return person

    def person(self, role: Role, name: str = "") -> Person:
        """A browser in which someone of this role is signed in."""
        return self.sign_in(self.someone(), add_staff(self.world, name or str(role).replace("_", ""), role))


FINDINGS = [BROKER.failed("the broker is silent"), Finding("NRT-D005", Level.OK, "the disk has room")]
"""What the doctor tells in tests: his own have tests of their own."""


def open_console(
    world: World, folder: Path, *, production: bool = False, broker: str = NOWHERE, **more: Any
) -> Console:
    """A console as the web process serves it."""
    world.services.public_url, world.services.passwords = HOST, QUICK
    settings = load_settings({}, state_dir=folder, public_url=HOST, rate_limit="off", drafts="database", **more)
    if production:
        settings = settings.model_copy(update={"env": Environment.PRODUCTION})
    return Console(world, settings, create_web(world.services, settings, Broker(broker), lambda *_: FINDINGS))


def text_of(html: str) -> str:
    """What a person reads, roughly."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
