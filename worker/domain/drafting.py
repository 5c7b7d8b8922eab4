"""Drafts of content: what may be edited in a browser, how two people's saves meet, and who may publish. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

LARGEST = 40_000
"""Characters of a file that is edited in a browser; claims.toml, the longest, has half of them."""

GONE = ""
"""What a draft says of a file that is taken away: no file of the content is empty."""

_EDITABLE = re.compile(r"(?:(?:emails|blocks)/[a-z0-9][a-z0-9-]{0,60}\.md|sequences/[a-z0-9][a-z0-9-]{0,60}\.toml|"
                       r"(?:clinic|routing|personas|claims|forms)\.toml)")  # fmt: skip
_KEPT_BY = (("safety.toml", "a clinician"), ("layout/", "the web person"))
_READ_BY = (("claims.toml", "The medical lead"), ("blocks/", "The medical lead"), ("forms.toml", "The web person"))
_ONE_OF_MANY = ("emails/", "sequences/", "blocks/")


def why_not_editable(path: str) -> str | None:
    """Why this file is not edited in a browser, in a sentence; None where it is."""
    if _EDITABLE.fullmatch(path):
        return None
    for start, who in _KEPT_BY:
        if path.startswith(start):
            return f"{path} belongs to {who} and is changed in the files themselves"
    return f"{path[:80]} is no file of the content"


def reader_of(path: str) -> str:
    """Who reads a change of this file before it is published; empty where marketing alone decides."""
    return next((who for start, who in _READ_BY if path.startswith(start)), "")


def may_go(path: str) -> bool:
    """True for a file that the content can be without: one of many."""
    return why_not_editable(path) is None and path.startswith(_ONE_OF_MANY)


def version_of(text: str | None) -> str:
    """A name for what a file says, so that whoever saves can prove what they started from; empty for no file."""
    return "" if text is None else hashlib.sha256(text.encode()).hexdigest()[:16]


def tidy(typed: str) -> str:
    """As a file holds it: lines end as on every machine of ours, and so does the last one."""
    lines = typed.replace("\r\n", "\n").replace("\r", "\n")
    return lines.rstrip("\n") + "\n" if lines.strip() else ""


def why_not_publish(publisher: str, authors: Iterable[str], *, needs_second: bool) -> str | None:
    """Why this person may not publish these changes, in a sentence; None where they may."""
    if needs_second and publisher in set(authors):
        return "you wrote some of these changes: someone else reads them and publishes"
    return None


def as_step(email: str, days: int) -> str:
    """A step as a sequence's file has it, to be put at its end and moved where it belongs."""
    return (
        f'\n[[steps]]\nid = "{email}"\nemail = "{email}"\nwait = "{days} days"\n'
        'late = { after = "3 days", action = "shift" }\n'
    )


_SUBJECT_LINE = re.compile(r'^subject\s*=\s*"(.+)"\s*$', re.MULTILINE)
_ID_LINE = re.compile(r'^id = "[^"\n]*"$', re.MULTILINE)


def subject_of(text: str) -> str:
    """The subject that an email's text says; empty where it says none."""
    found = _SUBJECT_LINE.search(text)
    return found.group(1) if found else ""


def as_copy(text: str, name: str) -> str:
    """An email's text under another name; its settings say the id that its file must have."""
    return _ID_LINE.sub(f'id = "{name}"', text, count=1)
