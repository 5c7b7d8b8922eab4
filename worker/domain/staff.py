"""Who on the clinic's staff may do what, and how a wrong password is answered. Pure; the table below is the rule.

A route, a button and a link in the console name one permission; nothing there asks for a role.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from enum import StrEnum

from worker.domain.common_passwords import COMMON


class Role(StrEnum):
    """What someone is at the clinic, as far as the console is concerned."""

    VIEWER = "viewer"
    FRONT_DESK = "front_desk"
    WRITER = "writer"
    MARKETER = "marketer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Permission(StrEnum):
    """One thing that a role may do."""

    SEE_HEALTH = "see_health"
    SEE_LEADS = "see_leads"
    SEE_CONTENT = "see_content"
    REVEAL_CONTACT = "reveal_contact"
    ACT_ON_LEADS = "act_on_leads"
    SORT_QUARANTINE = "sort_quarantine"
    EDIT_CONTENT = "edit_content"
    PUBLISH_CONTENT = "publish_content"
    OPERATE = "operate"
    SEE_AUDIT = "see_audit"
    MANAGE_USERS = "manage_users"
    MANAGE_KEYS = "manage_keys"
    MANAGE_ENDPOINTS = "manage_endpoints"
    EXPORT_REPORTS = "export_reports"
    EXPORT_LEADS = "export_leads"
    ERASE_LEADS = "erase_leads"


_V, _F, _W, _M, _O, _A = Role
_TABLE = {
    #                            viewer front desk writer marketer operator admin
    Permission.SEE_HEALTH:      (_V,    _F,        _W,    _M,      _O,      _A),  # the home page
    Permission.SEE_LEADS:       (_V,    _F,               _M,      _O,      _A),  # without contact data
    Permission.SEE_CONTENT:     (_V,    _F,        _W,    _M,      _O,      _A),
    Permission.REVEAL_CONTACT:  (       _F,                        _O,      _A),  # a click that is written down
    Permission.ACT_ON_LEADS:    (       _F,                        _O,      _A),  # book, stop, hold, correct, release
    Permission.SORT_QUARANTINE: (       _F,                        _O,      _A),
    Permission.EDIT_CONTENT:    (                  _W,    _M,               _A),  # drafts: nobody gets them
    Permission.PUBLISH_CONTENT: (                         _M,               _A),  # what people get
    Permission.EXPORT_REPORTS:  (                         _M,      _O,      _A),  # figures, small ones kept back
    Permission.OPERATE:         (                                  _O,      _A),  # pause, parked, unknown sends
    Permission.SEE_AUDIT:       (                                  _O,      _A),
    Permission.MANAGE_USERS:    (                                           _A,),
    Permission.MANAGE_KEYS:     (                                           _A,),
    Permission.MANAGE_ENDPOINTS: (                                          _A,),  # who else is told of leads
    Permission.EXPORT_LEADS:    (                                           _A,),
    Permission.ERASE_LEADS:     (                                           _A,),
}  # fmt: skip


def may(role: Role, permission: Permission) -> bool:
    """True when this role may do this."""
    return role in _TABLE[permission]


def roles_that_may(permission: Permission) -> tuple[Role, ...]:
    """Every role that may do this, for those who may not and want to ask someone."""
    return _TABLE[permission]


class StaffState(StrEnum):
    """`INVITED`: has a link, and no password yet. `DISABLED`: may not sign in, and stays in the audit trail."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


IDLE_FOR = timedelta(minutes=30)
SIGNED_IN_FOR = timedelta(hours=12)
LINK_LASTS = timedelta(minutes=15)
PROOF_LASTS = timedelta(minutes=5)
"""How long a password, once given, stands for a dangerous act."""

FREE_TRIES = 5
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)


def wait_after(failures: int) -> timedelta:
    """How long nobody may sign in to an account after so many wrong tries in a row.

    It grows, so that guessing is hopeless, and it ends, so that nobody can lock a colleague out for a day.
    """
    if failures < FREE_TRIES:
        return timedelta()
    return min(_FIRST_WAIT * (1 << min(failures - FREE_TRIES, 10)), _LONGEST_WAIT)


_NAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")


def is_staff_name(text: str) -> bool:
    """True for a name to sign in with: it stands in the audit trail for good, so it is plain and short."""
    return _NAME.fullmatch(text) is not None


SHORTEST, LONGEST = 12, 200
_FEWEST_LETTERS = 5


def normalised(password: str) -> str:
    """One spelling for what looks alike, so that another keyboard types the same password."""
    return unicodedata.normalize("NFC", password)


def weakness(password: str, name: str) -> str | None:
    """Why this can't be someone's password, in a sentence; None where it can. Length counts, symbols do not."""
    plain = "".join(password.casefold().split())
    if len(password) < SHORTEST:
        return f"Please use at least {SHORTEST} characters. A few words in a row are easy to keep in mind."
    if len(password) > LONGEST:
        return f"Please use at most {LONGEST} characters."
    if name in plain:
        return "Please leave your own name out of it."
    if plain in COMMON or plain.rstrip("0123456789!.?") in COMMON or len(set(plain)) < _FEWEST_LETTERS:
        return "This one is among the first that anybody would try. Please choose another."
    return None
