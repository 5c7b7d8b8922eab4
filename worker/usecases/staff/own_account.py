"""What people set for themselves: a password, by a one-time link or signed in, and the key of their one-time codes.

A new key is shown before it is kept: sealed for its owner, it goes to the browser and comes back with a first code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from worker.domain.staff import StaffState, normalised, weakness
from worker.errors import NotFound, SealError
from worker.storage import installation, one_time_codes, staff, timeline
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.services import Services
from worker.usecases.staff.sign_in import Session, begin


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedKey:
    """A key for one-time codes: for the QR code, for the keyboard, and sealed for its way to the browser and back."""

    address: str
    spelled: str
    sealed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with what was typed, and in which field."""

    field: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What someone typed to set up an account. Never shown."""

    password: str
    again: str
    offered: str
    code: str

    def __repr__(self) -> str:
        return "Typed(…)"


def invited(services: Services, token: str) -> Mapping[str, Any]:
    """The account of a one-time link. Raises NotFound where the link is used, too old or none."""
    with services.database.read() as connection:
        account = staff.of_link(connection, token, real_now(connection))
    if account is None:
        raise NotFound("this link is used up or too old; ask an admin for a new one")
    return account


def offer_key(services: Services, account: Mapping[str, Any], sealed: str = "") -> OfferedKey:
    """A fresh key, or the one that was offered before, so that a slip does not make anybody scan twice."""
    key = _offered(services, account["id"], sealed) or one_time_codes.new_code_key()
    return OfferedKey(
        address=one_time_codes.address_of(key, account["name"]),
        spelled=one_time_codes.spelled(key),
        sealed=services.ring.seal(key, _offer_place(account["id"])),
    )


def set_up(services: Services, token: str, typed: Typed, *, needs_code: bool) -> str | Trouble:
    """Use the link: set the password (and codes), and sign in; the session's token. Raises NotFound."""
    account = invited(services, token)
    if trouble := _password_trouble(typed, account["name"]):
        return trouble
    hashed = services.passwords.hash(normalised(typed.password))
    with services.database.write() as connection:
        step = _step(services, connection, account["id"], typed)
        if step is None and (needs_code or typed.code):
            return _wrong_code(typed.code)
        if not staff.use_link(connection, token):
            raise NotFound("this link is used up or too old; ask an admin for a new one")
        staff.end_sessions(connection, account["id"])
        staff.change(connection, account["id"], password_hash=hashed, state=StaffState.ACTIVE)
        if step is not None:
            _keep_key(services, connection, account["id"], typed.offered, step)
        _note(connection, account["name"], by_link=True, codes=step is not None)
        return begin(connection, account)


def change_password(services: Services, session: Session, typed: Typed) -> Trouble | None:
    """Another password; every other sign-in of the account ends."""
    if trouble := _password_trouble(typed, session.name):
        return trouble
    hashed = services.passwords.hash(normalised(typed.password))
    with services.database.write() as connection:
        staff.change(connection, session.staff_id, password_hash=hashed)
        staff.end_sessions(connection, session.staff_id, but=session.id)
        _note(connection, session.name)
    return None


def change_codes(services: Services, session: Session, offered: str, code: str) -> Trouble | None:
    """Take a new key for one-time codes; the old one ends."""
    typed = Typed(password="", again="", offered=offered, code=code)
    with services.database.write() as connection:
        step = _step(services, connection, session.staff_id, typed)
        if step is None:
            return _wrong_code(code)
        _keep_key(services, connection, session.staff_id, offered, step)
        _note(connection, session.name, codes=True)
    return None


def _password_trouble(typed: Typed, name: str) -> Trouble | None:
    if problem := weakness(normalised(typed.password), name):
        return Trouble(field="password", text=problem)
    if typed.password != typed.again:
        return Trouble(field="again", text="The two are not the same. Please type it twice.")
    return None


def _wrong_code(code: str) -> Trouble:
    if not code:
        return Trouble(field="code", text="Please scan the picture, and type the code that the app shows.")
    text = "This is not the code of now. Wait for the next one, and look at the clock of your phone."
    return Trouble(field="code", text=text)


def _step(services: Services, connection: Connection, staff_id: str, typed: Typed) -> int | None:
    key = _offered(services, staff_id, typed.offered)
    return None if key is None else one_time_codes.step_of(key, typed.code, real_now(connection))


def _keep_key(services: Services, connection: Connection, staff_id: str, offered: str, step: int) -> None:
    key = services.ring.open(offered, _offer_place(staff_id))
    sealed = services.ring.seal(key, staff.code_place(staff_id))
    staff.change(connection, staff_id, code_key_sealed=sealed, code_step=step)


def _offered(services: Services, staff_id: str, sealed: str) -> bytes | None:
    try:
        return services.ring.open(sealed, _offer_place(staff_id)) if sealed else None
    except SealError:
        return None


def _offer_place(staff_id: str) -> str:
    return f"staff/{staff_id}/offered_key"


def _note(connection: Connection, name: str, **codes: bool) -> None:
    now = installation.product_now(connection)
    given = {what: True for what, is_so in codes.items() if is_so}
    timeline.add(connection, Happened.PASSWORD_SET, now, None, actor=name, **given)
