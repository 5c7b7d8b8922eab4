"""Staff accounts: add, change, reset, disable. There is always an admin who can sign in, once there was one.

Nobody sets another's password: an account gets a one-time link, and its owner chooses.
"""

from __future__ import annotations

from sqlalchemy import Connection

from worker.domain.staff import Role, StaffState, is_staff_name
from worker.errors import NotFound, Refused
from worker.storage import installation, staff, timeline
from worker.storage.database import real_now
from worker.storage.timeline import Happened
from worker.usecases.services import Services


def add_account(services: Services, name: str, role: Role, actor: str) -> str:
    """A new account; its one-time link. Raises Refused."""
    if not is_staff_name(name):
        raise Refused(
            "a name to sign in with has 2 to 40 small letters, digits, dots, dashes or underscores, a letter first"
        )
    with services.database.write() as connection:
        staff_id = staff.add(connection, name, role, real_now(connection))
        if staff_id is None:
            raise Refused(f"there is an account {name} already; for a new link, reset it")
        _note(connection, Happened.USER_ADDED, actor, staff_id, name, after=role)
        return _link(services, connection, staff_id)


def reset_account(services: Services, name: str, actor: str) -> str:
    """A new one-time link. The password, the codes and every sign-in end now. Raises NotFound, Refused."""
    with services.database.write() as connection:
        account = _account(connection, name)
        if account["state"] == StaffState.DISABLED:
            raise Refused(f"the account {name} is disabled; enable it first")
        staff.end_sessions(connection, account["id"])
        staff.change(
            connection,
            account["id"],
            password_hash=None,
            code_key_sealed=None,
            code_step=None,
            failures=0,
            locked_until=None,
        )
        _note(connection, Happened.USER_LINKED, actor, account["id"], name)
        return _link(services, connection, account["id"])


def set_role(services: Services, name: str, role: Role, actor: str) -> None:
    """Another role, from the next click on. Raises NotFound, Refused."""
    with services.database.write() as connection:
        account = _account(connection, name)
        if role is not Role.ADMIN:
            _keep_an_admin(connection, account["id"])
        staff.change(connection, account["id"], role=role)
        _note(connection, Happened.USER_CHANGED, actor, account["id"], name, before=account["role"], after=role)


def disable_account(services: Services, name: str, actor: str) -> None:
    """Nobody can sign in as this any more, and whoever is signed in is not. Raises NotFound, Refused."""
    with services.database.write() as connection:
        account = _account(connection, name)
        _keep_an_admin(connection, account["id"])
        staff.end_sessions(connection, account["id"])
        staff.drop_links(connection, account["id"])
        staff.change(connection, account["id"], state=StaffState.DISABLED, password_hash=None)
        _note(
            connection,
            Happened.USER_CHANGED,
            actor,
            account["id"],
            name,
            before=account["state"],
            after=StaffState.DISABLED,
        )


def enable_account(services: Services, name: str, actor: str) -> str:
    """Let a disabled account come back, by a new one-time link. Raises NotFound, Refused."""
    with services.database.write() as connection:
        account = _account(connection, name)
        if account["state"] != StaffState.DISABLED:
            raise Refused(f"the account {name} is not disabled")
        staff.change(
            connection,
            account["id"],
            state=StaffState.INVITED,
            code_key_sealed=None,
            code_step=None,
            failures=0,
            locked_until=None,
        )
        _note(
            connection,
            Happened.USER_CHANGED,
            actor,
            account["id"],
            name,
            before=StaffState.DISABLED,
            after=StaffState.INVITED,
        )
        return _link(services, connection, account["id"])


def _account(connection: Connection, name: str) -> dict[str, str]:
    found = staff.lock(connection, name)
    if found is None:
        raise NotFound(f"there is no account {name}" if is_staff_name(name) else "there is no such account")
    return dict(found)


def _keep_an_admin(connection: Connection, staff_id: str) -> None:
    if staff.has_admin(connection) and not staff.has_admin(connection, besides=staff_id):
        raise Refused("this is the only admin who can sign in; make someone else an admin first")


def _link(services: Services, connection: Connection, staff_id: str) -> str:
    return f"{services.public_url}/console/welcome/{staff.make_link(connection, staff_id, real_now(connection))}"


def _note(connection: Connection, kind: Happened, actor: str, staff_id: str, name: str, **codes: str) -> None:
    now = installation.product_now(connection)
    timeline.add(connection, kind, now, None, actor=actor, staff_id=staff_id, user=name, **codes)
