"""Closed vocabularies and figures in the words of the console."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from worker.console.studio.words import why as why
from worker.domain.leads import Language
from worker.domain.outgoing_events import ALERT, MEANS
from worker.domain.staff import Permission, Role
from worker.errors import WorkerError
from worker.storage.timeline import Happened
from worker.usecases.drafting.save import IN_THE_FILES
from worker.usecases.webhooks.list_endpoints import EndpointState

ROLES: Mapping[Role, str] = MappingProxyType(
    {
        Role.VIEWER: "Viewer",
        Role.FRONT_DESK: "Front desk",
        Role.WRITER: "Writer",
        Role.MARKETER: "Marketer",
        Role.OPERATOR: "Operator",
        Role.ADMIN: "Admin",
    }
)
ROLE_HINTS: Mapping[Role, str] = MappingProxyType(
    {
        Role.VIEWER: "sees everything but names, addresses and phone numbers; changes nothing",
        Role.FRONT_DESK: "calls leads, answers them, and sorts what is in quarantine",
        Role.WRITER: "writes drafts of emails; sees no leads, and publishes nothing",
        Role.MARKETER: "writes and publishes emails",
        Role.OPERATOR: "keeps it running: pauses, parked items, unknown sends",
        Role.ADMIN: "everything, and the accounts of others",
    }
)
PERMISSIONS: Mapping[Permission, str] = MappingProxyType(
    {
        Permission.SEE_HEALTH: "see how the product is",
        Permission.SEE_LEADS: "see leads",
        Permission.SEE_CONTENT: "see emails",
        Permission.REVEAL_CONTACT: "see how to reach a lead",
        Permission.ACT_ON_LEADS: "act on leads",
        Permission.SORT_QUARANTINE: "sort the quarantine",
        Permission.EDIT_CONTENT: "write drafts of emails",
        Permission.PUBLISH_CONTENT: "publish emails",
        Permission.OPERATE: "operate the product",
        Permission.SEE_AUDIT: "read the audit trail",
        Permission.MANAGE_USERS: "manage accounts",
        Permission.MANAGE_KEYS: "manage keys",
        Permission.MANAGE_ENDPOINTS: "manage which systems are told what happens",
        Permission.EXPORT_REPORTS: "save reports as files",
        Permission.EXPORT_LEADS: "export what is held about a lead",
        Permission.ERASE_LEADS: "erase a lead",
    }
)

ACTS: Mapping[str, str] = MappingProxyType(
    {
        Happened.REVEALED: "looked at contact data",
        Happened.SEARCHED: "searched for someone",
        Happened.RELEASED: "released",
        Happened.CORRECTED: "corrected a route",
        Happened.EVENT: "recorded an event",
        Happened.RESOLVED: "decided about an unknown send",
        Happened.PAUSED: "paused sending",
        Happened.RESUMED: "resumed sending",
        Happened.REPLAYED: "tried a parked item again",
        Happened.DISMISSED: "dismissed a parked item",
        Happened.PUBLISHED: "published content",
        Happened.KEYS_ROTATED: "rotated keys",
        Happened.USER_ADDED: "added an account",
        Happened.USER_CHANGED: "changed an account",
        Happened.USER_LINKED: "made a new link for an account",
        Happened.PASSWORD_SET: "set a password",
        Happened.SIGNED_IN: "signed in",
        Happened.SIGNED_OUT: "signed out",
        Happened.SIGN_IN_REFUSED: "was refused at sign-in",
        Happened.ENDPOINT: "changed which systems are told what happens",
    }
)
"""What people do, in the past tense; the rest is said by its code."""

LANGUAGES: Mapping[Language, str] = MappingProxyType({Language.ENGLISH: "English", Language.SPANISH: "Spanish"})

EVENTS: Mapping[str, str] = MappingProxyType({**MEANS, f"{ALERT}*": "Whatever staff are told"})
"""What other systems may be told of."""

ENDPOINT_TONES: Mapping[EndpointState, str] = MappingProxyType(
    {
        EndpointState.LISTENS: "good",
        EndpointState.FAILING: "bad",
        EndpointState.PAUSED: "warn",
        EndpointState.ENDED: "bad",
    }
)

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def label(code: str) -> str:
    """A code as words, where nothing better is known: `front_desk` is “front desk”."""
    return code.replace("_", " ")


def act(kind: str) -> tuple[str, str]:
    """A kind of act with its words."""
    return kind, ACTS.get(kind, label(kind))


def listed(parts: list[str] | tuple[str, ...], joined_by: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = parts
    return f"{', '.join(first)} {joined_by} {last}" if first else last


def plural(number: int, noun: str) -> str:
    """`1 email`, `3 emails`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def age(seconds: float | None) -> str:
    """`8 s`, `3 min`, `2 h`, `4 d`; a dash for nothing."""
    if seconds is None:
        return "–"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def instant(at: datetime | None, zone: str) -> Markup:
    """`Mon 9 Mar 2026, 22:15 CDT`, in a zone, as an element that programs can read too; a dash for nothing."""
    if at is None:
        return Markup("–")
    there = at.astimezone(ZoneInfo(zone))
    text = f"{there:%a} {there.day} {there:%b %Y, %H:%M %Z}"
    return Markup('<time datetime="{}">{}</time>').format(escape(there.isoformat(timespec="seconds")), escape(text))


def writers(names: Iterable[str]) -> str:
    """Who wrote something, of whom some did it in the files."""
    return listed(["someone in the files" if name == IN_THE_FILES else name for name in names])


def sentence(error: WorkerError) -> str:
    """What was wrong, as a sentence for the page."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
