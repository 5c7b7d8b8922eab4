"""Getting into the console, staying in, and being kept out: over HTTP, on both databases."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.integration.console_routes import ANYONE, STAFF, WHO_MAY
from tests.support.console import (
    COOKIE,
    HOST,
    PASSWORD,
    Console,
    Person,
    add_staff,
    code_of_now,
    open_console,
    text_of,
)
from tests.support.world import World
from worker.console.app import ROUTES
from worker.console.routes import Route
from worker.domain.staff import FREE_TRIES, IDLE_FOR, PROOF_LASTS, SIGNED_IN_FOR, Role
from worker.storage import tables
from worker.storage.timeline import CONSOLE, Happened
from worker.usecases.staff.staff_accounts import add_account, disable_account, reset_account, set_role

INITIALS = {
    "V": Role.VIEWER,
    "F": Role.FRONT_DESK,
    "W": Role.WRITER,
    "M": Role.MARKETER,
    "O": Role.OPERATOR,
    "A": Role.ADMIN,
}
POSTS = [route for route in ROUTES if route.method == "POST"]
NOT_YOURS = "Your role does not include this"


@pytest.fixture
def console(world: World, tmp_path: Path) -> Console:
    return open_console(world, tmp_path)


@pytest.fixture
def admin(console: Console) -> Person:
    return console.person(Role.ADMIN, "alex")


def address(route: Route) -> str:
    return re.sub(r"\{.*?\}", "nobody", route.path)


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def later(world: World, **columns: timedelta) -> None:
    """Let time have passed for every session."""
    for column, length in columns.items():
        field = tables.staff_sessions.c[column]
        for row in world.rows(tables.staff_sessions):
            world.execute(update(tables.staff_sessions).values({field: row[column] - length}))


# --- before there is anyone -----------------------------------------------------------------------------------


def test_the_console_is_closed_until_there_is_an_admin_and_says_how_to_open_it(console: Console) -> None:
    someone = console.someone()

    for path in ("/", "/users", "/sign-in"):
        answer = someone.get(path)
        assert answer.status_code == 403
        assert "nurture users add NAME --role admin" in text_of(answer.text)


def test_an_operator_alone_does_not_open_the_console(console: Console) -> None:
    add_staff(console.world, "olive", Role.OPERATOR)

    assert console.someone().get("/sign-in").status_code == 403


def set_up(person: Person, link: str, password: str = PASSWORD, **fields: str) -> Any:
    path = link.removeprefix(f"{HOST}/console")
    page = person.get(path).text
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found
    offered = re.search(r'name="offered" value="([^"]+)"', page)
    assert offered
    fields = {"password": password, "again": password, "offered": offered[1], "code": "", **fields}
    return person.post(path, csrf=found[1], **fields)


def test_a_one_time_link_makes_the_first_admin_and_works_once(console: Console) -> None:
    link = add_account(console.world.services, "alex", Role.ADMIN, "someone at the keyboard")
    person = console.someone()
    path = link.removeprefix(f"{HOST}/console")
    for _ in range(50):
        assert person.get(path).status_code == 200

    assert set_up(person, link).status_code == 303
    assert "alex, admin" in text_of(person.get("/").text)
    assert console.someone().get(path).status_code == 404
    again = console.someone()
    assert again.sign_in("alex").headers["location"] == "/console/"
    assert again.is_signed_in


def test_a_link_ends_after_a_quarter_of_an_hour_and_with_the_next_one(console: Console) -> None:
    world = console.world
    first = add_account(world.services, "alex", Role.ADMIN, "cli")
    second = reset_account(world.services, "alex", "cli")
    paths = [link.removeprefix(f"{HOST}/console") for link in (first, second)]
    assert [console.someone().get(path).status_code for path in paths] == [404, 200]

    (row,) = world.rows(tables.staff_links)
    world.execute(update(tables.staff_links).values(expires_at=row["expires_at"] - timedelta(minutes=16)))

    assert console.someone().get(paths[1]).status_code == 404


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short", "at least 12 characters"),
        ("password123456", "first that anybody would try"),
        ("ketamine 2026!", "first that anybody would try"),
        ("aaaabbbbaaaabbbb", "first that anybody would try"),
        ("alexalexalex99", "your own name"),
    ],
)
def test_a_weak_password_is_refused_with_a_reason(console: Console, password: str, says: str) -> None:
    link = add_account(console.world.services, "alex", Role.ADMIN, "cli")

    answer = set_up(console.someone(), link, password)

    assert answer.status_code == 422
    assert says in text_of(answer.text)
    assert [row["state"] for row in console.world.rows(tables.staff)] == ["invited"]


def test_in_production_nobody_is_without_codes(world: World, tmp_path: Path) -> None:
    console = open_console(world, tmp_path, production=True)
    link = add_account(world.services, "alex", Role.ADMIN, "cli")

    refused = set_up(console.someone(), link)
    assert refused.status_code == 422
    assert "Please scan the picture" in text_of(refused.text)

    add_staff(world, "robin", Role.OPERATOR)
    add_staff(world, "kim", Role.ADMIN, with_codes=True)
    assert console.someone().sign_in("robin").status_code == 403
    assert console.someone().sign_in("kim", code=code_of_now()).status_code == 303


# --- signing in -----------------------------------------------------------------------------------------------


def test_what_was_wrong_is_never_said(console: Console) -> None:
    world = console.world
    add_staff(world, "alex", Role.ADMIN, with_codes=True)
    add_staff(world, "gone", Role.VIEWER)
    disable_account(world.services, "gone", "cli")
    add_staff(world, "locked", Role.VIEWER)
    world.execute(
        update(tables.staff)
        .where(tables.staff.c.name == "locked")
        .values(locked_until=world.rows(tables.staff)[0]["created_at"] + timedelta(hours=1))
    )
    person = console.someone()
    person.get("/sign-in")
    tries = [
        ("nobody", PASSWORD, ""),
        ("alex", "not the password", code_of_now()),
        ("alex", PASSWORD, "000000"),
        ("alex", PASSWORD, ""),
        ("gone", PASSWORD, ""),
        ("locked", PASSWORD, ""),
    ]

    answers = {(answer.status_code, answer.text) for answer in (person.sign_in(*words) for words in tries)}

    assert len(answers) == 1
    assert not person.is_signed_in


def test_after_several_wrong_tries_even_the_right_password_has_to_wait(console: Console) -> None:
    world = console.world
    add_staff(world, "alex", Role.ADMIN)
    person = console.someone()
    for _ in range(FREE_TRIES):
        assert person.sign_in("alex", "wrong wrong wrong").status_code == 403
    assert person.sign_in("alex").status_code == 403

    (row,) = world.rows(tables.staff)
    world.execute(update(tables.staff).values(locked_until=row["locked_until"] - timedelta(seconds=31)))

    assert person.sign_in("alex").status_code == 303
    (row,) = world.rows(tables.staff)
    assert (row["failures"], row["locked_until"]) == (0, None)


def test_a_client_that_guesses_names_is_stopped_too(console: Console) -> None:
    add_staff(console.world, "alex", Role.ADMIN)
    person = console.someone()
    token = person.csrf()
    codes = [
        person.post("/sign-in", csrf=token, name=f"name{number}", password="wrong wrong wrong").status_code
        for number in range(21)
    ]

    assert codes == [403] * 20 + [429]
    assert person.sign_in("alex").status_code == 429


def test_a_code_is_good_once(console: Console) -> None:
    add_staff(console.world, "alex", Role.ADMIN, with_codes=True)
    code = code_of_now()

    assert console.someone().sign_in("alex", code=code).status_code == 303
    assert console.someone().sign_in("alex", code=code).status_code == 403


def test_signing_in_gives_another_cookie_that_only_this_browser_and_the_console_see(console: Console) -> None:
    add_staff(console.world, "alex", Role.ADMIN)
    person = console.someone()
    person.get("/sign-in")
    before = person.cookie

    answer = person.sign_in("alex")

    assert person.cookie not in {before, None}
    (line,) = answer.headers.get_list("set-cookie")
    assert line.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/console"} <= set(line.split("; "))
    assert "Max-Age" not in line
    assert person.client.get("/form").request.headers.get("cookie") is None
    assert person.client.get("/healthz").headers.get("set-cookie") is None


@pytest.mark.parametrize(
    ("wanted", "to"),
    [
        ("/users", "/console/users"),
        ("/audit?by=alex&page=2", "/console/audit?by=alex&page=2"),
        ("//evil.example.com", "/console/"),
        ("/\\evil.example.com", "/console/"),
        ("https://evil.example.com/", "/console/"),
        ("/users\r\nSet-Cookie: a=b", "/console/"),
        ("javascript:alert(1)", "/console/"),
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(console: Console, wanted: str, to: str) -> None:
    add_staff(console.world, "alex", Role.ADMIN)

    assert console.someone().sign_in("alex", to=wanted).headers["location"] == to


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back(console: Console, admin: Person) -> None:
    assert console.someone().get("/users?page=2").headers["location"] == "/console/sign-in?next=%2Fusers%3Fpage%3D2"

    fragment = console.someone().get("/live", **{"HX-Request": "true"})
    assert fragment.headers["hx-redirect"] == "/console/sign-in?next=%2Flive"


def test_a_link_from_elsewhere_does_not_look_signed_out_and_costs_nobody_the_cookie(
    console: Console, admin: Person
) -> None:
    """A strict cookie is not sent on the first step from an alert; the page asks again from our own address."""
    stranger = console.someone()
    answer = stranger.get("/users", **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/console/users"' in answer.text
    assert "set-cookie" not in answer.headers
    assert admin.get("/users", **{"Sec-Fetch-Site": "cross-site"}).status_code == 200


# --- staying signed in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "passed", [{"seen_at": IDLE_FOR}, {"created_at": SIGNED_IN_FOR}], ids=["half an hour idle", "twelve hours"]
)
def test_a_sign_in_ends_by_itself(console: Console, admin: Person, passed: dict[str, timedelta]) -> None:
    almost = {column: length - timedelta(seconds=30) for column, length in passed.items()}
    later(console.world, **almost)
    with console.world.database.read():
        assert admin.get("/live").status_code == 200  # looks, and is no use of it
    later(console.world, **dict.fromkeys(passed, timedelta(seconds=31)))

    assert not admin.is_signed_in


def test_use_keeps_someone_signed_in_but_a_page_that_refreshes_itself_does_not(console: Console, admin: Person) -> None:
    later(console.world, seen_at=timedelta(minutes=20))
    before = console.world.rows(tables.staff_sessions)[0]["seen_at"]

    admin.get("/live")
    assert console.world.rows(tables.staff_sessions)[0]["seen_at"] == before
    admin.get("/")
    assert console.world.rows(tables.staff_sessions)[0]["seen_at"] > before


def test_who_is_disabled_is_out_with_the_next_click_and_a_new_role_counts_with_it(
    console: Console, admin: Person
) -> None:
    robin = console.person(Role.OPERATOR, "robin")
    set_role(console.world.services, "robin", Role.ADMIN, "alex")
    assert robin.get("/users").status_code == 200

    disable_account(console.world.services, "robin", "alex")
    assert not robin.is_signed_in


def test_signing_out_ends_it_for_the_cookie_too(console: Console, admin: Person) -> None:
    kept = admin.cookie
    assert kept
    assert admin.post("/sign-out").status_code == 303

    admin.client.cookies.set(COOKIE, kept, domain="leads.example.com", path="/console")
    assert not admin.is_signed_in


def test_signing_out_everywhere_and_in_one_other_place(console: Console) -> None:
    world = console.world
    staff_id = add_staff(world, "alex", Role.ADMIN)
    here, there, elsewhere = (console.sign_in(console.someone(), staff_id) for _ in range(3))
    other = re.findall(r'name="session" value="([^"]+)"', here.get("/account").text)
    assert len(other) == 2

    here.post("/account/sign-out", session=other[0])
    assert sorted(person.is_signed_in for person in (there, elsewhere)) == [False, True]
    here.post("/account/sign-out-everywhere")
    assert [person.is_signed_in for person in (here, there, elsewhere)] == [False, False, False]


def test_nobody_signs_out_someone_else(console: Console, admin: Person) -> None:
    robin = console.person(Role.VIEWER, "robin")
    (session,) = [
        row["id"] for row in console.world.rows(tables.staff_sessions) if row["staff_id"] != own_id(console, "robin")
    ]

    robin.post("/account/sign-out", session=session)
    assert admin.is_signed_in


def own_id(console: Console, of: str) -> str:
    (found,) = [row["id"] for row in console.world.rows(tables.staff) if row["name"] == of]
    return str(found)


def test_a_new_password_ends_every_other_sign_in(console: Console, admin: Person) -> None:
    other = console.someone()
    other.sign_in("alex")
    new = "four yellow kettles"

    refused = admin.post("/account/password", current="not mine at all", password=new, again=new)
    assert refused.status_code == 422
    assert admin.post("/account/password", current=PASSWORD, password=new, again=new).status_code == 303

    assert "Your password is changed" in text_of(admin.get("/account").text)
    assert "Your password is changed" not in text_of(admin.get("/account").text), "said once"
    assert not other.is_signed_in
    assert other.sign_in("alex").status_code == 403
    assert other.sign_in("alex", new).status_code == 303


# --- who may what ---------------------------------------------------------------------------------------------


def test_every_route_is_in_the_table_of_who_may() -> None:
    assert [name(route) for route in ROUTES if name(route) not in WHO_MAY] == []
    assert set(WHO_MAY) == {name(route) for route in ROUTES}


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # who may is not asked of the database
def test_each_role_gets_what_it_may_and_is_told_who_may_the_rest(console: Console) -> None:
    """Every role asks for every route, with all that a form of ours carries."""
    found = {}
    for initial, role in INITIALS.items():
        for route in ROUTES:
            if WHO_MAY[name(route)] == ANYONE:
                continue
            person = person_of(console, role)
            answer = person.get(address(route)) if route.method == "GET" else person.post(address(route))
            found[name(route), initial] = NOT_YOURS not in answer.text
            if NOT_YOURS in answer.text:
                assert answer.status_code == 403
                assert "An admin can change your role" in answer.text

    wanted = {
        (route, initial): initial in WHO_MAY[route]
        for route in WHO_MAY
        if WHO_MAY[route] != ANYONE
        for initial in INITIALS
    }
    assert found == wanted


def person_of(console: Console, role: Role) -> Person:
    known = {row["name"]: row["id"] for row in console.world.rows(tables.staff)}
    own = f"the.{role}".replace("_", "")
    return console.sign_in(console.someone(), known.get(own) or add_staff(console.world, own, role))


def test_without_an_account_only_what_is_open_to_anyone_answers(console: Console, admin: Person) -> None:
    stranger = console.someone()
    for route in ROUTES:
        answer = stranger.get(address(route)) if route.method == "GET" else stranger.post(address(route))
        is_turned_away = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
        assert is_turned_away == (WHO_MAY[name(route)] != ANYONE), name(route)


def test_a_post_that_is_not_from_our_form_changes_nothing(console: Console, admin: Person) -> None:
    token, strange = admin.csrf(), console.someone().csrf()
    before = {table.name: console.world.rows(table) for table in tables.metadata.sorted_tables}

    answers = {
        name(route): [
            admin.post(address(route), csrf="").status_code,
            admin.post(address(route), csrf=strange).status_code,
            admin.post(address(route), csrf=token, origin="https://evil.example.com").status_code,
        ]
        for route in POSTS
    }

    assert answers == {name(route): [403, 403, 403] for route in POSTS}
    assert {table.name: console.world.rows(table) for table in tables.metadata.sorted_tables} == before


def test_what_is_dangerous_wants_the_password_again(console: Console, admin: Person) -> None:
    later(console.world, proved_at=PROOF_LASTS)
    console.person(Role.VIEWER, "robin")

    page = admin.get("/users/robin")
    assert page.headers["location"] == "/console/prove?next=%2Fusers%2Frobin"
    assert admin.post("/users/robin", do="disable").headers["location"] == "/console/prove?next=%2Fusers%2Frobin"
    assert [row["state"] for row in console.world.rows(tables.staff)] == ["active", "active"]

    assert admin.post("/prove", password="not it, not it", next="/users/robin").status_code == 403
    assert admin.post("/prove", password=PASSWORD, next="/users/robin").headers["location"] == "/console/users/robin"
    assert admin.get("/users/robin").status_code == 200
    assert admin.post("/users/robin", do="disable").status_code == 303
    assert {row["name"]: row["state"] for row in console.world.rows(tables.staff)}["robin"] == "disabled"


def test_wrong_passwords_there_count_as_wrong_tries(console: Console, admin: Person) -> None:
    for _ in range(FREE_TRIES):
        admin.post("/prove", password="not it, not it", next="/users")

    assert admin.post("/prove", password=PASSWORD, next="/users").status_code == 403


# --- accounts -------------------------------------------------------------------------------------------------


def test_the_last_admin_stays_an_admin(console: Console, admin: Person) -> None:
    for fields in ({"do": "disable"}, {"do": "role", "role": "viewer"}):
        answer = admin.post("/users/alex", **fields)
        assert answer.status_code == 409
        assert "the only admin" in text_of(answer.text)
    assert admin.get("/users").status_code == 200


def test_an_admin_adds_changes_resets_disables_and_enables(console: Console, admin: Person) -> None:
    added = admin.post("/users/add", name="Robin", role="front_desk")
    link = re.search(rf"{HOST}/console/welcome/[\w-]+", added.text)
    assert link
    robin = console.someone()
    assert set_up(robin, link[0]).status_code == 303

    assert admin.post("/users/add", name="robin", role="viewer").status_code == 422
    admin.post("/users/robin", do="role", role="operator")
    assert "robin, operator" in text_of(robin.get("/").text)
    assert f"{HOST}/console/welcome/" in admin.post("/users/robin", do="reset").text
    assert not robin.is_signed_in
    admin.post("/users/robin", do="disable")
    assert robin.sign_in("robin").status_code == 403
    assert f"{HOST}/console/welcome/" in admin.post("/users/robin", do="enable").text

    told = [
        (row["kind"], row["detail"].get("before"), row["detail"].get("after"))
        for row in console.world.rows(tables.timeline)
        if row["detail"].get("user") == "robin" and row["actor"] == "alex"
    ]
    assert told == [
        (Happened.USER_ADDED, None, "front_desk"),
        (Happened.USER_CHANGED, "front_desk", "operator"),
        (Happened.USER_LINKED, None, None),
        (Happened.USER_CHANGED, "active", "disabled"),
        (Happened.USER_CHANGED, "disabled", "invited"),
    ]


def test_the_trail_names_the_sign_in_that_something_was_done_from(console: Console) -> None:
    world = console.world
    add_staff(world, "alex", Role.ADMIN)
    person = console.someone()
    person.sign_in("alex", "wrong wrong wrong")
    person.sign_in("alex")
    (session,) = world.rows(tables.staff_sessions)

    person.post("/users/add", name="robin", role="viewer")
    person.post("/sign-out")

    trail = [(row["kind"], row["via"]) for row in world.rows(tables.timeline) if row["actor"] == "alex"]
    assert trail == [
        (Happened.SIGN_IN_REFUSED, CONSOLE),
        (Happened.SIGNED_IN, session["id"]),
        (Happened.USER_ADDED, session["id"]),
        (Happened.SIGNED_OUT, session["id"]),
    ]


def test_no_secret_of_staff_lies_in_the_database(console: Console) -> None:
    world = console.world
    link = add_account(world.services, "alex", Role.ADMIN, "cli")
    person = console.someone()
    add_staff(world, "kim", Role.ADMIN, with_codes=True)
    other = console.someone()
    other.sign_in("kim", code=code_of_now())
    stored = repr([world.rows(table) for table in tables.metadata.sorted_tables])

    assert person.cookie is None or person.cookie not in stored
    assert other.cookie
    for secret in (link.rpartition("/")[2], other.cookie, PASSWORD):
        assert secret not in stored


# --- every answer ---------------------------------------------------------------------------------------------


@pytest.fixture
def answers(console: Console, admin: Person) -> list[Any]:
    return [
        *[admin.get(address(route)) for route in ROUTES if route.method == "GET"],
        admin.get("/nothing"),
        admin.post("/account/password", csrf=""),
        console.someone().get("/users"),
        console.someone().get("/", **{"Sec-Fetch-Site": "cross-site"}),
        console.someone().client.put("/console/users"),
    ]


def test_every_answer_keeps_to_itself_and_may_not_be_kept(answers: list[Any]) -> None:
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script>" not in answer.text
        if not policy.startswith("sandbox; "):  # an email in its frame, where nothing runs, brings its own styles
            assert "unsafe" not in policy
            assert " style=" not in answer.text


def test_what_is_not_there_is_said_in_our_own_words(admin: Person) -> None:
    for path in ("/nothing", "/users/nobody", "/welcome/nothing", "/static/secrets.txt"):
        answer = admin.get(path)
        assert answer.status_code == 404
        assert "To the first page" in answer.text


def test_roles_are_all_here() -> None:
    assert set(STAFF) == set(INITIALS)
    assert set(INITIALS.values()) == set(Role)
