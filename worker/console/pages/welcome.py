"""What a one-time link opens: set a password, and the app that shows codes. Looking at it uses nothing up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import segno
from markupsafe import Markup
from starlette.responses import Response

from worker.console import cookie
from worker.console.routes import Open, act, page
from worker.console.visit import Visit
from worker.usecases.staff.own_account import OfferedKey, Trouble, Typed, invited, offer_key, set_up


def picture_of(offered: OfferedKey) -> Markup:
    """The QR code of a key, as SVG without styles."""
    return Markup(segno.make(offered.address, micro=False).svg_inline(scale=5, light="#fff", border=3))


def typed_by(visit: Visit) -> Typed:
    """What was typed to set a password, codes, or both."""
    return Typed(
        password=visit.secret("password"),
        again=visit.secret("again"),
        offered=visit.typed("offered"),
        code=visit.typed("code"),
    )


def _show(visit: Visit) -> Response:
    return _form(visit, invited(visit.services, visit.path["token"]), None)


def _set_up(visit: Visit) -> Response:
    token, typed, means = visit.path["token"], typed_by(visit), visit.means
    done = set_up(means.services, token, typed, needs_code=means.needs_codes)
    if isinstance(done, Trouble):
        return _form(visit, invited(means.services, token), done)
    answer = visit.go_to("/")
    cookie.give(answer, done, is_https=means.is_https)
    return answer


def _form(visit: Visit, account: Mapping[str, Any], trouble: Trouble | None) -> Response:
    offered = offer_key(visit.services, account, visit.typed("offered"))
    return visit.page(
        "welcome.html",
        422 if trouble else 200,
        account=account,
        offered=offered,
        picture=picture_of(offered),
        trouble=trouble,
        needs_code=visit.means.needs_codes,
    )


ROUTES = (
    page("/welcome/{token}", Open.TO_ANYONE, _show),
    act("/welcome/{token}", Open.TO_ANYONE, _set_up),
)
