"""Leads made of unmistakable words go through every path of a running product; then every place is searched (I6).

One run on SQLite with an SMTP server, one on PostgreSQL with a provider by HTTP; both answer with errors that
quote the address. To add a path, write a function that takes the scene and list it in `PATHS`.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import make_url, text

from tests.e2e.product import TUESDAY, Product, new_product, post, processes_of, until
from tests.support.canary import Canaries
from tests.support.feedback import RESEND_SECRET, resend
from tests.support.smtp import SmtpSink
from tests.support.world import SHIPPED
from tests.unit.shipped import catalog
from worker.content.snapshots import pack, snapshot_hash
from worker.domain.forms import TokenCheck
from worker.domain.staff import Role, StaffState
from worker.settings import load_settings
from worker.storage import contents, installation, staff, tables
from worker.storage.broker import KEY_PREFIX
from worker.storage.database import Database, real_now
from worker.storage.sealing import KeyRing
from worker.storage.spool import Spool
from worker.storage.submissions import envelope
from worker.usecases.arrival.understand import understand
from worker.usecases.clock import jump_clock

CANARY = {
    "email": "zyxwvut.canary@example.com",
    "first_name": "Qwertzina",
    "last_name": "Fledermäuschen",
    "phone": "618-555-0173",
    "location": "carbondale",
    "condition": ["depression", "heliotropitis"],
    "message": "My marmaladesecret is a worry",
    "preferred_contact": "carrierpigeon",
    "shoe_size": "fortyeleven",
    "page_url": "https://clinic.example.com/help?who=quillfeather",
    "utm_campaign": "buttercupweek",
    "consent_email": True,
}
WORDS = Canaries((
    "zyxwvut", "qwertzina", "fledermäuschen", "555-0173", "6185550173", "heliotropitis", "marmaladesecret",
    "carrierpigeon", "fortyeleven", "quillfeather", "buttercupweek",
))  # fmt: skip
THE_RECIPIENTS_OWN = {"zyxwvut", "qwertzina"}
"""A message may name the person it goes to: in the address, and in the greeting."""

POISON = "porcupinepoison"
"""Stands in clear in what a stranger writes into Redis: there we can't help it; beyond it, it must not spread."""


class QuotingSmtp(SmtpSink):
    """Refuses some recipients, in the words that real servers use."""

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if "refused" in address:
            return f"550 5.1.1 <{address}>: Recipient address rejected: no mailbox for {address}"
        if "later" in address:
            return f"451 4.7.1 <{address}>: greylisted, hello {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class Echo(ThreadingHTTPServer):
    """Keeps what is posted to it; a provider that quotes the address in its refusals, or a chat tool."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _EchoHandler)
        self.bodies: list[bytes] = []


class _EchoHandler(BaseHTTPRequestHandler):
    server: Echo

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(f"{self.path}\n{self.headers}".encode() + body)
        status = 422 if b"refused" in body else 503 if b"later" in body else 200
        said = b'{"id": "56761188-7520-42d8-8898-ff6fc54ce618"}'
        if status != 200:
            said = b'{"name": "validation_error", "message": "we dislike %b"}' % json.dumps(body.decode()).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextlib.contextmanager
def echo() -> Iterator[Echo]:
    server = Echo()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@dataclass
class Scene:
    """A running product, what stands around it, and everything that passed through its Redis."""

    product: Product
    smtp: QuotingSmtp
    provider: Echo
    staff: Echo
    broker: redis.Redis
    database: Database
    seen_by_redis: list[bytes] = field(default_factory=list)

    def post(self, **fields: Any) -> str:
        return str(post(self.product.url, **{**CANARY, **fields})["reference"])

    def status(self, name: str) -> Any:
        return self.product.json("status")[name]

    def finds(self, name: str, least: int, *also: str) -> None:
        until(lambda: _dig(self.status(name), also) >= least, 40, self.product.logs)


def _dig(value: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        value = value[name]
    return value


# --- the paths ------------------------------------------------------------------------------------------------


def accepted_again_and_by_html(scene: Scene) -> None:
    scene.post()
    scene.post(first_name="Qwertzina-Two", message="marmaladesecret again")
    html = {"email": "zyxwvut.html@example.com", "message": "marmaladesecret", "website": ""}
    answer = requests.post(f"{scene.product.url}/v1/submissions", data=html, allow_redirects=False, timeout=10)
    assert answer.status_code == 303
    assert WORDS.found_in(repr(answer.headers).encode()) == [], "the link to the thank-you page"


def quarantined_released_and_dismissed(scene: Scene) -> None:
    for number in range(3):
        scene.post(email=f"zyxwvut.q{number}@example.com", website="https://buttercupweek.example.com")
    scene.finds("quarantined", 3)
    first, second, _ = scene.product.json("quarantine", "list")["quarantine"]
    assert scene.product.nurture("quarantine", "release", first["submission_id"]).returncode == 0
    words = ("quarantine", "dismiss", second["submission_id"], "--reason", "a test")
    assert scene.product.nurture(*words).returncode == 0


def in_crisis(scene: Scene) -> None:
    reference = scene.post(email="zyxwvut.crisis@example.com", message="marmaladesecret: I want to die")
    scene.finds("alerts", 1, "paging")
    assert scene.product.nurture("leads", "acknowledge", reference).returncode == 0
    assert scene.product.nurture("leads", "release", reference, "--reason", "spoke with them").returncode == 0


def sealed_with_a_lost_key(scene: Scene) -> None:
    """As after a key was taken out of the ring too early."""
    fields = {name: tuple(value) if isinstance(value, list) else (str(value),) for name, value in CANARY.items()}
    submission = understand(fields, catalog(), datetime.now(UTC), None, TokenCheck())
    Spool(load_settings(scene.product.environment).spool).begin(
        [envelope(submission, KeyRing({"lost": bytes(32)}))]
    ).close()
    scene.finds("parked", 1)


def a_provider_that_refuses_and_quotes(scene: Scene) -> None:
    scene.post(email="zyxwvut.refused@example.com")
    scene.post(email="zyxwvut.later@example.com")
    until(lambda: len([send for send in _sends(scene) if send["last_code"]]) >= 2, 40, scene.product.logs)


def _sends(scene: Scene) -> list[dict[str, Any]]:
    with scene.database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(tables.sends.select())]


def a_template_that_fails(scene: Scene) -> None:
    """Published behind lint's back: the educational email can't be rendered, and is held."""
    name = "emails/depression-options.md"
    broken = {**SHIPPED, name: SHIPPED[name].replace("{{ greeting }}", "{{ nobody.knows }}", 1)}
    with scene.database.write() as connection:
        contents.store(connection, snapshot_hash(broken), pack(broken), TUESDAY, "nobody", "")
        installation.activate(connection, snapshot_hash(broken))
    jump_clock(scene.database, TUESDAY + timedelta(days=4))
    until(lambda: any(send["state"] == "held" for send in _sends(scene)), 40, scene.product.logs)


def unsubscribed_and_events(scene: Scene) -> None:
    links = set(re.findall(rb"https?://[^\s\"<>]+/u/[^\s\"<>\\]+", b"".join(_mail(scene))))
    for link in sorted(links)[:1]:
        path = "/u/" + link.decode().rpartition("/u/")[2]
        assert requests.post(scene.product.url + path, timeout=10).status_code == 200
    token = scene.product.json("tokens", "add", "canary")["token"]
    for body in ({"email": "zyxwvut.canary@example.com"}, {"phone": "618-555-0173"}, {"email": "zyxwvut@x"}, "zyxwvut"):
        told = {"event": "replied", **body} if isinstance(body, dict) else body
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.post(f"{scene.product.url}/v1/events", json=told, headers=headers, timeout=10)
        assert answer.status_code < 500


def feedback_of_a_provider(scene: Scene) -> None:
    url = f"{scene.product.url}/v1/feedback/resend"
    more = {"to": ["zyxwvut.canary@example.com"], "bounce": {"type": "Permanent", "message": "no zyxwvut here"}}
    for told in (resend("email.bounced", **more), resend("email.marmaladesecret", **more)):
        assert requests.post(url, data=told.body, headers=told.headers, timeout=10).status_code == 200
    forged = requests.post(url, data=b"zyxwvut marmaladesecret", headers=told.headers, timeout=10)
    assert forged.status_code == 401


def poisoned_messages(scene: Scene) -> None:
    for raw in (POISON.encode(), json.dumps({"body": POISON, "headers": {}, "properties": {}}).encode()):
        scene.broker.lpush(KEY_PREFIX + "intake", raw)
    scene.finds("parked", 3)


def what_is_wrong_with_posts(scene: Scene) -> None:
    url = scene.product.url
    wrong = requests.post(f"{url}/v1/submissions", json={**CANARY, "email": "zyxwvut at nowhere"}, timeout=10)
    assert wrong.status_code == 422
    for headers in ({"Idempotency-Key": "k1"}, {"Content-Type": "text/marmaladesecret"}, {"Accept": "text/html"}):
        for message in ("marmaladesecret", "marmaladesecret two", "m" * 70_000):
            body = json.dumps({**CANARY, "message": message})
            given = {"Content-Type": "application/json", **headers}
            assert requests.post(f"{url}/v1/submissions", data=body, headers=given, timeout=10).status_code < 500
    for path in (
        "/u/zyxwvut",
        "/thanks/zyxwvut",
        "/choose/zyxwvut",
        "/zyxwvut?q=marmaladesecret",
        "/form?form=zyxwvut",
    ):
        assert requests.get(url + path, timeout=10).status_code == 404
    requests.get(f"{url}/form", headers={"X-Forwarded-For": "zyxwvut", "User-Agent": "marmaladesecret"}, timeout=10)


def looked_at_by_staff(scene: Scene) -> None:
    """What a person asks for is shown to them; that they asked is not written down in words."""
    product = scene.product
    for words in (
        ("leads", "explain", "zyxwvut.canary@example.com"),
        ("leads", "show", "618-555-0173", "--reveal"),
        ("leads", "explain", "zyxwvut.nobody@example.com"),
        ("parked", "list"),
        ("keys", "list"),
    ):
        product.nurture(*words)
    shown = product.nurture("leads", "explain", "zyxwvut.canary@example.com", "--json")
    assert WORDS.found_in(shown.stdout.encode()) == []
    revealed = product.nurture("leads", "show", "zyxwvut.canary@example.com", "--reveal")
    assert "zyxwvut.canary@example.com" in revealed.stdout


def searched_revealed_and_exported_on_the_console(scene: Scene) -> None:
    with scene.database.write() as connection:
        staff_id = staff.add(connection, "robin", Role.ADMIN, real_now(connection))
        assert staff_id is not None
        staff.change(connection, staff_id, state=StaffState.ACTIVE)
        _, token = staff.start_session(connection, staff_id, real_now(connection))
    console = f"{scene.product.url}/console"
    with requests.Session() as browser:
        browser.cookies.set("staff", token, path="/console")
        form = re.search(r'name="csrf" value="(\w+)"', browser.get(f"{console}/leads", timeout=10).text)
        assert form is not None, "nobody is signed in"

        def press(path: str, **fields: str) -> requests.Response:
            data = {"csrf": form.group(1), **fields}
            return browser.post(console + path, data=data, headers={"Origin": scene.product.url}, timeout=10)

        for wanted in ("zyxwvut.canary@example.com", "618-555-0173", "zyxwvut.nobody@example.com", "marmaladesecret"):
            assert press("/leads", wanted=wanted).status_code in {200, 404}
        found = press("/leads", wanted="zyxwvut.html@example.com")
        lead = found.url.rpartition("/console")[2]
        assert WORDS.found_in(found.url.encode()) == []
        for path in (f"{lead}/reveal", f"{lead}/export"):
            assert "zyxwvut.html@example.com" in press(path).text
        refused = press(f"{lead}/erase", reason="zyxwvut.html@example.com has asked")
        assert refused.status_code == 422
        assert "Nothing was erased" in refused.text


PATHS: tuple[Callable[[Scene], None], ...] = (
    accepted_again_and_by_html,
    quarantined_released_and_dismissed,
    in_crisis,
    sealed_with_a_lost_key,
    a_provider_that_refuses_and_quotes,
    unsubscribed_and_events,
    feedback_of_a_provider,
    poisoned_messages,
    what_is_wrong_with_posts,
    looked_at_by_staff,
    searched_revealed_and_exported_on_the_console,
    a_template_that_fails,
)


# --- the places -----------------------------------------------------------------------------------------------


def _mail(scene: Scene) -> list[bytes]:
    """What went out, its soft line breaks taken out."""
    return [raw.replace(b"=\r\n", b"") for raw in [*(mail.raw for mail in scene.smtp.messages), *scene.provider.bodies]]


def files_of(scene: Scene) -> Iterator[tuple[str, bytes]]:
    """Everything in the state folder: database, spool, logs at DEBUG, Valkey's append-only file, beat's schedule."""
    for path in sorted(scene.product.state.rglob("*")):
        if path.is_file() and not path.is_socket():
            with contextlib.suppress(FileNotFoundError):
                yield str(path.relative_to(scene.product.state)), f"{path}\n".encode() + path.read_bytes()
    yield "what it printed", scene.product.said.encode()


def rows_of(scene: Scene) -> Iterator[tuple[str, bytes]]:
    with scene.database.read() as connection:
        for table in tables.metadata.sorted_tables:
            rows = [tuple(row) for row in connection.execute(table.select())]
            yield f"table {table.name}", repr(rows).encode()


def postgresql_files_of(scene: Scene) -> Iterator[tuple[str, bytes]]:
    """The files of this database, and the log that is written before them."""
    if scene.database.is_sqlite:
        return
    with scene.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("checkpoint"))
        folder, relative = connection.execute(
            text(
                "select current_setting('data_directory'), regexp_replace(pg_relation_filepath('leads'), '/[^/]*$', '')"
            )
        ).one()
    for path in sorted([*Path(folder, relative).iterdir(), *Path(folder, "pg_wal").glob("0*")]):
        yield f"postgresql {path.parent.name}/{path.name}", path.read_bytes()


def redis_of(scene: Scene) -> Iterator[tuple[str, bytes]]:
    for key in scene.broker.scan_iter():
        name = key.decode(errors="replace")
        yield f"key {name}", key + b"\n" + (scene.broker.dump(key) or b"")
        if scene.broker.type(key) == b"list":
            yield f"list {name}", b"\n".join(scene.broker.lrange(key, 0, -1))
        elif scene.broker.type(key) == b"string":
            yield f"string {name}", scene.broker.get(key) or b""
    yield "all that passed through Redis", b"\n".join(scene.seen_by_redis)


def processes_of_it(scene: Scene) -> Iterator[tuple[str, bytes]]:
    for pid, words in processes_of(scene.product.state).items():
        with contextlib.suppress(OSError):
            yield f"process {pid}", words.encode() + Path(f"/proc/{pid}/environ").read_bytes()


def pages_of(scene: Scene) -> Iterator[tuple[str, bytes]]:
    for path in ("/metrics", "/readyz", "/healthz", "/openapi.json"):
        yield path, requests.get(scene.product.url + path, timeout=10).content
    yield "nurture status", scene.product.nurture("status", "--json").stdout.encode()


def places(scene: Scene) -> Iterator[tuple[str, bytes]]:
    for look in (files_of, rows_of, postgresql_files_of, redis_of, processes_of_it, pages_of):
        yield from look(scene)
    yield "staff alerts", b"\n".join(scene.staff.bodies)


def test_the_words_of_leads_stand_nowhere_in_clear(scene: Scene) -> None:
    searched = dict(places(scene))
    assert WORDS.found(searched.items()) == {}
    in_redis = ("valkey", "all that", "key", "list")
    elsewhere = [(name, data) for name, data in searched.items() if not name.startswith(in_redis)]
    assert Canaries((POISON,)).found(elsewhere) == {}

    assert b"submission.accepted" in searched["run/web.log"]
    assert b"capture.done" in searched["run/worker.log"]
    for name in ("staff alerts", "table leads", "all that passed through Redis", "/metrics"):
        assert len(searched[name]) > 50, f"{name} was not looked at"
    assert any(name.endswith(".aof") and data for name, data in searched.items()), "Valkey's file was not looked at"
    files = [name for name in searched if name.startswith("postgresql ")]
    assert bool(files) == (not scene.database.is_sqlite)


def test_mail_names_the_person_it_goes_to_and_nothing_else(scene: Scene) -> None:
    """Bodies greet by name; subjects, other headers and links say nothing."""
    mail = scene.smtp.messages
    everything = b"\n".join(_mail(scene))
    assert {hit.partition(" ")[0] for hit in WORDS.found_in(everything)} <= THE_RECIPIENTS_OWN
    assert WORDS.found_in(everything) != [], "the search sees what is there"
    for received in mail:
        headers = "\n".join(f"{name}: {value}" for name, value in received.message.items() if name != "To")
        assert WORDS.found_in(headers.encode()) == []
        assert WORDS.found_in(received.sender.encode()) == []
    links = b"\n".join(re.findall(rb"(?:https?|mailto|tel):[^\s\"<>]+", everything))
    assert links
    assert WORDS.found_in(links) == []


def test_a_word_planted_in_any_place_is_found(scene: Scene) -> None:
    word = "plantedword"
    scene.broker.set("nurture:planted", word)
    (scene.product.state / "run" / "planted.log").write_text(f"2026 sent to {word}@example.com\n", encoding="utf-8")
    with scene.database.write() as connection:
        connection.execute(tables.leads.update().values(sequence_reason=f"asked about {word}"))

    found = Canaries((word,)).found(places(scene))

    assert {"key nurture:planted", "run/planted.log", "table leads"} <= found.keys()
    assert any(name.startswith("valkey/") for name in found)
    assert any(name.startswith("postgresql ") for name in found) == (not scene.database.is_sqlite)


# --- the scene ------------------------------------------------------------------------------------------------


pytestmark = pytest.mark.timeout(300)  # several real processes, and every byte that they left


@pytest.fixture(scope="module", params=["sqlite and SMTP", "postgresql and HTTP"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    state = tmp_path_factory.mktemp("canary") / "state"
    settings = {"log_level": "DEBUG", "clock_speed": "0", "feedback_secret_resend": RESEND_SECRET}
    with contextlib.ExitStack() as stack:
        provider, staff = stack.enter_context(echo()), stack.enter_context(echo())
        smtp = QuotingSmtp()
        smtp.start()
        stack.callback(smtp.stop)
        settings["alert_url"] = f"http://127.0.0.1:{staff.server_port}/hook"
        if request.param.startswith("sqlite"):
            settings["mail_url"] = f"{smtp.url}?tls=none"
        else:
            endpoint = f"http%3A%2F%2F127.0.0.1%3A{provider.server_port}"
            settings["mail_url"] = f"resend://re_key@api.resend.com?endpoint={endpoint}"
            databases = request.getfixturevalue("postgresql_databases")
            settings["database_url"] = databases.make(_nothing)
            stack.callback(databases.drop_all)
        product = stack.enter_context(new_product(state, TUESDAY, **settings)).start()
        broker = redis.Redis(unix_socket_path=str(_socket_of(state)))
        stack.callback(broker.close)
        scene = Scene(product, smtp, provider, staff, broker, product.database())
        stack.enter_context(_watching(scene))
        for path in PATHS:
            path(scene)
        scene.finds("alerts", 5, "sent")
        yield scene


def _nothing(url: str) -> None:
    """An empty database; the product prepares it."""
    assert make_url(url).database


def _socket_of(state: Path) -> Path:
    return Path(json.loads((state / "valkey" / "valkey.json").read_text())["socket"])


@contextlib.contextmanager
def _watching(scene: Scene) -> Iterator[None]:
    """Notes every command that Redis is given, so that a message is seen however soon it is taken away again."""
    client = redis.Redis(unix_socket_path=scene.broker.connection_pool.connection_kwargs["path"])
    with client.monitor() as monitor:
        stop = threading.Event()

        def watch() -> None:
            while not stop.is_set():
                with contextlib.suppress(redis.RedisError, TimeoutError, ValueError):
                    if monitor.connection.can_read(timeout=0.1):
                        command = monitor.connection.read_response(disable_decoding=True)
                        if POISON.encode() not in command:
                            scene.seen_by_redis.append(command)

        thread = threading.Thread(target=watch)
        thread.start()
        yield
        stop.set()
        thread.join(5)
    client.close()
