"""Render and build: one finished message for one person, in bytes as they go over the wire.

Against it: what a mail task usually does for each message, with the template already compiled: Jinja2, css-inline,
`EmailMessage`. Its template is this very email before its CSS is inlined, so both make the same message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count, cycle
from typing import Any
from uuid import uuid4

from css_inline import CSSInliner
from jinja2 import Environment

from bench.harness import Bench, Report, Target, Way, expect, timed_on_cpu
from bench.letters import LONG, OURS, Letters
from tests.support.world import PUBLIC_URL
from worker.content.load import load_catalog
from worker.content.render import MARKS, Renderer
from worker.domain.leads import Location, greeting
from worker.domain.sends import SendKind
from worker.storage.leads import Identity
from worker.storage.sealing import LookupKey
from worker.usecases.sending.compose import compose

EMAIL, SEQUENCE, LOCATION = "ketamine-session", "depression", Location.CARBONDALE
_KEY = LookupKey(bytes(32))
_NOW = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)


class Pages(Renderer):
    """Keeps each page as it is before its CSS is inlined."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(load_catalog(files))
        self.pages: dict[str, str] = {}

    def _page(self, layout: str, values: Mapping[str, Any]) -> str:
        self.pages[layout] = super()._page(layout, values)
        return self.pages[layout]


class NaiveMail:
    """The usual way, every step of it for each message."""

    def __init__(self, letters: Letters = OURS) -> None:
        pages = Pages(letters.files)
        self.subject = pages.compiled(EMAIL, LOCATION, SEQUENCE).subject
        self.sources = {layout: _as_template(page) for layout, page in pages.pages.items()}
        self._html = Environment(autoescape=True, keep_trailing_newline=True).from_string(self.sources["email.html"])
        self._text = Environment(autoescape=False, keep_trailing_newline=True).from_string(self.sources["email.txt"])
        self._inliner = CSSInliner(load_remote_stylesheets=False)

    def message(self, first_name: str, address: str, link: str) -> bytes:
        values = {"greeting": greeting(first_name), "unsubscribe": link, "choose": link, "confirm": link}
        message = EmailMessage(policy=SMTP)
        message["From"] = "The Albany Clinic <hello@mail.albanyclinic.example.com>"
        message["To"], message["Subject"] = address, self.subject
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self._text.render(values))
        message.add_alternative(self._inliner.inline(self._html.render(values)), subtype="html")
        return message.as_bytes()


def measure(bench: Bench) -> Report:
    report = Report(title="Render and build", unit="messages a second on one core")
    _compare(bench, report, OURS)
    report.targets.append(
        Target(says="on one core", measured=report.series[0].median, at_least=30_000, unit="a second")
    )
    _compare(bench, report, LONG)
    return report


def _compare(bench: Bench, report: Report, letters: Letters) -> None:
    renderer, naive, what = Renderer(load_catalog(letters.files)), NaiveMail(letters), letters.says
    many, few = bench.number(20_000, 20), bench.number(150, 2)
    numbers, sends = count(), cycle([a_send() for _ in range(1000)])

    def ours() -> bytes:
        number = next(numbers)
        identity = Identity(email=f"lead{number}@example.com", first_name=f"Maya{number}")
        return compose(renderer, next(sends), identity, _KEY, PUBLIC_URL, _NOW).content

    def theirs(link: str = f"{PUBLIC_URL}/u/of-no-one") -> bytes:
        number = next(numbers)
        return naive.message(f"Maya{number}", f"lead{number}@example.com", link)

    compiled, usual = bench.alternate(
        [
            Way(f"{what}: compiled", lambda: timed_on_cpu(many, lambda: _repeat(ours, many))),
            Way(f"{what}: Jinja2, css-inline, EmailMessage",
                lambda: timed_on_cpu(few, lambda: _repeat(theirs, few))),
        ]
    )  # fmt: skip
    report.series = [*report.series, compiled, usual]
    report.targets.append(Target(says=f"{what}, against the usual way", measured=compiled.over(usual), at_least=100))
    report.notes.append(f"{what}: {_same_message(ours, theirs, numbers)}")


def _repeat(make: Callable[[], bytes], times: int) -> None:
    """And keep none: a gigabyte of messages would cost more memory than making them costs time."""
    for _ in range(times):
        make()


def a_send() -> dict[str, Any]:
    """What `compose` reads of a due send."""
    send = {"id": str(uuid4()), "lead_id": str(uuid4()), "kind": SendKind.NURTURE}
    return send | {"email": EMAIL, "sequence": SEQUENCE, "location": LOCATION}


def _same_message(ours: Callable[[], bytes], theirs: Callable[[str], bytes], numbers: Iterator[int]) -> str:
    """Both ways make the same email for the same person. Raises WrongCount where they don't."""
    raw = ours()
    mine = message_from_bytes(raw, policy=SMTP)
    place = next(numbers)
    link = str(mine["List-Unsubscribe"]).strip("<>")
    other_raw = theirs(link)
    other = message_from_bytes(other_raw, policy=SMTP)
    for kind in ("plain", "html"):
        left, right = _part(mine, kind, place - 1), _part(other, kind, place + 1)
        expect(f"{kind} parts that are the same", int(left == right), 1)
    return f"{len(raw) / 1024:.1f} KB here, {len(other_raw) / 1024:.1f} KB the usual way ({EMAIL})"


def _part(message: EmailMessage, kind: str, number: int) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").replace(f"Maya{number}", "Maya").strip()


def _as_template(page: str) -> str:
    """A page of marks as a Jinja2 template of its own."""
    for name, mark in MARKS.items():
        page = page.replace(mark, f"{{{{ {name} }}}}")
    return page
