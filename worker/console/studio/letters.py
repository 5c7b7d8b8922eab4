"""One email as one persona would get it, made by the same functions as a real send; its links do nothing.

Links are signed with a key that no installation has, and name a send that does not exist.
"""

from __future__ import annotations

import email.policy
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.parser import BytesHeaderParser
from math import ceil
from types import MappingProxyType
from uuid import uuid4

from worker.content.catalog import Persona
from worker.content.render import Rendered, Renderer
from worker.content.uses import Use
from worker.delivery.base import Message
from worker.storage.leads import Identity
from worker.usecases.sending.compose import INERT_LINKS, compose, inert_send, render_send

NOBODY = "nobody@example.com"

_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.IGNORECASE)
_SCHEMES = re.compile(r'(<meta name="(?:supported-)?color-schemes?" content=")light dark(")')
_HOLDS, _NEVER_HOLDS = "(min-width: 0)", "(max-width: 0)"

ABOUT_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "From": "who writes, as the inbox shows it",
        "To": "the person",
        "Reply-To": "where an answer goes",
        "Subject": "the first thing read; never says anything about health",
        "Date": "when it left",
        "Message-ID": "the name of this one message",
        "Auto-Submitted": "a program sent it, so that absence notes do not answer",
        "X-Auto-Response-Suppress": "the same, for Outlook",
        "List-Id": "which stream of mail it belongs to",
        "Feedback-ID": "lets Gmail count complaints by stream",
        "List-Unsubscribe": "where the inbox's own Unsubscribe button goes",
        "List-Unsubscribe-Post": "that one click is enough",
        "MIME-Version": "how it is put together",
        "Content-Type": "text and HTML, side by side",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLine:
    """What an inbox shows before the email is opened, cut to its room; `rest` is what is cut off."""

    shown: str
    rest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderLine:
    """One header as it goes over the wire, unfolded."""

    name: str
    value: str
    about: str


def rendered(renderer: Renderer, use: Use, persona: Persona, links: str) -> Rendered:
    """The email of this persona. Raises TemplateError."""
    return render_send(renderer, inert_send(renderer.catalog, use), _identity(persona), INERT_LINKS, links)


def message(renderer: Renderer, use: Use, persona: Persona, links: str, at: datetime) -> Message:
    """The same as a whole message. Raises TemplateError, and ValueError where a header could not leave."""
    return compose(renderer, inert_send(renderer.catalog, use), _identity(persona), INERT_LINKS, links, at)


def trial_message(renderer: Renderer, use: Use, persona: Persona, to: str, links: str, at: datetime) -> Message:
    """The same for a colleague to look at in a real inbox, marked as a test. Every one has a name of its own."""
    marked = _with_subject(renderer, use[0], f"[TEST {persona.id}] ")
    identity = Identity(email=to, first_name=persona.first_name or None)
    return compose(marked, inert_send(marked.catalog, use, str(uuid4())), identity, INERT_LINKS, links, at)


def headers(content: bytes) -> list[HeaderLine]:
    """The headers of a message, each with what it is for."""
    parsed = BytesHeaderParser(policy=email.policy.default).parsebytes(content)
    return [
        HeaderLine(name=name, value=str(value), about=ABOUT_HEADERS.get(name, "")) for name, value in parsed.items()
    ]


def in_light(html: str) -> str:
    """The page as a reader with a light screen sees it, whatever the screen it is looked at on."""
    return _DARK.sub(_NEVER_HOLDS, _SCHEMES.sub(r"\1light\2", html))


def in_dark(html: str) -> str:
    """The page with its own rules for dark screens in force: its real colours, not inverted ones."""
    return _DARK.sub(_HOLDS, _SCHEMES.sub(r"\1dark\2", html))


def inbox_line(text: str, room: int) -> InboxLine:
    """A text cut to the number of characters that an inbox shows."""
    return InboxLine(shown=text[:room], rest=text[room:])


def frame_height(text: str, width: int) -> int:
    """About how many pixels an email is high, from its text part; a little more rather than less.

    A frame that runs no scripts can't say its own height, and one as high as the email scrolls with the page.
    """
    column = min(width, 600) - (44 if width <= 480 else 72)
    a_line = column / 7.6
    height = 200.0
    for paragraph in re.split(r"\n\s*\n", text):
        lines = sum(ceil(len(line) / a_line) for line in _unwrapped(paragraph))
        height += 28 * lines + 18
    return round(height)


def _unwrapped(paragraph: str) -> list[str]:
    """Its lines as they were before they were wrapped: a list keeps its items apart."""
    lines = [line.strip() for line in paragraph.splitlines() if line.strip()]
    joined: list[str] = []
    for line in lines:
        if joined and not re.match(r"[-*•] |\d+\. ", line) and len(joined[-1]) > 40:
            joined[-1] += " " + line
        else:
            joined.append(line)
    return joined


def _identity(persona: Persona) -> Identity:
    return Identity(email=persona.email or NOBODY, first_name=persona.first_name or None)


def _with_subject(renderer: Renderer, email_id: str, prefix: str) -> Renderer:
    catalog = renderer.catalog
    marked = replace(catalog.emails[email_id], subject=prefix + catalog.emails[email_id].subject)
    return Renderer(replace(catalog, emails={**catalog.emails, email_id: marked}))
