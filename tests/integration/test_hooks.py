"""Vendors' webhooks, from the post to the lead: one lead each, or parked or set aside with a reason, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from tests.support import vendors
from tests.support.databases import Databases, SqliteDatabases
from tests.support.spooled import envelopes_in
from tests.support.vendors import VENDORS, Posted, as_json, duda_event, duda_fields
from tests.support.world import SHIPPED, World, migrate_world, open_world
from worker.domain.tokens import TokenScope
from worker.errors import Refused
from worker.intake.app import create_app
from worker.intake.hooks import MAX_BODY_BYTES
from worker.settings import load_settings
from worker.storage import submissions, tables
from worker.storage.broker import Broker
from worker.storage.database import Database
from worker.usecases.arrival.capture import Captured
from worker.usecases.content.publish import publish
from worker.usecases.desk.unpark import replay
from worker.usecases.privacy.erase import Erasure, erase_lead
from worker.usecases.staff.tokens import add_token, revoke_token

SECRET = "a2VlcCB0aGlzIHRvIHlvdXJzZWxm"
LOST = "Escribe aquí"
"""A question that no mapping knows."""


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


REGISTERED = {**SHIPPED, "forms.toml": SHIPPED["forms.toml"] + vendors.CONTACT}


def migrate_registered(url: str) -> None:
    """With the contact form of the website, published once for all."""
    migrate_world(url)
    with closing(Database(url)) as database:
        publish(database, REGISTERED, "Jordan Example")


@pytest.fixture
def registered(databases: Databases, tmp_path: Path) -> Iterator[World]:
    with open_world(databases.make(migrate_registered), tmp_path) as opened:
        yield opened


@pytest.fixture
def http(registered: World) -> Iterator[TestClient]:
    settings = load_settings({}, state_dir=registered.folder, rate_limit="60/minute")
    with closing(Broker("redis://127.0.0.1:1")) as broker:
        app = create_app(registered.services, settings, broker)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield client


@pytest.fixture
def token(registered: World) -> str:
    return new_token(registered)


def new_token(world: World, secret: str = "") -> str:
    return add_token(
        world.services, "website", TokenScope.HOOKS, "Jordan Example", form="contact", secret=secret
    )[1]  # fmt: skip


def send(http: TestClient, token: str, post: Posted, **headers: str) -> Any:
    kind = {"Content-Type": post.kind}
    return http.post(f"/v1/hooks/{post.source}/{token}", content=post.body, headers=kind | headers)


def spooled(world: World) -> list[str]:
    return envelopes_in(world.folder / "spool")


def capture_all(world: World) -> Captured:
    return world.capture(*spooled(world))


def received(http: TestClient, world: World, token: str, post: Posted, **headers: str) -> Captured:
    answer = send(http, token, post, **headers)
    assert answer.status_code == 200, answer.text
    return capture_all(world)


def the_lead(world: World) -> dict[str, Any]:
    (lead,) = world.rows(tables.leads)
    return dict(lead)


def fields_of(world: World) -> dict[str, tuple[str, ...]]:
    (row,) = world.rows(tables.submissions)
    return dict(submissions.open_stored(row, world.services.ring).fields)


# --- one lead each ---


@pytest.mark.parametrize("shape", sorted(VENDORS))
def test_a_post_that_comes_twice_and_in_parallel_is_one_lead(
    registered: World, http: TestClient, token: str, shape: str
) -> None:
    post = VENDORS[shape]("maya@example.com")

    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: send(http, token, post), range(3)))
    again = send(http, token, post)

    assert {answer.status_code for answer in [*answers, again]} == {200}
    captured = capture_all(registered)
    assert (captured.stored, captured.parked) == (1, 0)
    lead = the_lead(registered)
    assert registered.services.vault.open_identity(lead).email == "maya@example.com"
    assert (lead["location"], lead["is_test"]) == ("carbondale", False)
    assert [row["email"] for row in registered.sends() if row["kind"] == "acknowledgement"] == ["acknowledgement"]
    assert [row["granted"] for row in registered.rows(tables.consents)] == [True]


def test_posts_out_of_order_are_a_lead_each(registered: World, http: TestClient, token: str) -> None:
    events = [
        as_json("duda", duda_event({"fieldsData": duda_fields(f"person{number}@example.com")}, 1772467200000 - number))
        for number in range(3)
    ]
    for post in [*events, events[0]]:
        send(http, token, post)

    assert capture_all(registered).stored == 3
    assert registered.count(tables.leads) == 3


def test_a_list_of_two_people_is_two_leads(registered: World, http: TestClient, token: str) -> None:
    body = b"[" + b",".join(vendors.duda(f"{name}@example.com").body for name in ("maya", "farah")) + b"]"

    assert send(http, token, Posted("duda", body)).json() == {"status": "received", "forms": 2}
    assert capture_all(registered).stored == 2


def test_a_body_that_comes_slowly_is_read_to_its_end(registered: World, http: TestClient, token: str) -> None:
    post = vendors.typeform("maya@example.com")
    dribble = (post.body[start : start + 7] for start in range(0, len(post.body), 7))

    answer = http.post(f"/v1/hooks/generic/{token}", content=dribble, headers={"Content-Type": post.kind})

    assert answer.status_code == 200
    assert capture_all(registered).stored == 1


def test_what_means_nothing_to_us_is_kept_and_the_envelope_is_not(
    registered: World, http: TestClient, token: str
) -> None:
    entry = vendors.elementor("maya@example.com").body + b"&Favourite+colour=green"
    received(http, registered, token, Posted("generic", entry, vendors.URLENCODED))

    fields = fields_of(registered)
    assert fields["other: Favourite colour"] == ("green",)
    assert "192.0.2.7" not in str(fields)


def test_a_bad_address_beside_a_good_number_is_set_aside_and_flagged(
    registered: World, http: TestClient, token: str
) -> None:
    received(http, registered, token, vendors.webflow("maya at example"))

    lead = the_lead(registered)
    identity = registered.services.vault.open_identity(lead)
    assert (identity.email, identity.phone) == (None, "+16185550133")
    assert fields_of(registered)["other: email"] == ("maya at example",)
    assert registered.rows(tables.submissions)[0]["flags"] == ["field.set_aside"]


def test_words_of_crisis_in_a_vendor_s_form_hold_the_lead(registered: World, http: TestClient, token: str) -> None:
    post = as_json("generic", {"email": "maya@example.com", "Anything else": "I want to die"})
    received(http, registered, token, post)

    assert the_lead(registered)["hold_reason"] == "crisis_acute"


def test_an_event_that_is_no_form_leaves_nothing(registered: World, http: TestClient, token: str) -> None:
    answer = send(http, token, as_json("duda", {**duda_event({}), "event_type": "PUBLISH"}))

    assert (answer.status_code, answer.json()["forms"]) == (200, 0)
    assert spooled(registered) == []


# --- parked, and replayed ---


def park_one(registered: World, http: TestClient, token: str) -> tuple[str, str]:
    """The parked item's id, and the envelope as it was spooled."""
    fields = [row for row in duda_fields("maya@example.com") if row["field_type"] not in {"email", "phone"}]
    lost = [{**duda_fields("maya@example.com")[1], "field_label": LOST, "field_type": "text", "field_id": "dmform-09"}]
    send(http, token, as_json("duda", duda_event({"fieldsData": [*fields, *lost]})))
    (envelope,) = spooled(registered)
    assert registered.capture(envelope) == Captured(parked=1)
    (item,) = registered.rows(tables.parked)
    assert item["code"] == "map_contact_missing"
    return str(item["id"]), envelope


def test_renamed_questions_are_parked_and_replayed_once_the_mapping_is_mended(
    registered: World, http: TestClient, token: str
) -> None:
    item_id, envelope = park_one(registered, http, token)
    assert replay(registered.services, item_id, "Jordan Example").parked == 1

    mended = vendors.CONTACT.replace("Where can we write to you?", LOST)
    content = {**SHIPPED, "forms.toml": SHIPPED["forms.toml"] + mended}
    publish(registered.database, content, "Jordan Example")
    assert replay(registered.services, item_id, "Jordan Example") == Captured(stored=1)

    assert registered.services.vault.open_identity(the_lead(registered)).email == "maya@example.com"
    assert registered.capture(envelope) == Captured(repeated=1)
    assert {row["state"] for row in registered.rows(tables.parked)} == {"replayed"}


def test_what_is_parked_is_sealed(registered: World, http: TestClient, token: str) -> None:
    _, envelope = park_one(registered, http, token)

    assert "maya" not in envelope.lower()
    assert "maya" not in str(registered.rows(tables.parked)).lower()


@pytest.mark.parametrize(
    ("post", "code"),
    [(Posted("generic", b"hello"), "map_unreadable"), (Posted("typeform", b"{}"), "map_unknown_shape"),
     (as_json("generic", {"email": "nobody"}), "map_email_syntax"), (Posted("generic", b""), "map_contact_missing")],
    ids=["text", "another vendor", "no address", "nothing"],
)  # fmt: skip
def test_what_can_t_be_mapped_is_parked_with_its_reason_and_still_answered(
    registered: World, http: TestClient, token: str, post: Posted, code: str
) -> None:
    assert received(http, registered, token, post) == Captured(parked=1)
    assert [item["code"] for item in registered.rows(tables.parked)] == [code]


def test_words_of_crisis_in_what_can_t_be_mapped_page_staff_all_the_same(
    registered: World, http: TestClient, token: str
) -> None:
    received(http, registered, token, as_json("generic", {"Tell us": "I want to die"}))

    kinds = {row["kind"] for row in registered.rows(tables.alerts)}
    assert any("crisis" in kind for kind in kinds), kinds


def test_erasure_finds_the_post_that_is_still_parked(registered: World, http: TestClient, token: str) -> None:
    park_one(registered, http, token)
    lead_id = registered.lead_from(email="maya@example.com")

    erase_lead(registered.services, lead_id, Erasure(actor="Jordan Example", reason="asked to be forgotten"))

    assert registered.rows(tables.parked) == []


# --- set aside ---


def quarantined_for(world: World) -> list[str]:
    (row,) = world.rows(tables.submissions)
    assert row["status"] == "quarantined"
    return list(row["suspicions"])


def test_a_bad_signature_sets_the_post_aside_and_a_good_one_does_not(registered: World, http: TestClient) -> None:
    token = new_token(registered, SECRET)
    post = vendors.typeform("maya@example.com")

    received(http, registered, token, post, **vendors.signed_by_typeform(post.body, "something else"))
    assert quarantined_for(registered) == ["hook.signature"]
    assert registered.count(tables.leads) == 0

    good = vendors.typeform("farah@example.com")
    received(http, registered, token, good, **vendors.signed_by_typeform(good.body, SECRET))
    assert registered.services.vault.open_identity(the_lead(registered)).email == "farah@example.com"


def test_an_old_signature_sets_the_post_aside(registered: World, http: TestClient) -> None:
    token, post = new_token(registered, SECRET), vendors.duda("maya@example.com")
    long_ago = int((datetime.now(UTC) - timedelta(hours=2)).timestamp() * 1000)

    received(http, registered, token, post, **vendors.signed_by_duda(post.body, SECRET, long_ago))

    assert quarantined_for(registered) == ["hook.too_old"]


def test_a_secret_whose_key_is_lost_sets_posts_aside(registered: World, http: TestClient) -> None:
    token, post = new_token(registered, SECRET), vendors.typeform("maya@example.com")
    registered.execute(update(tables.tokens).values(secret_sealed="s1.gone.AAAA"))

    received(http, registered, token, post, **vendors.signed_by_typeform(post.body, SECRET))

    assert quarantined_for(registered) == ["hook.signature"]


# --- tokens ---


def test_only_a_token_of_this_kind_in_force_is_taken(registered: World, http: TestClient) -> None:
    token_id, revoked = add_token(registered.services, "old", TokenScope.HOOKS, "Jordan Example", form="contact")
    revoke_token(registered.services, token_id, "Jordan Example")
    events = add_token(registered.services, "booking system", TokenScope.EVENTS, "Jordan Example")[1]
    post = vendors.duda("maya@example.com")

    answers = [send(http, token, post) for token in ("nurture_contact.guess", revoked, events)]

    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["type"].rpartition("/")[2] for answer in answers} == {"hook-unknown"}
    assert spooled(registered) == []


def test_a_new_token_is_taken_at_once(registered: World, http: TestClient) -> None:
    post = vendors.duda("maya@example.com")

    assert send(http, "nurture_contact.guess", post).status_code == 404
    assert send(http, new_token(registered), post).status_code == 200


def test_whoever_tries_tokens_has_to_wait(registered: World, http: TestClient) -> None:
    statuses = [http.post("/v1/hooks/generic/guess", content=b"{}").status_code for _ in range(62)]

    assert set(statuses[:60]) == {404}
    assert statuses[-1] == 429


def test_one_vendor_s_hosts_are_not_asked_to_wait(registered: World, http: TestClient, token: str) -> None:
    posts = [as_json("generic", {"id": str(number), "email": "maya@example.com"}) for number in range(70)]

    assert {send(http, token, post).status_code for post in posts} == {200}


def test_a_token_for_webhooks_needs_a_published_form(registered: World) -> None:
    with pytest.raises(Refused, match="no form 'nowhere' is published"):
        add_token(registered.services, "website", TokenScope.HOOKS, "Jordan Example", form="nowhere")
    with pytest.raises(Refused, match="posts to one form"):
        add_token(registered.services, "website", TokenScope.HOOKS, "Jordan Example")
    with pytest.raises(Refused, match="posts to one form"):
        add_token(registered.services, "booking", TokenScope.EVENTS, "Jordan Example", form="contact")


def test_too_long_a_post_is_refused(http: TestClient, token: str) -> None:
    answer = send(http, token, Posted("generic", b"x" * (MAX_BODY_BYTES + 1)))

    assert answer.status_code == 413


def test_while_the_database_is_away_a_post_is_taken_and_set_aside(registered: World, token: str) -> None:
    """A host that has just started and has never seen the tokens: the lead is kept, and a person looks at it."""
    settings = load_settings({}, state_dir=registered.folder, rate_limit="off")
    away = Database(f"sqlite:///{registered.folder}/no/such/folder/lead.db")
    services = replace(registered.services, database=away)
    with closing(away), closing(Broker("redis://127.0.0.1:1")) as broker:
        app = create_app(services, settings, broker)
        with TestClient(app, raise_server_exceptions=False) as client:
            answers = [send(client, each, vendors.duda("maya@example.com")) for each in (token, "guess")]

    assert [answer.status_code for answer in answers] == [200, 404]
    capture_all(registered)
    assert quarantined_for(registered) == ["hook.unchecked"]
