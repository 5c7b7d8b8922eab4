"""One's own account: password, codes, and where one is signed in."""

from __future__ import annotations

from starlette.responses import Response

from worker.console import cookie
from worker.console.pages.welcome import picture_of, typed_by
from worker.console.routes import Open, act, page
from worker.console.visit import Visit
from worker.errors import NotFound
from worker.storage import staff
from worker.storage.database import real_now
from worker.usecases.staff.own_account import Trouble, change_codes, change_password, offer_key
from worker.usecases.staff.sign_in import prove, sign_out

_NOT_YOURS = Trouble(field="current", text="This is not your password; after several wrong tries, wait some minutes.")


def _show(visit: Visit, trouble: Trouble | None = None) -> Response:
    with visit.services.database.read() as connection:
        account = staff.by_id(connection, visit.me.staff_id)
        sessions = staff.sessions_of(connection, visit.me.staff_id, real_now(connection))
    if account is None:
        raise NotFound("this account is gone")
    offered = offer_key(visit.services, account, visit.typed("offered"))
    return visit.page(
        "account.html",
        422 if trouble else 200,
        account=account,
        sessions=sessions,
        offered=offered,
        picture=picture_of(offered),
        trouble=trouble,
    )


def _change_password(visit: Visit) -> Response:
    if not prove(visit.services, visit.me, visit.secret("current")):
        return _show(visit, _NOT_YOURS)
    if trouble := change_password(visit.services, visit.me, typed_by(visit)):
        return _show(visit, trouble)
    return visit.go_to("/account", "Your password is changed. Everywhere else you are signed out.")


def _change_codes(visit: Visit) -> Response:
    if not prove(visit.services, visit.me, visit.secret("current")):
        return _show(visit, Trouble(field="current_for_codes", text=_NOT_YOURS.text))
    if trouble := change_codes(visit.services, visit.me, visit.typed("offered"), visit.typed("code")):
        return _show(visit, trouble)
    return visit.go_to("/account", "From now on, the codes of this app are asked for.")


def _sign_out_one(visit: Visit) -> Response:
    sign_out(visit.services, visit.me, only=visit.typed("session"))
    return visit.go_to("/account", "Signed out there.")


def _sign_out_everywhere(visit: Visit) -> Response:
    sign_out(visit.services, visit.me)
    answer = visit.go_to("/sign-in")
    cookie.give(answer, cookie.fresh(), is_https=visit.means.is_https)
    return answer


ROUTES = (
    page("/account", Open.TO_STAFF, _show, nav="Account"),
    act("/account/password", Open.TO_STAFF, _change_password),
    act("/account/codes", Open.TO_STAFF, _change_codes),
    act("/account/sign-out", Open.TO_STAFF, _sign_out_one),
    act("/account/sign-out-everywhere", Open.TO_STAFF, _sign_out_everywhere),
)
