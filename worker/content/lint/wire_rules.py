"""Rules about the bytes that leave, read back by another parser than the one that wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from worker.content.lint.finding import Severity
from worker.content.lint.page_rules import SIZ001
from worker.content.lint.places import line_of
from worker.content.lint.rule import Hit, Rule
from worker.content.lint.sample import LINKS_HOST, Sample
from worker.content.lint.words import TELLING

_E = Severity.E

MIM001 = Rule(
    id="MIM001",
    severity=_E,
    waivable=False,
    what="bytes that another program reads differently: a header twice or missing, an encoded List-Unsubscribe, a "
    "line too long, a subject or part that does not come back as written",
    why="A mailbox that can't read a header ignores it, or the message. One-click unsubscribe hangs on it.",
    fix="Simplify the characters; if that does not help, tell a developer.",
    source="RFC 5322, 2045, 2047, 8058",
)
PRV004 = Rule(
    id="PRV004",
    severity=_E,
    waivable=False,
    what="a header beside To that names a condition, a treatment or the reader's address",
    why="Headers are logged by every server on the way.",
    fix="Tell a developer: emails have no influence on headers but the subject.",
    source="740 ILCS 110/2",
)
SUB003 = Rule(
    id="SUB003",
    severity=_E,
    what="a sender name other than the one that clinic.toml gives the location",
    why="A sender must say who writes, and from which of the two clinics.",
    fix="Mend sender_name in clinic.toml.",
    source="15 USC 7704(a)(1)",
)

RULES = (MIM001, PRV004, SUB003)

_MOST_BYTES = 150 * 1024
_ONCE = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Id", "Auto-Submitted",
         "List-Unsubscribe", "List-Unsubscribe-Post")  # fmt: skip
_OWN_LINK = re.compile(rf"https://{re.escape(LINKS_HOST)}/[\w./=-]+")
_PERSONAL = frozenset({"to", "subject"})


def check_wire(sample: Sample) -> Iterator[Hit]:
    """The message as it would leave; nothing where no builder was given."""
    if sample.wire is None:
        return
    path, line = sample.email.path, sample.email.body_line
    try:
        raw = sample.wire(sample.email.id, sample.location, sample.sequence)
    except ValueError as error:
        yield MIM001.at(path, line, f"The message can't be built: {error}.")
        return
    message = message_from_bytes(raw, policy=default)
    for trouble in (*_troubles(raw, message), *_differences(sample, message)):
        yield MIM001.at(path, line, trouble)
    if len(raw) > _MOST_BYTES:
        yield SIZ001.at(path, line, f"The message has {len(raw) // 1024} KB.")
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    yield from _check_headers(sample, head, str(message["To"]))
    yield from _check_sender(sample, message)


def _troubles(raw: bytes, message: EmailMessage) -> Iterator[str]:
    for name in _ONCE:
        if len(message.get_all(name, [])) != 1:
            yield f"The header {name} stands {len(message.get_all(name, []))} times."
    if re.search(rb"(?<!\r)\n|\r(?!\n)|\x00|[\x80-\xff]", raw):
        yield "There are bytes that a mail server may refuse."
    if any(len(one) > 998 for one in raw.split(b"\r\n")):
        yield "There is a line of more than 998 characters."
    if re.search(rb"^List-Unsubscribe[^\r]*=\?", raw, re.MULTILINE):
        yield "List-Unsubscribe is encoded, so no mailbox understands it."


def _differences(sample: Sample, message: EmailMessage) -> Iterator[str]:
    if str(message["Subject"]) != sample.rendered.subject:
        yield f"The subject comes back as '{message['Subject']}'."
    for kind, written in (("plain", sample.rendered.text), ("html", sample.rendered.html)):
        part = message.get_body((kind,))
        if part is None:
            yield f"There is no {kind} part."
        elif _common(part.get_content()) != _common(written):
            yield f"The {kind} part does not come back as it was written."


def _common(text: str) -> str:
    """What two messages to two made-up people have in common: their own links differ."""
    return _OWN_LINK.sub("", text.replace("\r\n", "\n")).rstrip()


def _check_headers(sample: Sample, head: str, address: str) -> Iterator[Hit]:
    for field in re.split(r"\r\n(?![ \t])", head):
        name = field.partition(":")[0]
        if name.lower() in _PERSONAL:
            continue
        if found := TELLING.search(field):
            yield PRV004.at(sample.email.path, 1, f"The header {name} says '{found.group()}'.")
        if address in field:
            yield PRV004.at(sample.email.path, 1, f"The header {name} holds the reader's address.")


def _check_sender(sample: Sample, message: EmailMessage) -> Iterator[Hit]:
    clinic = sample.catalog.clinic
    wanted = clinic.undecided_sender_name
    if sample.location in clinic.places:
        place = clinic.places[sample.location]
        wanted = place.sender_name
        if place.city not in wanted.removeprefix(clinic.brand) or place.state_code not in wanted:
            line = line_of(sample.catalog.files.get("clinic.toml", ""), wanted) or 1
            yield SUB003.at("clinic.toml", line, f"The sender '{wanted}' does not say {place.city} {place.state_code}.")
    shown = message["From"].addresses[0].display_name
    if shown != wanted:
        yield SUB003.at("clinic.toml", 1, f"The sender shows as '{shown}', not '{wanted}'.")
