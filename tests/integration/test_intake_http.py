"""The intake over HTTP: the real web process, a real spool, a real database and a real Valkey behind it.

No worker runs here, so that what was accepted can be read back from the spool, opened with the key ring.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import redis
import time_machine
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from tests.support.links import with_another_signature
from tests.support.postgres import Postgres
from tests.support.processes import start_server, stop_server, unused_port
from tests.support.spooled import envelopes_in, is_being_written
from tests.support.world import RecordingQueue
from worker.content.catalog import read_content_files
from worker.delivery.alerts import open_alerts
from worker.delivery.providers import open_provider
from worker.domain.clock import ProductClock
from worker.domain.submissions import Submission
from worker.intake.form_token import new_token
from worker.intake.reading import MAX_BODY_BYTES
from worker.keys import key_ring
from worker.queues import QueueName
from worker.reach import Reach
from worker.runtime.valkey import EmbeddedValkey, ensure_valkey, stop_valkey
from worker.settings import TEMPLATES, load_settings
from worker.storage import heartbeats, installation, leads, send_figures, sends, submissions, tables
from worker.storage.database import Database, real_now
from worker.storage.spool import Spool
from worker.usecases.arrival.capture import capture
from worker.usecases.prepare import prepare
from worker.usecases.sending.compose import make_token
from worker.usecases.services import Services

PINNED = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
"""A Tuesday in both clinics' opening hours; all shipped content is within its review dates."""

PARTNER = """
[forms.partner]
name = "A form on another website"
origins = ["https://partner.example.com"]
thank_you = "https://partner.example.com/thank-you"
default_location = "albany"
consent_version = "2026-01-01"
consent_wording = "Yes, email me."
"""
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}
PROBLEM = "application/problem+json"
URLENCODED = "application/x-www-form-urlencoded"
QUICK_S = 4.5
"""No answer to a post may take longer, whatever is broken behind it: less than we wait for a broker or database."""

NO_BROKER = "redis://127.0.0.1:1/0"

PANEL = 'class="help now"'
"""Help in a crisis, large and first; every page has a smaller one."""

SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@dataclass
class Site:
    """A running web process, and what lies behind it."""

    url: str
    services: Services
    spool: Spool
    http: httpx.Client
    pid: int
    state: Path

    def post(self, fields: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        """As a program posts JSON."""
        headers = more.pop("headers", {})
        return self.http.post("/v1/submissions", json={**(fields or {}), **more}, headers=headers)

    def submit(self, fields: Mapping[str, Any], **headers: str) -> httpx.Response:
        """As a browser posts a form."""
        return self.http.post("/v1/submissions", data=fields, headers=HTML | headers)

    def raw(self, content: Any, kind: str, **headers: str) -> httpx.Response:
        return self.http.post("/v1/submissions", content=content, headers={"Content-Type": kind} | headers)

    def envelopes(self) -> list[str]:
        return envelopes_in(self.spool.root)

    def accepted(self, submission_id: str) -> Submission:
        """What the spool holds under this id; fails unless it is there exactly once."""
        (envelope,) = [each for each in self.envelopes() if submissions.envelope_id(each) == submission_id]
        return submissions.open_envelope(envelope, self.services.ring)

    def by_message(self, words: str) -> list[Submission]:
        """What the spool holds with these words in `message`."""
        opened = (submissions.open_envelope(envelope, self.services.ring) for envelope in self.envelopes())
        return [submission for submission in opened if words in submission.fields.get("message", ())]

    def store(self, submission: Submission) -> None:
        """What a worker would do with it."""
        capture(self.services, [submissions.envelope(submission, self.services.ring)])


@contextlib.contextmanager
def running_site(
    state: Path, *, database_url: str = "", program: Sequence[str] = ("-m", "worker.web"), **settings: str
) -> Iterator[Site]:
    """The web process on a prepared database; `settings` are NURTURE_ variables in lower case."""
    url = f"http://127.0.0.1:{unused_port()}"
    values = {"state_dir": str(state), "bind": url.removeprefix("http://"), "rate_limit": "off", **settings}
    if database_url:
        values["database_url"] = database_url
    given = {f"NURTURE_{name.upper()}": value for name, value in values.items()}
    services = make_services(given)
    variables = [f"{name}={value}" for name, value in given.items()]
    log = state / "web.log"
    server = start_server(
        ["env", *variables, sys.executable, *program], log, is_ready=lambda: answers(f"{url}/healthz")
    )
    try:
        # A connection for each request: the server may close a kept one in the moment in which it is used again.
        with httpx.Client(base_url=url, timeout=40, limits=httpx.Limits(max_keepalive_connections=0)) as http:
            yield Site(url, services, Spool(state / "spool"), http, server.pid, state)
    finally:
        os.kill(server.pid, signal.SIGCONT)
        stop_server(server)
        services.close()


def make_services(environment: Mapping[str, str]) -> Services:
    settings = load_settings(environment)
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    database, ring = Database(settings.database), key_ring(settings)
    files = read_content_files(TEMPLATES)
    prepare(database, ring, 0.0, {**files, "forms.toml": files["forms.toml"] + PARTNER})
    with database.write() as connection:
        clock = ProductClock(speed=0.0, real_anchor=real_now(connection), product_anchor=PINNED)
        installation.set_clock(connection, clock)
    provider = open_provider(settings.mail_url, settings.state, production=False)
    return Services(
        database=database,
        ring=ring,
        provider=provider,
        practice=provider,
        alerts=open_alerts("", provider, "alerts@example.com", settings.state, Reach()),
        queue=RecordingQueue(),
        public_url=settings.links,
    )


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("intake-http")


@pytest.fixture(scope="module")
def broker(state: Path) -> Iterator[EmbeddedValkey]:
    server = ensure_valkey(state)
    yield server
    server.process.send(signal.SIGCONT)
    stop_valkey(server)


@pytest.fixture(scope="module")
def site(broker: EmbeddedValkey, state: Path) -> Iterator[Site]:
    with running_site(state) as running:
        yield running


def address() -> str:
    return f"maya+{uuid4().hex[:10]}@example.com"


def kept_token(site: Site, seconds_ago: float = 60.0) -> dict[str, str]:
    """The hidden fields of a form that was opened a while ago."""
    with time_machine.travel(time.time() - seconds_ago, tick=False):
        nonce, token = new_token(site.services.ring)
    return {"form": "clinic", "idempotency_key": nonce, "form_token": token, "website": ""}


def multipart(*fields: tuple[str, str], boundary: str = "x") -> tuple[bytes, str]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields
    ]
    return ("".join(parts) + f"--{boundary}--\r\n").encode(), f"multipart/form-data; boundary={boundary}"


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.values: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.scripts_inline = 0
        self._textarea: str | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [given[name] or "" for name in ("href", "src", "action") if given.get(name) is not None]
        if tag == "script" and "src" not in given:
            self.scripts_inline += 1
        if tag == "textarea":
            self._textarea = given.get("name")
        if tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"] or ""] = given.get("value") or ""
        chosen = given.get("type") not in {"checkbox", "radio"} or "checked" in given
        if tag == "input" and chosen and given.get("value"):
            self.values.setdefault(given["name"] or "", []).append(given["value"] or "")

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values.setdefault(self._textarea, []).append(data.removeprefix("\n"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = None


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """RFC 9457: its media type, and the members that programs read."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert urlsplit(body["type"]).scheme == "https"
    assert body["title"]
    assert body["detail"]
    return body


def assert_our_page(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "988" in answer.text
    assert_secure(answer)


def assert_secure(answer: httpx.Response) -> None:
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    assert "set-cookie" not in answer.headers


# --- what is accepted --------------------------------------------------------------------------------------


def test_a_program_gets_202_with_the_id_and_the_reference(site: Site) -> None:
    answer = site.post(email=address(), first_name="Maya", condition=["depression"], consent_email=True)

    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"submission_id", "reference", "status", "crisis"}
    assert (body["status"], body["crisis"]) == ("accepted", False)
    assert str(UUID(body["submission_id"])) == body["submission_id"]
    assert re.fullmatch(r"TAC-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", body["reference"])
    assert_secure(answer)


def test_what_was_answered_is_durable_before_the_answer(site: Site) -> None:
    answer = site.post(email=address(), message="kept before you knew")

    assert site.accepted(answer.json()["submission_id"]).fields["message"] == ("kept before you knew",)


def test_a_stored_submission_leaves_the_spool(site: Site) -> None:
    until(lambda: not is_being_written(site.spool.root))  # so that nobody else's keeps its file there
    answer = site.post(email=address())
    submission = site.accepted(answer.json()["submission_id"])

    site.store(submission)

    until(lambda: submission.id not in {submissions.envelope_id(each) for each in site.envelopes()})


def test_what_is_accepted_is_put_on_the_queue_sealed(site: Site, broker: EmbeddedValkey) -> None:
    mail = address()

    answer = site.post(email=mail, first_name="Unmistakable", message="very private words")

    wanted = answer.json()["submission_id"]
    until(lambda: wanted in queued_ids(broker))
    with redis.Redis(unix_socket_path=str(broker.socket)) as client:
        everything = b"".join(client.lrange("nurture:intake", 0, -1))
        decoded = everything + b"".join(
            base64.b64decode(json.loads(message)["body"]) for message in client.lrange("nurture:intake", 0, -1)
        )
    for secret in (mail.encode(), b"Unmistakable", b"private words"):
        assert secret not in decoded


def queued_ids(broker: EmbeddedValkey) -> set[str]:
    with redis.Redis(unix_socket_path=str(broker.socket), socket_timeout=5) as client:
        messages = client.lrange("nurture:intake", 0, -1)
    bodies = [json.loads(base64.b64decode(json.loads(message)["body"])) for message in messages]
    return {submissions.envelope_id(envelope) for arguments, _, _ in bodies for envelope in arguments[0]}


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
def test_a_browser_is_sent_to_our_thank_you_page(site: Site, kind: str) -> None:
    words = f"by {kind} {uuid4().hex}"
    fields = [("email", address()), ("condition", "anxiety"), ("condition", "ptsd"), ("message", words)]
    body, media = multipart(*fields) if kind == "multipart" else (urlencode(fields).encode(), URLENCODED)

    answer = site.raw(body, media, **HTML)

    assert answer.status_code == 303
    where = answer.headers["location"]
    assert re.fullmatch(r"/thanks/[\w.\-]+", where)
    (submission,) = site.by_message(words)
    assert submission.fields["condition"] == ("anxiety", "ptsd")
    thanks = site.http.get(where)
    assert_our_page(thanks, 200)
    assert submission.reference in thanks.text
    assert PANEL not in thanks.text, "the large panel is for those in a crisis"


def test_a_registered_form_goes_back_to_its_own_page_and_to_no_other(site: Site) -> None:
    answer = site.submit({"form": "partner", "email": address(), "thank_you": "https://evil.example.com", "next": "/x"})

    assert answer.status_code == 303
    assert answer.headers["location"] == "https://partner.example.com/thank-you"
    assert_secure(answer)


@pytest.mark.parametrize(
    "words",
    ["I want to die.", "I want to d.i.e", "No quiero vivir", "Some days I think about ending my life"],
)
@pytest.mark.parametrize("form", ["clinic", "partner"])
def test_a_person_in_crisis_always_sees_our_988_panel(site: Site, form: str, words: str) -> None:
    answer = site.submit({"form": form, "phone": "618-555-0111", "message": words})

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/thanks/")
    assert "crisis" not in answer.headers["location"]
    panel = site.http.get(answer.headers["location"])
    assert_our_page(panel, 200)
    assert PANEL in panel.text
    assert 'href="tel:988"' in panel.text


@pytest.mark.parametrize("name", ["message", "how_can_we_help", "condition", "utm_term"])
def test_a_program_is_told_of_a_crisis_in_any_field_of_free_text(site: Site, name: str) -> None:
    answer = site.post({"email": address(), name: "I want to kill myself"})

    assert answer.json()["crisis"] is True
    assert site.accepted(answer.json()["submission_id"]).crisis == "acute"


def test_a_suspicious_post_in_a_crisis_sees_the_panel_too(site: Site) -> None:
    answer = site.submit({"email": address(), "message": "I want to die", "website": "http://spam.example.com"})

    assert PANEL in site.http.get(answer.headers["location"]).text


def test_a_thank_you_link_that_was_not_made_here_is_not_found(site: Site) -> None:
    assert_our_page(site.http.get("/thanks/s1.dev1.AAAA"), 404)


def test_unknown_fields_are_kept_sealed_and_unchanged(site: Site) -> None:
    extra = {
        "favourite_colour": "  teal and grey  ",
        "utm_source": "newsletter",
        "": "no name",
        "höhe": "groß",
        "n": [1, None],
    }

    answer = site.post({"email": address(), **extra})

    fields = site.accepted(answer.json()["submission_id"]).fields
    assert fields["favourite_colour"] == ("  teal and grey  ",)
    assert fields["utm_source"] == ("newsletter",)
    assert fields[""] == ("no name",)
    assert fields["höhe"] == ("groß",)
    assert fields["n"] == ("1",)
    assert "teal and grey" not in "".join(site.envelopes())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (True, True), ("true", True), ("on", True), ("yes", True), ("1", True), (1, True), (" YES ", True),
        (False, False), ("false", False), ("no", False), ("0", False), ("", False), (None, False), ("ok", False),
    ],
)  # fmt: skip
def test_consent_is_given_by_the_words_of_the_contract_only(site: Site, said: object, meant: bool) -> None:
    answer = site.post(email=address(), consent_email=said)

    assert site.accepted(answer.json()["submission_id"]).consent_email is meant


def test_consent_is_optional_and_its_wording_is_the_forms(site: Site) -> None:
    answer = site.post(email=address(), form="partner")

    submission = site.accepted(answer.json()["submission_id"])
    assert submission.consent_email is False
    assert submission.wording_version == "2026-01-01"


@pytest.mark.parametrize(
    ("typed", "understood", "is_odd"),
    [
        ("618-555-0142", "+16185550142", False),
        ("+1 (618) 555 0142", "+16185550142", False),
        ("618.555.0142 ext. 7", "+16185550142", False),
        ("555-0142", "555-0142", True),
        ("call me maybe 5550142", "call me maybe 5550142", True),
        ("0044 20 7946 0958 99", "0044 20 7946 0958 99", True),
    ],
)
def test_an_odd_phone_is_accepted_and_flagged(site: Site, typed: str, understood: str, is_odd: bool) -> None:
    answer = site.post(phone=typed)

    assert answer.status_code == 202, answer.text
    submission = site.accepted(answer.json()["submission_id"])
    assert submission.phone == understood
    assert ("phone.odd" in submission.flags) is is_odd
    assert submission.fields["phone"] == (typed,)


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("Maya@Example.COM", "maya@example.com"),
        (" maya@example.com ", "maya@example.com"),
        ("maya@bücher.example.com", "maya@xn--bcher-kva.example.com"),
        ("o'neil+clinic@example.com", "o'neil+clinic@example.com"),
    ],
)
def test_an_address_is_understood_as_mail_programs_do(site: Site, typed: str, understood: str) -> None:
    answer = site.post(email=typed)

    assert site.accepted(answer.json()["submission_id"]).email == understood


@pytest.mark.parametrize("text", ["\ud800", "a\ud83dz", "\udfff\ud800"])
@pytest.mark.parametrize("name", ["message", "favourite", "first_name"])
def test_half_a_character_does_not_break_a_post(site: Site, name: str, text: str) -> None:
    body = json.dumps({"email": address(), name: text})

    assert site.raw(body, "application/json").status_code == 202


def test_half_a_character_in_a_key_or_a_name_breaks_nothing_either(site: Site) -> None:
    body = json.dumps({"email": address(), "idempotency_key": "\ud800", "\udfff": "x"})

    assert site.raw(body, "application/json").status_code in {202, 400}


def test_zeros_emoji_and_right_to_left_text_come_through(site: Site) -> None:
    words = "\x00 👩🏽‍⚕️ \u202eשלום\u202c \r\n\t end"

    answer = site.post(email=address(), message=words)

    assert site.accepted(answer.json()["submission_id"]).fields["message"] == (words,)


# --- what is refused ---------------------------------------------------------------------------------------


def test_every_bad_field_has_one_entry(site: Site) -> None:
    answer = site.post(email="maya at example", phone="12", zip="1" * 201, form="nobody", first_name="x" * 201)

    body = assert_problem(answer, 422)
    assert all(entry.keys() == {"pointer", "code", "detail"} for entry in body["errors"])
    assert all(entry["detail"].endswith(".") for entry in body["errors"])
    found = [(entry["pointer"], entry["code"]) for entry in body["errors"]]
    assert len(found) == len(set(found))
    assert set(found) >= {
        ("/email", "email.syntax"),
        ("/form", "form.unknown"),
        ("/zip", "text.too_long"),
        ("/first_name", "text.too_long"),
    }


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({}, "/email", "contact.missing"),
        ({"email": "  ", "phone": ""}, "/email", "contact.missing"),
        ({"email": None}, "/email", "contact.missing"),
        ({"phone": "12"}, "/phone", "phone.too_short"),
        ({"email": "maya@"}, "/email", "email.syntax"),
        ({"email": "maya@localhost"}, "/email", "email.syntax"),
        ({"email": {"value": "maya@example.com"}}, "/email", "email.syntax"),
        ({"email": "maya@example.com\r\nBcc: all@example.com"}, "/email", "email.syntax"),
        ({"email": "jürgen@example.com"}, "/email", "email.not_ascii"),
        ({"email": "a" * 201 + "@example.com"}, "/email", "text.too_long"),
        ({"email": "maya@example.com", "form": "nobody"}, "/form", "form.unknown"),
    ],
)
def test_a_bad_field_is_named(site: Site, fields: dict[str, Any], pointer: str, code: str) -> None:
    body = assert_problem(site.post(fields), 422)

    assert [(entry["pointer"], entry["code"]) for entry in body["errors"]] == [(pointer, code)]


def test_a_browser_gets_the_form_back_with_everything_it_typed(site: Site) -> None:
    typed = {
        "email": 'maya"at <example>',
        "phone": "618-555-0142",
        "first_name": "Maya & Co",
        "last_name": "Example",
        "location": "albany",
        "zip": "12207",
        "condition": ["anxiety", "ptsd"],
        "treatment": "iv_ketamine",
        "message": "first line\nsecond </textarea> line",
        "preferred_contact": "phone",
        "consent_email": "yes",
    }

    answer = site.submit(typed | kept_token(site))

    assert_our_page(answer, 422)
    page = Page(answer.text)
    for name, value in typed.items():
        if name not in {"treatment", "message"}:
            assert page.values[name] == (value if isinstance(value, list) else [value]), name
    assert "".join(page.values["message"]) == typed["message"]
    assert 'value="iv_ketamine" selected' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_the_mended_form_is_a_new_submission(site: Site) -> None:
    hidden, words = kept_token(site), f"mended {uuid4().hex}"
    first = site.submit(hidden | {"email": "maya at", "message": words})
    again = Page(first.text).hidden

    second = site.submit(again | {"email": address(), "message": words, "website": ""})

    assert second.status_code == 303
    assert len(site.by_message(words)) == 1


def test_who_mends_a_form_quickly_is_not_suspicious(site: Site) -> None:
    words = f"mended at once {uuid4().hex}"
    first = site.submit(kept_token(site) | {"email": "maya at", "message": words})

    site.submit(Page(first.text).hidden | {"email": address(), "message": words, "website": ""})

    (submission,) = site.by_message(words)
    assert submission.suspicions == ()


UNREADABLE = [
    ("application/json", b"{", 400),
    ("application/json", b"", 400),
    ("application/json", b"[]", 400),
    ("application/json", b'"maya@example.com"', 400),
    ("application/json", b"\xff\xfe\x00", 400),
    ("application/json", b'{"email": "maya\xff@example.com"}', 400),
    ("application/json", b'{"email":"maya@example.com","n":' + b"9" * 5000 + b"}", 400),
    ("application/x-www-form-urlencoded", b"email=maya%FF@example.com", 400),
    ("application/x-www-form-urlencoded", b"email=maya\xff@example.com", 400),
    ("multipart/form-data", b"no boundary", 400),
    ("multipart/form-data; boundary=x", b"no parts", 400),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n", 400),
    ("text/plain", b"email=maya@example.com", 415),
    ("application/xml", b"<email/>", 415),
    ("", b"email=maya@example.com", 415),
]


@pytest.mark.parametrize(("kind", "body", "status"), UNREADABLE)
def test_what_cannot_be_read_is_refused_in_both_shapes(site: Site, kind: str, body: bytes, status: int) -> None:
    before = len(site.envelopes())

    assert_problem(site.raw(body, kind, **JSON), status)
    if kind != "application/json":  # who sends JSON gets JSON, whatever they accept
        assert_our_page(site.raw(body, kind, **HTML), status)
    assert len(site.envelopes()) == before


def test_a_form_cut_off_on_its_way_is_not_accepted_without_its_end(site: Site) -> None:
    whole, kind = multipart(("email", address()), ("message", "the words that matter"))

    answer = site.raw(whole.partition(b"that matter")[0], kind, **JSON)

    assert_problem(answer, 400)


@pytest.mark.parametrize("depth", [10, 300, 500, 600, 750, 950, 2000, 30_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_deep_json_is_read_or_refused_and_never_an_error_of_ours(
    site: Site, opening: str, closing: str, depth: int
) -> None:
    depth = min(depth, 60_000 // (len(opening) + 1))
    body = f'{{"email":"{address()}","x":{opening * depth}1{closing * depth}}}'

    answer = site.raw(body, "application/json")

    assert answer.status_code in {202, 400}, answer.text
    if depth == 10:
        assert answer.status_code == 202


@pytest.mark.parametrize("count", [201, 10_000])
@pytest.mark.parametrize("kind", ["json", "urlencoded", "multipart"])
def test_a_flood_of_fields_is_refused(site: Site, kind: str, count: int) -> None:
    if kind == "json":
        answer = site.post({f"f{number}": 1 for number in range(min(count, 5000))} | {"email": address()})
    elif kind == "urlencoded":
        answer = site.raw("&".join(["a=1"] * count) + f"&email={address()}", URLENCODED, **JSON)
    else:
        body, media = multipart(*[("a", "1")] * min(count, 900), ("email", address()))
        answer = site.raw(body, media, **JSON)

    assert_problem(answer, 400)


def test_64_kb_are_accepted_and_one_byte_more_is_not(site: Site) -> None:
    def body_of(size: int) -> bytes:
        frame = f"email={address()}&message=".encode()
        return frame + b"a" * (size - len(frame))

    assert site.raw(body_of(MAX_BODY_BYTES), URLENCODED, **HTML).status_code == 303
    for accept in (JSON, HTML):
        answer = site.raw(body_of(MAX_BODY_BYTES + 1), URLENCODED, **accept)
        if accept is JSON:
            assert_problem(answer, 413)
        else:
            assert_our_page(answer, 413)


def test_64_kb_are_counted_where_no_length_is_declared(site: Site) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        yield f"email={address()}&message=".encode()
        for _ in range(size // 1024):
            yield b"a" * 1024

    assert site.raw(chunks(60 * 1024), URLENCODED, **HTML).status_code == 303
    assert_problem(site.raw(chunks(70 * 1024), URLENCODED, **JSON), 413)


def test_a_declared_length_beyond_the_limit_is_refused_without_waiting_for_the_body(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(
            b"POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100000000\r\n\r\n{"
        )
        begun = client.recv(4096)

    assert begun.startswith(b"HTTP/1.1 413")


def test_a_file_is_refused_and_an_empty_file_field_is_not(site: Site) -> None:
    def body(filename: str, content: str) -> bytes:
        head = f'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n{address()}\r\n'
        file = f'--x\r\nContent-Disposition: form-data; name="report"; filename="{filename}"\r\n'
        return f"{head}{file}Content-Type: application/pdf\r\n\r\n{content}\r\n--x--\r\n".encode()

    kind = "multipart/form-data; boundary=x"

    assert_problem(site.raw(body("letter.pdf", "%PDF"), kind, **JSON), 415)
    assert_our_page(site.raw(body("letter.pdf", "%PDF"), kind, **HTML), 415)
    assert_problem(site.raw(body("", "%PDF"), kind, **JSON), 415)
    assert site.raw(body("", ""), kind, **HTML).status_code == 303


@contextlib.contextmanager
def nothing_durable(site: Site) -> Iterator[None]:
    """Nothing new can be begun in the spool, as on a full disk, and nothing is being written."""
    aside, writing = site.spool.root / "tmp.aside", site.spool.root / "tmp"
    writing.rename(aside)
    try:
        writing.write_text("in the way")
        until(lambda: not is_being_written(site.spool.root))
        yield
    finally:
        writing.unlink()
        aside.rename(writing)


def test_nothing_is_accepted_when_it_cannot_be_made_durable(site: Site) -> None:
    typed = kept_token(site) | {"email": address(), "message": "words that took courage"}
    key = {"Idempotency-Key": uuid4().hex}
    with nothing_durable(site):
        problem = site.post(email=address(), headers=key)
        page = site.submit(typed)

    assert_problem(problem, 503)
    assert int(problem.headers["retry-after"]) > 0
    assert_our_page(page, 503)
    assert int(page.headers["retry-after"]) > 0
    assert site.by_message("words that took courage") == []
    assert site.post(email=address(), headers=key).status_code == 202, "the key is free again"
    assert site.submit(typed).status_code == 303


def test_a_page_that_asks_to_try_again_keeps_what_was_typed(site: Site) -> None:
    with nothing_durable(site):
        page = site.submit(kept_token(site) | {"email": address(), "message": "words that took courage"})

    assert "words that took courage" in page.text


# --- the same thing twice ----------------------------------------------------------------------------------


def test_the_same_key_and_body_get_the_same_answer(site: Site) -> None:
    key, fields = {"Idempotency-Key": uuid4().hex}, {"email": address(), "message": "once"}

    first, second = site.post(fields, headers=key), site.post(fields, headers=key)

    assert second.status_code == 202
    assert second.json() == first.json()
    assert site.accepted(first.json()["submission_id"]), "there exactly once"


def test_the_same_key_with_another_body_is_refused(site: Site) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    site.post(email=address(), message="one", headers=key)

    answer = site.post(email=address(), message="another", headers=key)

    assert "idempotency" in assert_problem(answer, 422)["type"]


def test_a_key_is_remembered_by_the_database_when_the_process_has_forgotten_it(site: Site) -> None:
    """Stored under its key by another web process, say."""
    key = uuid4().hex
    first = site.post(email=address(), message="one", headers={"Idempotency-Key": key})
    submission = site.accepted(first.json()["submission_id"])
    site.store(submission)

    with running_site(site.state) as other:
        refused = other.post(email=address(), message="another", headers={"Idempotency-Key": key})
        repeated = other.http.post(
            "/v1/submissions",
            json={name: values[0] for name, values in submission.fields.items()},
            headers={"Idempotency-Key": key},
        )

    assert_problem(refused, 422)
    assert repeated.json() == first.json()


def test_the_same_key_of_two_forms_names_two_submissions(site: Site) -> None:
    key, mail = {"Idempotency-Key": uuid4().hex}, address()

    first = site.post(email=mail, headers=key)
    second = site.post(email=mail, form="partner", headers=key)

    assert second.status_code == 202
    assert first.json()["submission_id"] != second.json()["submission_id"]


def test_a_key_may_have_200_characters_and_no_more(site: Site) -> None:
    stem = uuid4().hex

    assert site.post(email=address(), headers={"Idempotency-Key": stem.ljust(200, "k")}).status_code == 202
    assert_problem(site.post(email=address(), headers={"Idempotency-Key": "k" * 201}), 400)


def test_without_a_key_two_posts_are_two_submissions(site: Site) -> None:
    fields = {"email": address()}

    assert site.post(fields).json()["submission_id"] != site.post(fields).json()["submission_id"]


@pytest.mark.parametrize("times", [2, 8])
def test_however_often_the_button_is_pressed_there_is_one_submission_and_no_error(site: Site, times: int) -> None:
    words = f"pressed {uuid4().hex}"
    form = kept_token(site) | {"email": address(), "message": words}

    with ThreadPoolExecutor(times) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: site.submit(form), range(times))]

    assert statuses == [303] * times
    assert len(site.by_message(words)) == 1


# --- suspicion ---------------------------------------------------------------------------------------------


def suspicious_forms(site: Site) -> dict[str, dict[str, str]]:
    mine = kept_token(site)
    return {
        "honeypot": mine | {"website": "http://spam.example.com"},
        "token.too_quick": kept_token(site, seconds_ago=0),
        "token.forged": mine | {"form_token": mine["form_token"][:-4] + "AAAA"},
        "token of another form": mine | {"idempotency_key": uuid4().hex},
        "nonsense for a token": {"form_token": "nonsense"},
    }


@pytest.mark.parametrize(
    "what", ["honeypot", "token.too_quick", "token.forged", "token of another form", "nonsense for a token"]
)
def test_a_suspicious_post_is_set_aside_and_not_lost_nor_told(site: Site, what: str) -> None:
    words = f"{what} {uuid4().hex}"

    answer = site.submit(suspicious_forms(site)[what] | {"email": address(), "message": words})

    assert answer.status_code == 303, "who guesses learns nothing"
    (submission,) = site.by_message(words)
    assert submission.suspicions
    site.store(submission)
    with site.services.database.read() as connection:
        row = submissions.by_id(connection, submission.id)
        assert row["status"] == submissions.QUARANTINED
        assert row["lead_id"] is None
    assert submissions.open_stored(row, site.services.ring).fields["message"] == (words,)


@pytest.mark.parametrize("hidden", ["none", "ours"])
def test_a_person_is_not_suspicious(site: Site, hidden: str) -> None:
    words = uuid4().hex
    form = kept_token(site) if hidden == "ours" else {}

    site.submit(form | {"email": address(), "message": words})

    (submission,) = site.by_message(words)
    assert submission.suspicions == ()


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(
        tmp_path_factory.mktemp("limited"), rate_limit="3/minute", trusted_proxies="127.0.0.1", redis_url=NO_BROKER
    ) as running:
        yield running


def test_too_many_posts_of_one_client_are_refused_and_others_are_not(limited: Site) -> None:
    def post(client: str, **accept: str) -> httpx.Response:
        fields = {"email": address(), "message": "typed with care"}
        return limited.submit(fields, **accept, **{"X-Forwarded-For": client})

    assert [post("192.0.2.1").status_code for _ in range(4)] == [303, 303, 303, 429]
    assert post("192.0.2.2").status_code == 303
    refused = post("192.0.2.1", **JSON)
    assert_problem(refused, 429)
    assert int(refused.headers["retry-after"]) > 0
    page = post("192.0.2.1")
    assert_our_page(page, 429)
    assert int(page.headers["retry-after"]) > 0


def test_what_a_client_says_of_itself_is_not_believed(limited: Site) -> None:
    """The proxy adds the last address, on a line of its own (HAProxy) or at the end of the line (nginx)."""

    def post(*lines: str) -> int:
        headers = [("X-Forwarded-For", line) for line in lines]
        return limited.http.post("/v1/submissions", json={"email": address()}, headers=headers).status_code

    assert [post(f"198.51.100.{number}, 192.0.2.50") for number in range(4)] == [202, 202, 202, 429]
    assert [post(f"198.51.100.{number}", "192.0.2.51") for number in range(4)] == [202, 202, 202, 429]


def test_without_a_trusted_proxy_the_header_counts_for_nothing(tmp_path: Path) -> None:
    with running_site(tmp_path, rate_limit="2/minute", redis_url=NO_BROKER) as site:
        statuses = [
            site.post(email=address(), headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(3)
        ]

    assert statuses == [202, 202, 429]


# --- every answer ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lead(site: Site) -> Mapping[str, Any]:
    """An undecided lead, with a sequence that it can leave."""
    lead_id = stored_lead(site, condition="depression", consent_email=True)
    with site.services.database.read() as connection:
        return leads.by_ids(connection, [lead_id])[lead_id]


def stored_lead(site: Site, **fields: Any) -> str:
    """The id of a new lead that posted these fields."""
    answer = site.post(email=address(), **fields)
    site.store(site.accepted(answer.json()["submission_id"]))
    with site.services.database.read() as connection:
        row = submissions.by_id(connection, answer.json()["submission_id"])
    return str(row["lead_id"])


def links(site: Site, lead: Mapping[str, Any]) -> dict[str, str]:
    with site.services.database.read() as connection:
        send = sends.of_lead(connection, lead["id"])[0]
    lookup = site.services.vault.lookup
    return {
        "unsubscribe": f"/u/{make_token(send['id'], 'unsubscribe', lookup)}",
        "choose": f"/choose/{make_token(lead['id'], 'choose', lookup)}",
        "confirm": f"/confirm/{make_token(lead['id'], 'confirm', lookup)}",
    }


def everything(site: Site) -> dict[str, Any]:
    """Every row that a recipient's click could change."""
    with site.services.database.read() as connection:
        return {
            table.name: connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in (tables.leads, tables.sends, tables.enrollments, tables.suppressions, tables.timeline)
        }


PAGES = ["/form", "/form?form=partner", "/docs", "/thanks/nonsense", "/u/nonsense", "/choose/nonsense", "/nowhere", "/"]


@pytest.mark.parametrize("path", [*PAGES, "/static/clinic.css", "/openapi.json", "/metrics", "/healthz", "/readyz"])
def test_every_answer_carries_the_security_headers_and_no_cookie(site: Site, path: str) -> None:
    answer = site.http.get(path)

    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_anyone_else_and_runs_no_inline_script(site: Site, path: str) -> None:
    answer = site.http.get(path, headers=HTML, follow_redirects=True)

    page = Page(answer.text)
    loaded = re.findall(r'(?:src=|<link[^>]*href=|url\()["\']?([^"\')>\s]+)', answer.text)
    assert [link for link in loaded if not link.startswith("/")] == []
    assert page.scripts_inline == 0
    assert "<style" not in answer.text
    assert re.search(r"\son\w+=", answer.text) is None


@pytest.mark.parametrize("path", ["/form/", "//evil.example.com/form/", "/v1/submissions/", "/healthz/", "/docs/"])
def test_nobody_is_redirected_to_another_host(site: Site, path: str) -> None:
    for method in ("GET", "POST"):
        answer = site.http.request(method, f"{site.url}{path}", headers={"Host": "evil.example.com"})

        assert urlsplit(answer.headers.get("location", "")).netloc == ""


def test_head_is_answered_as_get_without_the_body(site: Site, lead: Mapping[str, Any]) -> None:
    for path in ("/form", "/healthz", links(site, lead)["unsubscribe"]):
        answer = site.http.head(path)

        assert (answer.status_code, answer.content) == (200, b""), path


def test_a_broken_link_leads_to_a_page_for_people_and_a_problem_for_programs(site: Site) -> None:
    assert_our_page(site.http.get("/nowhere", headers=HTML), 404)
    assert_problem(site.http.get("/nowhere", headers=JSON), 404)
    assert_problem(site.http.put("/v1/submissions", json={}, headers=JSON), 405)


def test_link_scanners_change_nothing(site: Site, lead: Mapping[str, Any]) -> None:
    paths, before = links(site, lead), everything(site)

    for name in ("unsubscribe", "choose", "confirm"):
        for _ in range(50):
            assert site.http.get(paths[name]).status_code == 200
            site.http.head(paths[name])
            site.http.get(f"{paths[name]}?location=albany&confirm=1")

    assert everything(site) == before


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
def test_one_click_unsubscribes_as_rfc_8058_has_it_and_again(site: Site, kind: str) -> None:
    lead_id = stored_lead(site, location="albany", condition="ptsd", consent_email=True)
    link = links(site, {"id": lead_id})["unsubscribe"]
    body, media = (b"List-Unsubscribe=One-Click", URLENCODED)
    if kind == "multipart":
        body, media = multipart(("List-Unsubscribe", "One-Click"))

    for _ in range(2):
        clicked = httpx.post(f"{site.url}{link}", content=body, headers={"Content-Type": media})
        assert_our_page(clicked, 200)

    with site.services.database.read() as connection:
        states = {send["kind"]: send["state"] for send in sends.of_lead(connection, lead_id)}
        count = connection.execute(
            select(func.count()).where(tables.timeline.c.lead_id == lead_id, tables.timeline.c.kind == "unsubscribed")
        ).scalar_one()
    assert states == {"acknowledgement": "planned", "nurture": "cancelled"}
    assert count == 1


def test_a_link_that_was_not_made_here_does_nothing(site: Site, lead: Mapping[str, Any]) -> None:
    paths, before = links(site, lead), everything(site)
    forged = [
        with_another_signature(paths["unsubscribe"]),
        paths["unsubscribe"].replace("/u/", "/choose/"),
        paths["choose"].replace("/choose/", "/u/"),
        paths["confirm"].replace("/confirm/", "/choose/"),
        "/u/" + "A" * 22 + ".nonsense",
        "/u/é.%00",
    ]

    for path in forged:
        assert_our_page(site.http.get(path), 404)
        assert_our_page(site.http.post(path, data={"location": "albany"}), 404)

    assert everything(site) == before


def test_an_undecided_person_chooses_a_clinic_and_nonsense_chooses_none(site: Site) -> None:
    lead_id = stored_lead(site, condition="anxiety", consent_email=True)
    link = links(site, {"id": lead_id})["choose"]

    def location() -> str:
        with site.services.database.read() as connection:
            return str(leads.by_ids(connection, [lead_id])[lead_id]["location"])

    for nonsense in ("", "undecided", "out_of_area", "paris"):
        assert_our_page(site.http.post(link, data={"location": nonsense}), 200)
        assert location() == "undecided"
    chosen = site.http.post(link, data={"location": "albany"})

    assert_our_page(chosen, 200)
    assert "You chose Albany" in chosen.text
    assert location() == "albany"


# --- health ------------------------------------------------------------------------------------------------


def test_it_is_alive_and_not_ready_until_every_part_is(site: Site) -> None:
    assert site.http.get("/healthz").json()["status"] == "ok"
    answer = site.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False, "database": True, "broker": True, "consumers": False, "beat": False, "content": True,
    }  # fmt: skip

    with site.services.database.write() as connection:
        heartbeats.beat(connection, "worker@test", heartbeats.WORKER, [queue.value for queue in QueueName][:-1])
        heartbeats.beat(connection, "beat", heartbeats.BEAT, [])
    partly = site.http.get("/readyz")
    with site.services.database.write() as connection:
        heartbeats.beat(connection, "worker@test", heartbeats.WORKER, [queue.value for queue in QueueName])
    ready = site.http.get("/readyz")

    assert (partly.status_code, partly.json()["consumers"], partly.json()["beat"]) == (503, False, True)
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    with site.services.database.write() as connection:
        heartbeats.gone(connection, "worker@test")
        heartbeats.gone(connection, "beat")


def test_metrics_are_prometheus_text_and_say_how_many(site: Site, lead: Mapping[str, Any]) -> None:
    answer = site.http.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert all(family.documentation for family in families.values())
    assert families["nurture_up"].samples[0].value == 1
    queues = {sample.labels["queue"] for sample in families["nurture_queue_depth"].samples}
    assert queues == {queue.value for queue in QueueName}
    planned = {sample.labels["state"]: sample.value for sample in families["nurture_sends"].samples}["planned"]
    with site.services.database.read() as connection:
        assert planned == send_figures.counts(connection)["planned"]
    assert "@" not in answer.text


def test_openapi_describes_every_public_route_completely(site: Site) -> None:
    described = site.http.get("/openapi.json").json()

    assert described["openapi"].startswith("3.")
    assert described["info"].keys() >= {"title", "version", "description"}
    assert described["paths"].keys() >= {
        "/v1/submissions", "/form", "/u/{token}", "/choose/{token}", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    operations = [(path, verb, op) for path, verbs in described["paths"].items() for verb, op in verbs.items()]
    assert len({op["operationId"] for _, _, op in operations}) == len(operations)
    for path, verb, operation in operations:
        assert operation.get("summary"), (path, verb)
        assert operation["responses"], (path, verb)
        assert all(answer["description"] for answer in operation["responses"].values()), (path, verb)
        named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))
    for reference in re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(described)):
        found: Any = described
        for part in reference.split("/"):
            found = found[part]


def test_openapi_lists_each_answer_media_type_and_field_of_a_submission(site: Site) -> None:
    operation = site.http.get("/openapi.json").json()["paths"]["/v1/submissions"]["post"]

    assert set(operation["responses"]) == {"202", "303", "400", "409", "413", "415", "422", "429", "503"}
    content = operation["requestBody"]["content"]
    assert set(content) == {"application/json", URLENCODED, "multipart/form-data"}
    named = set(content["application/json"]["schema"]["properties"])
    assert named == {
        "email", "phone", "first_name", "last_name", "location", "zip", "state", "condition", "treatment", "message",
        "preferred_contact", "consent_email", "form", "page_url",
    }  # fmt: skip
    example = content["application/json"]["schema"]["example"]
    assert site.post(example).status_code == 202
    assert [one["name"] for one in operation["parameters"]] == ["Idempotency-Key"]


def test_docs_are_ours_alone(site: Site) -> None:
    answer = site.http.get("/docs")

    assert answer.status_code == 200
    assert "/v1/submissions" in answer.text
    elsewhere = [link for link in Page(answer.text).links if not link.startswith(("/", "#"))]
    assert elsewhere == []


# --- while something behind it is broken -------------------------------------------------------------------


@dataclass
class Timed:
    """Answers, and how long the slowest took."""

    statuses: set[int] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    slowest: float = 0.0

    def post(self, site: Site, **headers: str) -> None:
        begun = time.monotonic()
        answer = site.post(email=address(), headers=headers)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.statuses.add(answer.status_code)
        if answer.status_code == 202:
            self.ids.add(answer.json()["submission_id"])


def post_twenty(site: Site) -> Timed:
    timed = Timed()
    for number in range(20):
        timed.post(site, **({"Idempotency-Key": uuid4().hex} if number % 2 else {}))
    return timed


@pytest.mark.faults
def test_a_frozen_redis_delays_nobody_and_gets_everything_later(site: Site, broker: EmbeddedValkey) -> None:
    broker.process.send(signal.SIGSTOP)
    try:
        timed = post_twenty(site)
        ready = site.http.get("/readyz")
        page = site.http.get("/form")
    finally:
        broker.process.send(signal.SIGCONT)

    assert timed.statuses == {202}
    assert timed.slowest < QUICK_S
    assert (ready.status_code, ready.json()["broker"]) == (503, False)
    assert page.status_code == 200
    assert timed.ids <= {submissions.envelope_id(each) for each in site.envelopes()}
    until(lambda: timed.ids <= queued_ids(broker), seconds=30)


@pytest.mark.faults
def test_without_any_redis_posts_and_clicks_are_answered_as_quickly(tmp_path: Path) -> None:
    with running_site(tmp_path, redis_url=NO_BROKER) as site:
        timed = post_twenty(site)
        spooled = {submissions.envelope_id(each) for each in site.envelopes()}
        link = links(site, {"id": stored_lead(site, condition="anxiety", consent_email=True)})["choose"]
        begun = time.monotonic()
        chosen = site.http.post(link, data={"location": "albany"})
        took = time.monotonic() - begun

    assert timed.statuses == {202}
    assert timed.slowest < QUICK_S
    assert timed.ids <= spooled
    assert chosen.status_code == 200
    assert took < QUICK_S


@pytest.fixture(scope="module")
def on_postgres(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    postgres.execute("CREATE DATABASE intake_http")
    with running_site(
        tmp_path_factory.mktemp("pg"), database_url=postgres.url("intake_http"), redis_url=NO_BROKER
    ) as running:
        yield running
    postgres.execute("DROP DATABASE intake_http WITH (FORCE)")


@contextlib.contextmanager
def database_away(postgres: Postgres, site: Site) -> Iterator[None]:
    postgres.execute("ALTER DATABASE intake_http ALLOW_CONNECTIONS false")
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'intake_http'")
    try:
        yield
    finally:
        postgres.execute("ALTER DATABASE intake_http ALLOW_CONNECTIONS true")


@contextlib.contextmanager
def submissions_locked(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """A database that answers, and lets nobody look at the submissions: as slow as it gets."""
    with psycopg.connect(host=str(postgres.home), user="postgres", dbname="intake_http") as connection:
        connection.execute("LOCK TABLE submissions IN ACCESS EXCLUSIVE MODE")
        yield connection
        connection.rollback()


@pytest.mark.faults
def test_while_the_database_is_away_everything_is_accepted_and_the_pages_stand(
    on_postgres: Site, postgres: Postgres
) -> None:
    site = on_postgres
    with database_away(postgres, site):
        timed = post_twenty(site)
        ready, alive = site.http.get("/readyz"), site.http.get("/healthz")
        metrics, form = site.http.get("/metrics"), site.http.get("/form")

    assert timed.statuses == {202}
    assert timed.slowest < QUICK_S
    assert (ready.status_code, ready.json()["database"]) == (503, False)
    assert alive.status_code == 200
    assert {family.name: family.samples[0].value for family in text_string_to_metric_families(metrics.text)} == {
        "nurture_up": 0.0
    }
    assert_our_page(form, 200)
    assert timed.ids <= {submissions.envelope_id(each) for each in site.envelopes()}


@pytest.mark.faults
def test_while_the_database_is_away_a_click_is_asked_to_come_again(on_postgres: Site, postgres: Postgres) -> None:
    site = on_postgres
    paths = {
        "unsubscribe": f"/u/{make_token(str(uuid4()), 'unsubscribe', site.services.vault.lookup)}",
        "choose": f"/choose/{make_token(str(uuid4()), 'choose', site.services.vault.lookup)}",
    }
    with database_away(postgres, site):
        clicked = [
            site.http.post(paths["unsubscribe"], data={"List-Unsubscribe": "One-Click"}, headers=HTML),
            site.http.post(paths["choose"], data={"location": "albany"}, headers=HTML),
        ]

    for answer in clicked:
        assert_our_page(answer, 503)
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.faults
def test_a_first_start_without_the_database_serves_the_form_and_accepts(
    on_postgres: Site, postgres: Postgres, tmp_path: Path
) -> None:
    """The settings of the running site, another process: nothing is loaded yet when the database is away."""
    variables = {
        "STATE_DIR": str(on_postgres.state),
        "DATABASE_URL": postgres.url("intake_http"),
        "REDIS_URL": NO_BROKER,
        "SPOOL_DIR": str(tmp_path / "spool"),
        "BIND": f"127.0.0.1:{unused_port()}",
        "RATE_LIMIT": "off",
    }
    url = f"http://{variables['BIND']}"
    with database_away(postgres, on_postgres):
        words = [f"NURTURE_{name}={value}" for name, value in variables.items()]
        server = start_server(
            ["env", *words, sys.executable, "-m", "worker.web"],
            tmp_path / "web.log",
            is_ready=lambda: answers(f"{url}/healthz"),
        )
        try:
            answer = httpx.post(f"{url}/v1/submissions", json={"email": address()}, timeout=20)
            form = httpx.get(f"{url}/form", timeout=20)
        finally:
            stop_server(server)

    assert answer.status_code == 202
    assert_our_page(form, 200)


@pytest.mark.faults
def test_a_database_that_hangs_does_not_hold_up_a_post(on_postgres: Site, postgres: Postgres) -> None:
    timed = Timed()
    with submissions_locked(postgres):
        # Let go in time for the test to fail with an answer, and not with a time-out.
        timed.post(on_postgres)
        thread = threading.Thread(target=timed.post, args=(on_postgres,), kwargs={"Idempotency-Key": uuid4().hex})
        thread.start()
        thread.join(QUICK_S + 2)
    thread.join()

    assert timed.statuses == {202}
    assert timed.slowest < QUICK_S


def test_a_key_whose_first_request_still_runs_is_answered_409(on_postgres: Site, postgres: Postgres) -> None:
    """In a process of its own, which is patient with the database: the first is to run until we say so."""
    patient = "from worker.intake import idempotency; idempotency._LOOKUP_S = 60; from worker.web import main; main()"
    key, fields = {"Idempotency-Key": uuid4().hex}, {"email": address()}
    with (
        running_site(
            on_postgres.state, database_url=postgres.url("intake_http"), redis_url=NO_BROKER, program=("-c", patient)
        ) as site,
        ThreadPoolExecutor(1) as pool,
    ):
        with submissions_locked(postgres) as connection:
            first = pool.submit(site.post, fields, headers=key)
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'intake_http'"
            with psycopg.connect(
                host=str(postgres.home), user="postgres", dbname="postgres", autocommit=True
            ) as looker:
                until(lambda: looker.execute(waiting).fetchone()[0] > 0)
            second = site.post(fields, headers=key)
            other = site.post({"email": address()}, headers=key)
            connection.rollback()
        assert first.result().status_code == 202

        repeated = site.post(fields, headers=key)

    assert "running" in assert_problem(second, 409)["type"]
    assert_problem(other, 422)
    assert repeated.json() == first.result().json()
