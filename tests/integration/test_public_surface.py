"""Everything the public can reach: odd requests are answered, never with a failure of ours; looking changes nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from starlette.testclient import TestClient

from tests.support.databases import Databases
from tests.support.world import World, migrate_world, open_world
from worker.intake.app import create_app
from worker.settings import load_settings
from worker.storage import tables
from worker.storage.broker import Broker

FEW = settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Accept", "Idempotency-Key", "X-Forwarded-For", "Origin", "Authorization", "Range"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    max_size=4,
)


@pytest.fixture(scope="module")
def world(sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(sqlite_databases.make(migrate_world), tmp_path_factory.mktemp("surface")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[TestClient]:
    given_settings = load_settings({}, state_dir=Path(world.folder), rate_limit="off")
    with closing(Broker("redis://127.0.0.1:1")) as broker:
        app = create_app(world.services, given_settings, broker)
        with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as opened:
            yield opened


def operations(client: TestClient) -> Iterator[schemathesis.APIOperation]:
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    for found in schema.get_all_operations():
        yield found.ok()


def test_no_odd_request_makes_us_fail(client: TestClient) -> None:
    """Generated from our own OpenAPI. 503 is the answer of a readiness that has no broker here, and no failure."""
    tried = []
    for operation in operations(client):

        @FEW
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            body = case.body if isinstance(case.body, (dict, list, str, int, float, bool)) else None
            path = re.sub(r"[^\x21-\x7e]", "x", case.formatted_path)
            headers = {name: re.sub(r"[^\x20-\x7e]", "x", str(value)) for name, value in (case.headers or {}).items()}
            answer = client.request(case.method, path, json=body, headers=headers)
            assert answer.status_code < 500 or path == "/readyz", (case.method, path, answer.status_code)

        ask()
        tried.append(operation.path)
    assert {
        "/v1/submissions",
        "/u/{token}",
        "/v1/events",
        "/v1/feedback/{provider}",
        "/v1/hooks/{source}/{token}",
        "/form",
    } <= set(tried)


@settings(FEW, max_examples=150)
@given(path=st.sampled_from(["/v1/submissions", "/v1/events", "/v1/feedback/ses", "/v1/hooks/duda/x", "/u/x",
                             "/choose/x"]),
       body=st.binary(max_size=400), headers=HEADERS)  # fmt: skip
def test_no_raw_bytes_make_us_fail(client: TestClient, path: str, body: bytes, headers: dict[str, str]) -> None:
    answer = client.post(path, content=body, headers=headers)

    assert answer.status_code < 500
    assert "set-cookie" not in answer.headers
    assert not answer.headers.get("location", "/").startswith(("http", "//"))


def digest(world: World) -> str:
    with world.database.read() as connection:
        rows = [
            repr([tuple(row) for row in connection.execute(table.select())]) for table in tables.metadata.sorted_tables
        ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def test_fifty_looks_at_every_link_of_every_email_change_nothing(world: World, client: TestClient) -> None:
    world.post(email="links@example.com", location="")
    world.run(steps=100)
    bodies = "".join(str(mail.get_body(("plain",)).get_content()) for mail in world.mail)  # type: ignore[union-attr]
    links = set(re.findall(r"https://mail\.albanyclinic\.example\.com(/[^\s>)\]]+)", bodies))
    assert {link.split("/")[1] for link in links} >= {"u", "choose"}
    before = digest(world)

    for link in sorted(links)[:6]:
        for _ in range(50):
            assert client.get(link).status_code == 200
            head = client.head(link)
            assert (head.status_code, head.content) == (200, b"")

    assert digest(world) == before


def test_no_request_is_told_to_a_tracing_collector(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paths of links are personal, and FastAPI tells them to any OpenTelemetry provider that it finds."""
    asked: list[str] = []

    class Collector(trace.TracerProvider):
        def get_tracer(self, *names: str, **_: object) -> trace.Tracer:
            asked.extend(names)
            return trace.NoOpTracer()

    monkeypatch.setattr(trace, "get_tracer_provider", Collector)
    given_settings = load_settings({}, state_dir=Path(world.folder), rate_limit="off")
    with closing(Broker("redis://127.0.0.1:1")) as broker:
        app = create_app(world.services, given_settings, broker)
        TestClient(app, raise_server_exceptions=False).get("/u/a-personal-token")

    assert not asked
