"""Accounts of others: add, another role, a new link, disable. For admins."""

from __future__ import annotations

from starlette.responses import Response

from worker.console.routes import Route, dangerous, page
from worker.console.visit import Visit
from worker.domain.staff import Permission, Role, StaffState
from worker.errors import NotFound, Refused
from worker.storage import staff
from worker.storage.database import real_now
from worker.usecases.staff.staff_accounts import add_account, disable_account, enable_account, reset_account, set_role

_NEEDS = Permission.MANAGE_USERS


def _show(visit: Visit) -> Response:
    with visit.services.database.read() as connection:
        accounts = staff.everyone(connection)
        places = staff.count_sessions(connection, real_now(connection))
    return visit.page("users.html", accounts=accounts, places=places, states=StaffState)


def _ask_add(visit: Visit) -> Response:
    return visit.page("user_add.html", problem="")


def _add(visit: Visit) -> Response:
    name = visit.typed("name").casefold()
    try:
        link = add_account(visit.services, name, _role(visit), visit.me.name)
    except Refused as error:
        return visit.page("user_add.html", 422, problem=f"{error}.")
    return visit.page("user_link.html", name=name, link=link)


def _ask_change(visit: Visit) -> Response:
    name = visit.path["name"]
    with visit.services.database.read() as connection:
        account = staff.by_name(connection, name)
    if account is None:
        raise NotFound("there is no such account")
    return visit.page("user.html", account=account, is_me=account["id"] == visit.me.staff_id)


def _change(visit: Visit) -> Response:
    """The button that was pressed says what to do."""
    name, what, services, actor = visit.path["name"], visit.typed("do"), visit.services, visit.me.name
    if what == "role":
        role = _role(visit)
        set_role(services, name, role, actor)
        return visit.go_to("/users", f"{name} has another role now: {role.replace('_', ' ')}.")
    if what == "disable":
        disable_account(services, name, actor)
        return visit.go_to("/users", f"{name} can't sign in any more.")
    if what not in {"reset", "enable"}:
        raise Refused("the form did not say what to do; press one of its buttons")
    link = (reset_account if what == "reset" else enable_account)(services, name, actor)
    return visit.page("user_link.html", name=name, link=link)


def _role(visit: Visit) -> Role:
    try:
        return Role(visit.typed("role"))
    except ValueError:
        raise Refused("there is no such role") from None


ROUTES: tuple[Route, ...] = (
    page("/users", _NEEDS, _show, nav="Users"),
    *dangerous("/users/add", _NEEDS, ask=_ask_add, do=_add),
    *dangerous("/users/{name}", _NEEDS, ask=_ask_change, do=_change),
)
