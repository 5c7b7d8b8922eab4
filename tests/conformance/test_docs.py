"""What the documentation says is so: its snippets run, its lists are whole, its links lead somewhere."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import runpy
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import requests
import typer
import yaml
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.site import Site, open_site
from tests.support.world import SHIPPED, migrate_world
from worker.cli import app as nurture
from worker.content.catalog import ARTICLES
from worker.delivery.providers import BY_API, open_provider
from worker.domain.health import Figures, verdict
from worker.domain.outgoing_events import TEST
from worker.domain.submissions import KNOWN_FIELDS
from worker.domain.tokens import TokenScope
from worker.errors import ConfigurationError
from worker.hooks.readers import GENERIC, READERS
from worker.keys import key_ring
from worker.queues import QueueName
from worker.settings import PREFIX, Settings, load_settings
from worker.storage.database import Database
from worker.storage.heartbeats import BEAT, WORKER, beat
from worker.usecases.staff.tokens import add_token
from worker.usecases.webhooks.manage import EVERY_TYPE

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
INTEGRATORS, OPERATORS, STAFF = (ROOT / "docs" / name for name in ("integrators.md", "operators", "staff"))
OPERATORS, STAFF = OPERATORS / "README.md", STAFF / "README.md"
BUILDERS = sorted((ROOT / "docs" / "integrators").glob("*.md"))
DOCTOR = ROOT / "docs" / "operators" / "doctor.md"
ADDRESS = "https://leads.example.com"
"""The address of the product in every snippet."""

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    # A website out there asks a server on this machine, which a browser would want a click for.
    "--disable-features=LocalNetworkAccessChecks",
]

FENCE = re.compile(r"^ *```(?P<info>[^\n]*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    return FENCE.sub("", text_of(page))


def code_of(page: Path) -> list[str]:
    """Every line of a fenced block, and every inline code span."""
    fenced = [line for block in FENCE.finditer(text_of(page)) for line in block["body"].splitlines()]
    return fenced + INLINE.findall(prose_of(page))


def snippets(page: Path, name: str) -> list[str]:
    """The fenced blocks marked `run=NAME`."""
    return [block["body"] for block in FENCE.finditer(text_of(page)) if f"run={name}" in block["info"].split()]


def snippet(page: Path, name: str) -> str:
    """The one fenced block marked `run=NAME`."""
    (body,) = snippets(page, name)
    return body


# --- links ----------------------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors_of(page: Path) -> set[str]:
    return {slug(line.lstrip("#")) for line in prose_of(page).splitlines() if re.match(r"#{1,6} ", line)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", INLINE.sub("", prose_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        wanted = (page.parent / path).resolve() if path else page
        if not wanted.exists() or (anchor and anchor not in anchors_of(wanted)):
            broken.append(target)

    assert broken == []


# --- settings, commands, checks -------------------------------------------------------------------------------


def test_the_page_of_settings_is_what_its_generator_writes() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate_configuration.py"))

    assert text_of(ROOT / "docs" / "configuration.md") == generate["render"](), (
        "run: .venv/bin/python docs/generate_configuration.py"
    )


SETTING = re.compile(PREFIX + r"[A-Z][A-Z_]*[A-Z]")
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_setting_is_documented() -> None:
    text = text_of(ROOT / "docs" / "configuration.md")

    assert {name for name in SETTINGS if f"`{name}`" not in text} == set()


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "docker-compose.yml", ROOT / "Dockerfile"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_no_page_names_a_setting_that_is_not_there(page: Path) -> None:
    named = {name.removesuffix("_FILE") for name in SETTING.findall(text_of(page))}

    assert named - SETTINGS == set()


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that does something, as the words that one types."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name)


COMMANDS = set(commands(typer.main.get_command(nurture)))
LAUNCHER = {"test", "chaos", "bench", "reset"}
SPOKEN = re.compile(r"(?:\bnurture|dev\.py|run --rm cli) ([a-z]+)(?: ([a-z]+(?:-[a-z]+)*))?")


def test_every_command_is_documented() -> None:
    said = " ".join(code for page in PAGES for code in code_of(page))

    documented = {words for words in COMMANDS if re.search(rf"(nurture|dev\.py) {' '.join(words)}\b", said)}
    assert documented == COMMANDS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_command_that_is_not_there(page: Path) -> None:
    groups = {words[0] for words in COMMANDS if len(words) > 1}
    missing = []
    for code in code_of(page):
        for first, second in SPOKEN.findall(code):
            known = (first, second) in COMMANDS if first in groups else (first,) in COMMANDS or first in LAUNCHER
            if not known and not (first in groups and not second):
                missing.append(f"{first} {second}".strip())

    assert missing == []


CHECK = re.compile(r"NRT-[A-Z]\d{3}")


def test_every_check_id_is_explained_to_operators_and_none_else() -> None:
    raised = {name for file in (ROOT / "worker").rglob("*.py") for name in CHECK.findall(text_of(file))}

    pages = text_of(OPERATORS) + text_of(DOCTOR)
    assert set(re.findall(r"^\| `(NRT-[A-Z]\d{3})` \|", pages, re.MULTILINE)) == raised


def test_the_page_of_the_doctor_is_what_its_generator_writes() -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate_doctor_page.py"))

    assert text_of(DOCTOR) == generate["render"](), "run: .venv/bin/python docs/generate_doctor_page.py"


def test_every_article_that_an_email_may_name_as_its_source_is_listed_for_those_who_write() -> None:
    page = (ROOT / "docs" / "staff" / "README.md").read_text(encoding="utf-8")

    assert [name for name, title in ARTICLES.items() if f"| `{name}` | {title} |" not in page] == []


def test_every_trouble_that_the_status_sentence_can_tell_is_explained() -> None:
    everything = Figures(
        broker_answers=False,
        beat_age_s=90.0,
        consumers={"QUEUE": 0},
        oldest_s={"QUEUE": 900.0},
        due=7,
        oldest_due_s=900.0,
        parked=7,
        unknown=7,
        unknown_oldest_s=9.0,
        stranded=7,
        held=7,
        quarantined=7,
        spool_oldest_s=900.0,
        spool_set_aside=7,
        has_content=False,
        paused=7,
        unanswered=7,
        provider_code="CODE",
        provider_fails_s=90.0,
        stopped_because="REASON",
        sequences_stopped=7,
        mailboxes_silent=7,
        endpoints_failing=7,
    )
    never = Figures(**{**{name: getattr(everything, name) for name in everything.__slots__}, "beat_age_s": None})
    told = {
        re.sub(r"\d+", "N", trouble)
        for figures in (everything, never)
        for trouble in verdict(figures).sentence.removeprefix("Needs attention: ").removesuffix(".").split("; ")
    }

    assert {trouble for trouble in told if f"“{trouble}”" not in text_of(OPERATORS)} == set()


def test_every_metric_is_documented(site: Site) -> None:
    found = set(re.findall(r"^# TYPE (\w+) ", requests.get(f"{site.url}/metrics", timeout=10).text, re.MULTILINE))

    assert {"nurture_week_emails", "nurture_parked"} <= found
    found |= {"nurture_beat_age_seconds", "nurture_lead_quiet_seconds"}
    assert {name for name in found if f"`{name}`" not in text_of(OPERATORS)} == set()


# --- integrators ----------------------------------------------------------------------------------------------


def test_every_field_of_the_form_is_documented() -> None:
    text = text_of(INTEGRATORS)

    assert {name for name in KNOWN_FIELDS if f"| `{name}` |" not in text} == set()


def test_every_event_that_other_systems_are_told_is_documented_and_no_other() -> None:
    listed = re.findall(r"^\| `((?:\w+\.)+\w+)` \|", text_of(ROOT / "docs/integrators/webhooks.md"), re.MULTILINE)

    assert sorted(listed) == sorted([*EVERY_TYPE, TEST])


def calls_of(name: str) -> Iterator[ast.Call]:
    """Every call of a function of this name in the intake, and where it reads addresses and numbers."""
    usecases = [ROOT / "worker" / "usecases" / "arrival" / name for name in ("contact.py", "understand.py")]
    for file in [*(ROOT / "worker" / "intake").glob("*.py"), *usecases]:
        for node in ast.walk(ast.parse(text_of(file))):
            if isinstance(node, ast.Call) and name in {getattr(node.func, "id", ""), getattr(node.func, "attr", "")}:
                yield node


def texts_of(call: ast.Call) -> list[str]:
    words = [*call.args, *(keyword.value for keyword in call.keywords)]
    return [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]


CODE = re.compile(r"[a-z]+\.[a-z_]+")


def test_every_problem_and_every_field_code_is_documented() -> None:
    kinds = {texts_of(call)[0] for name in ("_trouble", "problem") for call in calls_of(name) if texts_of(call)}
    fields = {texts_of(call)[1] for call in calls_of("_error")}
    fields |= {texts_of(call)[0] for call in calls_of("UnusableContact")}
    fields |= {text for call in calls_of("FieldError") for text in texts_of(call) if CODE.fullmatch(text)}

    assert len(kinds) > 5
    assert len(fields) > 4
    assert {code for code in kinds | fields if f"`{code}`" not in text_of(INTEGRATORS)} == set()


def test_the_description_for_programs_names_every_problem(site: Site) -> None:
    """But `http` and `failed`, which are answered by no address in particular."""
    calls = [call for name in ("_trouble", "problem", "_again") for call in calls_of(name)]
    kinds = {texts_of(call)[0] for call in calls if texts_of(call)}
    described = requests.get(f"{site.url}/openapi.json", timeout=10).text

    assert set(re.findall(r"/problems/([a-z-]+)", described)) == kinds - {"http", "failed"}
    assert "HTTPValidationError" not in described


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    entries = [entry for page in (INTEGRATORS, *BUILDERS) for entry in snippets(page, "forms")]
    registered = "\n".join([SHIPPED["forms.toml"], *entries])
    with open_site(tmp_path_factory.mktemp("site"), {**SHIPPED, "forms.toml": registered}) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(site: Site, chromium: Path) -> Iterator[Browser]:
    """A real browser. The server runs already: while Playwright is open, this thread starts no loop."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(chromium), args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_default_timeout(10_000)
    yield opened
    opened.close()


def reference_in(text: str) -> str:
    found = re.search(r"TAC-[0-9A-Z]{4}-[0-9A-Z]{4}", text)
    assert found, text
    return found[0]


@pytest.mark.browser
def test_the_html_form_posts_from_any_website_without_scripts(site: Site, page: Page) -> None:
    html = snippet(INTEGRATORS, "form").replace(ADDRESS, site.url)
    page.route("https://website.example.com/contact", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("https://website.example.com/contact")

    page.fill("[name=email]", "form@example.com")
    page.fill("[name=first_name]", "Farah")
    page.check("[name=consent_email]")
    page.click("button")
    page.wait_for_url("**/thanks/*")

    lead = site.lead(reference_in(page.inner_text("main")))
    assert lead["email"] == "form@example.com"
    assert lead["first_name"] == "Farah"
    assert lead["agreed"]


def open_page_with_script(site: Site, page: Page) -> None:
    """The page of the registered form, on its own website: its script needs our word to read our answer."""
    html = snippet(INTEGRATORS, "fetch").replace(ADDRESS, site.url)
    (origin,) = tomllib.loads(snippet(INTEGRATORS, "forms"))["forms"]["practice"]["origins"]
    page.route(f"{origin}/contact", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{origin}/contact")


@pytest.mark.browser
@pytest.mark.parametrize(("message", "is_crisis"), [("When could I call you?", False), ("I want to die", True)])
def test_the_script_shows_the_reference_or_the_988_panel(site: Site, page: Page, message: str, is_crisis: bool) -> None:
    open_page_with_script(site, page)

    page.fill("[name=email]", f"script{is_crisis}@example.com")
    page.fill("[name=message]", message)
    page.click("button")
    page.wait_for_function("document.querySelector('[role=status]').textContent !== ''")

    said = page.inner_text("[role=status]")
    assert ("988" in said) == is_crisis
    lead = site.lead(reference_in(said))
    assert lead["email"] == f"script{is_crisis}@example.com".lower()
    assert (lead["hold_reason"] is not None) == is_crisis


@pytest.mark.browser
def test_the_script_shows_each_problem(site: Site, page: Page) -> None:
    open_page_with_script(site, page)

    page.click("button")
    page.wait_for_function("document.querySelector('[role=status]').textContent !== ''")

    assert "email address or a phone number" in page.inner_text("[role=status]")


EMBEDS = [(page, html) for page in BUILDERS for html in snippets(page, "embed")]


@pytest.mark.browser
@pytest.mark.parametrize(("builder", "html"), EMBEDS, ids=[builder.stem for builder, _ in EMBEDS])
def test_the_script_on_the_page_of_a_site_builder_posts(site: Site, page: Page, builder: Path, html: str) -> None:
    (origin,) = tomllib.loads(snippet(INTEGRATORS, "forms"))["forms"]["practice"]["origins"]
    body = html.replace(ADDRESS, site.url)
    page.route(f"{origin}/{builder.stem}", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.route(f"{origin}/thanks", lambda route: route.fulfill(body="Thanks", content_type="text/html"))
    page.goto(f"{origin}/{builder.stem}")
    page.wait_for_selector("form [role=status]", state="attached")

    page.fill("[name=email]", f"{builder.stem}@example.com")
    page.click("button")
    page.wait_for_url(f"{origin}/thanks")

    assert site.lead_of(f"{builder.stem}@example.com")["location"] == "albany"


WEBHOOKS = [
    (page.stem, tomllib.loads(entry), address.strip(), payload.strip())
    for page in BUILDERS
    for entry, address, payload in zip(
        snippets(page, "forms"), snippets(page, "address"), snippets(page, "payload"), strict=True
    )
]


@pytest.mark.parametrize(
    ("entry", "address", "payload"), [case[1:] for case in WEBHOOKS], ids=[str(*case[1]["forms"]) for case in WEBHOOKS]
)
def test_the_webhook_on_the_page_of_a_vendor_makes_the_lead_that_it_tells_of(
    site: Site, entry: dict[str, Any], address: str, payload: str
) -> None:
    (form,) = entry["forms"]
    _, token = add_token(site.world.services, form, TokenScope.HOOKS, "Jordan Example", form=form)
    theirs = payload.replace("maya", form)

    url = address.replace(ADDRESS, site.url).replace("TOKEN", token)
    answers = [requests.post(url, data=theirs.encode(), timeout=10) for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"status": "received", "forms": 1}] * 2
    lead = site.lead_of(f"{form}@example.com")
    assert (lead["first_name"], lead["agreed"]) == ("Maya", True)


def test_every_vendor_that_we_read_has_a_page() -> None:
    told = {address.split("/")[-2] for _, _, address, _ in WEBHOOKS}

    assert told == READERS.keys() - {GENERIC}


def post_as_curl(command: str) -> requests.Response:
    """Does what this curl command does; the shell's own rules split it. Knows the options that the page uses."""
    words = iter(shlex.split(command.replace("\\\n", " ")))
    assert next(words) == "curl"
    headers, data, url = {}, None, ""
    for word in words:
        match word:
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                data = next(words)
            case "-sS":
                pass
            case _:
                assert not word.startswith("-"), f"this test does not know curl's {word}"
                url = word
    return requests.post(url, data=data, headers=headers, timeout=10)


def test_the_curl_command_gets_the_answer_that_the_page_shows(site: Site) -> None:
    answer = post_as_curl(snippet(INTEGRATORS, "curl").replace(ADDRESS, site.url))

    shown = json.loads(snippet(INTEGRATORS, "answer"))
    assert answer.status_code == 202
    assert answer.json().keys() == shown.keys()
    assert {name: type(value) for name, value in answer.json().items()} == {
        name: type(value) for name, value in shown.items()
    }
    assert site.lead(answer.json()["reference"])["location"] == "albany"


def test_the_python_script_posts_once_however_often_it_runs(site: Site) -> None:
    script = snippet(INTEGRATORS, "python").replace(ADDRESS, site.url)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script, "integrators.md", "exec"), {})
        exec(compile(script, "integrators.md", "exec"), {})

    first, second = re.findall(r"^TAC-.*", printed.getvalue(), re.MULTILINE)
    assert first == second
    assert site.lead(reference_in(first))["condition"] == "anxiety"


def test_the_event_on_the_page_is_recorded_with_a_token(site: Site) -> None:
    site.world.lead_from()
    _, token = add_token(site.world.services, "booking system", TokenScope.EVENTS, "Jordan Example")

    answer = post_as_curl(snippet(INTEGRATORS, "event").replace(ADDRESS, site.url).replace("TOKEN", token))

    assert (answer.status_code, answer.json()) == (200, json.loads(snippet(INTEGRATORS, "event-answer")))


def test_the_problem_on_the_page_is_one_that_the_product_answers(site: Site) -> None:
    shown = json.loads(snippet(INTEGRATORS, "problem"))

    answer = requests.post(f"{site.url}/v1/submissions", json={"email": "not an address"}, timeout=10)

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == shown


# --- the production shape -------------------------------------------------------------------------------------

COMPOSE = yaml.safe_load(text_of(ROOT / "docker-compose.yml"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_every_queue_has_a_consumer_in_the_production_shape() -> None:
    consumed = [
        queue
        for service in SERVICES.values()
        if "-Q" in service.get("command", [])
        for queue in service["command"][service["command"].index("-Q") + 1].split(",")
    ]

    assert sorted(consumed) == sorted(QueueName)


def test_each_worker_is_healthy_only_by_the_queues_that_it_consumes() -> None:
    for name in ("worker-intake", "worker-send"):
        command, check = SERVICES[name]["command"], SERVICES[name]["healthcheck"]["test"]

        assert check[check.index("worker") + 1 :] == command[command.index("-Q") + 1].split(",")


def test_only_the_web_process_has_a_port_and_only_on_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert ports == {"web": ["127.0.0.1:8600:8600"]}


def test_everything_that_a_service_names_is_there() -> None:
    for service in SERVICES.values():
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        assert set(service["secrets"]) <= COMPOSE["secrets"].keys()
        assert set(service.get("depends_on", {})) <= SERVICES.keys()
        named = {volume.partition(":")[0] for volume in service.get("volumes", []) if not volume.startswith(".")}
        assert named <= COMPOSE["volumes"].keys()


def test_redis_loses_nothing_it_took_and_evicts_nothing() -> None:
    command = SERVICES["redis"]["command"]

    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--maxmemory-policy"] == "noeviction"


def production_environment(folder: Path) -> dict[str, str]:
    """What a container's process is given, with the secrets that `make_secrets` writes into a folder."""
    runpy.run_path(str(ROOT / "deploy" / "make_secrets.py"))["main"](folder)
    given = {"NURTURE_PUBLIC_URL": "https://leads.example.com", "NURTURE_ESP_BAA_DATE": "2026-05-04"}
    environment = {}
    for name, value in SERVICES["web"]["environment"].items():
        asked = re.fullmatch(r"\$\{(\w+):([-?])(.*)\}", value)
        if asked:
            assert asked[1] == name
            value = given[name] if asked[2] == "?" else asked[3]
        environment[name] = value.replace("/run/secrets", str(folder))
    return environment


def test_the_production_shape_with_its_own_secrets_passes_the_production_checks(tmp_path: Path) -> None:
    settings = load_settings(production_environment(tmp_path))

    assert settings.is_production
    assert key_ring(settings).keys.keys() == {"k1"}
    assert settings.database.startswith("postgresql+psycopg://nurture:")


def test_the_production_shape_without_a_date_of_the_agreement_does_not_start(tmp_path: Path) -> None:
    environment = production_environment(tmp_path)
    del environment["NURTURE_ESP_BAA_DATE"]

    with pytest.raises(ConfigurationError, match="NRT-E003"):
        load_settings(environment)


def test_every_secret_of_the_production_shape_is_made_and_none_is_overwritten(tmp_path: Path) -> None:
    main = runpy.run_path(str(ROOT / "deploy" / "make_secrets.py"))["main"]
    main(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    main(tmp_path)

    assert COMPOSE["secrets"].keys() <= before.keys()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_container_is_healthy_only_while_its_process_does_its_work(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lead.db'}"
    migrate_world(url)
    settings = load_settings({"NURTURE_DATABASE_URL": url})
    check = runpy.run_path(str(ROOT / "deploy" / "healthcheck.py"))["main"]

    assert check(settings, "worker", ["intake", "tick"]) == "nobody consumes intake, tick"
    assert check(settings, "beat", []) is not None
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        beat(connection, "worker@host:1", WORKER, ["intake", "tick"])
        beat(connection, "beat", BEAT, [])
    assert check(settings, "worker", ["intake", "tick"]) is None
    assert check(settings, "worker", ["send"]) == "nobody consumes send"
    assert check(settings, "beat", []) is None


def test_the_image_holds_no_more_than_what_it_copies() -> None:
    """An allow-list: what is not named in .dockerignore can't get into the image, secrets and state least of all."""
    lines = [line for line in text_of(ROOT / ".dockerignore").splitlines() if line and not line.startswith("#")]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text_of(ROOT / "Dockerfile"), re.MULTILINE)

    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert lines[0] == "*"
    assert allowed == {source for line in copied for source in line.split()}
    assert all((ROOT / name).exists() for name in allowed)


# --- mail providers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", sorted(["outbox", "smtp", "smtps", *BY_API]))
def test_every_mail_provider_is_explained_to_operators_with_the_form_of_its_url(scheme: str) -> None:
    rows = [line for line in text_of(OPERATORS.parent / "providers.md").splitlines() if line.startswith("|")]

    assert any(f"`{scheme}:" in line for line in rows)


@pytest.mark.parametrize("scheme", sorted(BY_API))
def test_every_mail_provider_has_an_adapter_a_stand_in_and_feedback_of_its_own(scheme: str) -> None:
    for folder in ("worker/delivery", "tests/support/providers", "worker/feedback"):
        assert (ROOT / folder / f"{scheme}.py").is_file()
    assert BY_API[scheme].__module__ == f"worker.delivery.{scheme}"


def test_every_form_of_a_mail_url_on_the_page_can_be_opened(tmp_path: Path) -> None:
    page = text_of(OPERATORS.parent / "providers.md")
    forms = [form for form in re.findall(r"^\|[^|]+\|([^|]+)\|", page, re.MULTILINE) if "://" in form]
    urls = [url for form in forms for url in re.findall(r"`(\w+://[^`]+)`", form)]

    assert {url.partition(":")[0] for url in urls} == {"smtp", "smtps", *BY_API}
    for url in urls:
        assert open_provider(url, tmp_path, production=True).name == url.partition(":")[0].replace("smtps", "smtp")
