"""Rules of the house that can be read off the code, each with the failure that it prevents."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import celeryconfig
from worker.bootstrap import make_services
from worker.celery import app
from worker.queues import QUEUE_OF, QueueName, TaskName
from worker.runtime import product
from worker.settings import load_settings
from worker.storage import heartbeats, persons, tables
from worker.storage.sealed import SEALED

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "worker").rglob("*.py"))
OURS = [*FILES, ROOT / "celeryconfig.py"]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def length(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


# --- what loses or doubles messages on Redis ------------------------------------------------------------------

FORBIDDEN_OPTIONS = {"eta", "countdown", "autoretry_for", "retry_backoff", "max_retries", "link", "link_error", "chord"}
FORBIDDEN_CALLS = {"retry", "apply_async", "delay", "chord", "chain", "group", "AsyncResult"}


def uses_of_canvas(source: str) -> Iterator[str]:
    """Calls and options by which Celery would keep state of its own."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or "celery" not in source:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in FORBIDDEN_CALLS and not (called == "group" and isinstance(node.func, ast.Attribute)):
            yield f"{called}() in line {node.lineno}"
        yield from (
            f"{keyword.arg}= in line {node.lineno}" for keyword in node.keywords if keyword.arg in FORBIDDEN_OPTIONS
        )


@pytest.mark.parametrize("process", ["worker.web", "worker.tasks"])
def test_what_runs_for_long_loads_nothing_that_only_prints_tables(process: str) -> None:
    """rich and pygments came along with structlog, and were kept by every process."""
    look = f"import sys, {process}; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert process in loaded.split()
    assert not {"rich", "pygments"} & set(loaded.split())


def test_nothing_is_asked_of_celery_that_redis_loses_or_doubles() -> None:
    found = {name_of(file): list(uses_of_canvas(file.read_text(encoding="utf-8"))) for file in OURS}

    assert {name: uses for name, uses in found.items() if uses} == {}


@pytest.mark.parametrize(
    "line",
    ["task.apply_async(eta=at)", "send(countdown=5)", "self.retry()", "chord(tasks)", "@app.task(max_retries=3)"],
)
def test_the_rule_about_celery_sees_what_it_forbids(line: str) -> None:
    code = f"from celery import chord\n{line}\n" + ("def task(): ...\n" if line.startswith("@") else "")

    assert list(uses_of_canvas(code)) != []


def test_no_result_is_kept_anywhere() -> None:
    assert app.conf.result_backend is None
    assert app.conf.task_ignore_result
    assert not hasattr(celeryconfig, "result_backend")


def test_a_lost_worker_s_message_comes_again_and_no_sooner_than_its_task_can_run() -> None:
    options = app.conf.broker_transport_options

    assert app.conf.task_acks_late
    assert options["visibility_timeout"] > 2 * app.conf.task_time_limit
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit


def test_only_json_is_read_and_a_misspelled_queue_is_an_error() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert not app.conf.task_create_missing_queues


# --- queues and tasks -----------------------------------------------------------------------------------------


def test_every_task_has_a_queue_and_every_name_a_task() -> None:
    app.loader.import_task_module("worker.tasks")  # as a worker does at its start
    app.loader.import_task_module("worker.tasks")  # as a worker does at its start
    ours = {name for name in app.tasks if name.startswith("worker.")}

    assert ours == set(TaskName)
    assert QUEUE_OF.keys() == set(TaskName)
    assert {route["queue"] for route in app.conf.task_routes.values()} == set(QueueName)
    assert {queue.name for queue in app.conf.task_queues} == set(QueueName)


def test_the_product_on_one_machine_consumes_every_queue_intake_first() -> None:
    started = product.children_of(load_settings({}), "http://127.0.0.1:1", "redis://127.0.0.1:1")
    children = {child.name: list(child.argv) for child in started}
    worker = children["worker"]

    assert worker[worker.index("-Q") + 1].split(",") == list(QueueName)
    assert next(iter(QueueName)) is QueueName.INTAKE
    assert "worker.beat" in children["beat"]


def test_beat_asks_for_the_sweep_often_enough_to_count_as_alive() -> None:
    (entry,) = app.conf.beat_schedule.values()

    assert entry["task"] == TaskName.SWEEP
    assert timedelta(seconds=entry["schedule"]) < heartbeats.ALIVE_FOR
    assert entry["options"]["expires"] >= entry["schedule"]


def test_a_mailbox_is_read_every_minute_where_one_is_set_and_nobody_asks_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NURTURE_FEEDBACK_IMAP", "imaps://user:secret@imap.example.com/INBOX")

    entry = runpy.run_path(str(ROOT / "celeryconfig.py"))["beat_schedule"]["feedback"]

    assert entry["task"] == TaskName.FEEDBACK
    assert entry["options"]["expires"] <= entry["schedule"] == 60
    assert "secret" not in str(entry)
    assert "feedback" not in app.conf.beat_schedule


def tasks() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in sorted((ROOT / "worker" / "tasks").rglob("*.py")):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef) and "app.task" in " ".join(map(ast.unparse, node.decorator_list)):
                yield name_of(file), node


def test_a_task_is_at_most_ten_lines_since_it_only_calls_a_use_case() -> None:
    found = list(tasks())

    assert len(found) == len(TaskName)
    assert [f"{file} {task.name}" for file, task in found if length(task) > 10] == []


# --- time -----------------------------------------------------------------------------------------------------

NOW = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "fromtimestamp"}


def readings_of_a_clock(file: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in NOW:
            owner = ast.unparse(node.func.value)
            if owner in {"datetime", "date", "time", "datetime.datetime", "datetime.date"}:
                yield f"{name_of(file)}:{node.lineno} {owner}.{node.func.attr}()"


def test_the_domain_is_told_the_time_and_never_asks() -> None:
    """A new id carries the millisecond at which it was made, so that indexes grow at one end; nothing decides by it."""
    found = [reading for file in (ROOT / "worker" / "domain").rglob("*.py") for reading in readings_of_a_clock(file)]

    assert [reading for reading in found if not reading.startswith("worker/domain/ids.py:")] == []


def test_nobody_reads_a_clock_without_a_zone() -> None:
    naive = [
        f"{name_of(file)}:{node.lineno}"
        for file in OURS
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call)
        and (
            ast.unparse(node.func).endswith("utcnow")
            or (ast.unparse(node.func) == "datetime.now" and not node.args and not node.keywords)
        )
    ]

    assert naive == []


# --- size and words -------------------------------------------------------------------------------------------

TABLES_AND_MIGRATIONS = ("worker/storage/migrations/versions/",)
"""A migration is one long list of columns, written by a tool and never changed again."""


@pytest.mark.parametrize("file", OURS, ids=name_of)
def test_a_file_fits_on_a_few_screens(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


def long_functions(file: Path) -> list[str]:
    return [
        f"{node.name}: {length(node)} lines"
        for node in ast.walk(tree_of(file))
        if isinstance(node, FUNCTIONS) and length(node) > 60
    ]


def test_a_function_fits_on_one_screen() -> None:
    found = {
        name_of(file): long_functions(file)
        for file in OURS
        if not name_of(file).startswith(TABLES_AND_MIGRATIONS) and long_functions(file)
    }

    assert found == {}


def test_every_module_says_what_it_promises() -> None:
    silent = [name_of(file) for file in OURS if file.stat().st_size and ast.get_docstring(tree_of(file)) is None]

    assert silent == []


def test_every_public_class_and_function_outside_the_runtime_says_what_it_does() -> None:
    silent = [
        f"{name_of(file)} {node.name}"
        for file in FILES
        if "migrations" not in file.parts and "runtime" not in file.parts
        for node in tree_of(file).body
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_")
        if ast.get_docstring(node) is None
    ]

    assert silent == []


TEXT = {".py", ".md", ".toml", ".yml", ".html", ".css", ".js", ".txt", ".mako", ""}
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
TOOLS = re.compile(
    r"\b(?:cl" + r"aude|anth" + r"ropic|open" + r"ai|chat" + r"gpt|cop" + r"ilot|language mo" + r"del)\b", re.IGNORECASE
)
LINT_RULES = "worker/content/lint/"
"""Here the words stand in lists, because the content check looks for them in emails."""
SITTINGS = re.compile(r"(?<![\w-])sessions?(?![\w-])", re.IGNORECASE)
"""A person has sessions with a clinician; documents about software name what they mean."""

WORKPLACE = re.compile(r"/(?:work|tmp)/(?:main|shared|scratch)")


def tracked_files() -> list[Path]:
    """What git tracks, and what it would: a copy without git is checked by the folders that we ship."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    asked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    names = asked.stdout.splitlines() if asked.returncode == 0 else []
    found = [ROOT / name for name in names] or [
        path
        for folder in ("worker", "templates", "tests", "docs", "deploy")
        for path in (ROOT / folder).rglob("*")
        if "__pycache__" not in path.parts
    ]
    return [path for path in found if path.is_file() and path.suffix in TEXT]


@pytest.mark.parametrize("words", [UNFINISHED, TOOLS, WORKPLACE], ids=["unfinished", "tools", "workplace"])
def test_no_file_holds_words_that_belong_elsewhere(words: re.Pattern[str]) -> None:
    found = [
        f"{name_of(path)}:{number} {match[0]}"
        for path in tracked_files()
        if not name_of(path).startswith(LINT_RULES)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := words.search(line))
    ]

    assert found == []


def test_the_documents_speak_of_the_product_only() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    assert [name_of(page) for page in pages if SITTINGS.search(page.read_text(encoding="utf-8"))] == []


REAL = re.compile(
    r"[\w.+-]+@(?!(?:[\w-]+\.)*example\.(?:com|org|net)\b)[a-z][\w-]*(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|us)\b"
)


def test_every_address_in_what_we_ship_is_fictional() -> None:
    found = [
        f"{name_of(path)} {match}"
        for path in tracked_files()
        if path.relative_to(ROOT).parts[0] in {"worker", "templates", "docs", "deploy"}
        for match in REAL.findall(path.read_text(encoding="utf-8"))
    ]

    assert found == []


# --- secrets --------------------------------------------------------------------------------------------------


def test_no_secret_is_shown_with_the_settings_or_the_services(tmp_path: Path) -> None:
    secret = "aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGk="
    settings = load_settings(
        {
            "NURTURE_SECRET_KEYS": f"k1:{secret}",
            "NURTURE_DATABASE_URL": f"sqlite:///{tmp_path}/lead.db",
            "NURTURE_REDIS_URL": "redis://:hunter2@127.0.0.1:1/0",
            "NURTURE_MAIL_URL": "smtps://user:hunter2@smtp.example.com",
            "NURTURE_ALERT_URL": "https://chat.example.com/hunter2",
            "NURTURE_STATE_DIR": str(tmp_path),
        }
    )
    services = make_services(settings)
    shown = f"{settings!r} {settings} {services!r}"
    services.close()

    assert secret not in shown
    assert "hunter2" not in shown


def test_every_table_is_reached_from_a_lead_or_said_not_to_be_about_one() -> None:
    """Erasure, export and the search walk foreign keys: a table beside them says how it names a person, or why not."""
    reached = {table.name for table in persons.walked()}

    assert {"leads", "submissions", "consents", "enrollments", "sends", "timeline", "alerts"} <= reached
    assert reached | persons.BESIDE.keys() == tables.metadata.tables.keys()
    assert reached & persons.BESIDE.keys() == set()


def test_every_sealed_column_is_known_to_key_rotation() -> None:
    """One that is missing would be lost when its key is taken out of the ring."""
    sealed_columns = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if column.name == "sealed" or column.name.endswith("_sealed")
    }

    assert {sealed.name for sealed in SEALED} == sealed_columns


# --- calls out of the product ---------------------------------------------------------------------------------

DOOR = "worker/outgoing.py"
CALLERS = {"httpx", "urllib.request", "http.client", "aiohttp", "urllib3"}
CALLS = {"get", "post", "put", "patch", "delete", "head", "options", "request", "Session", "session", "adapters", "api"}


def calls_past_the_door(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in CALLERS)
        elif isinstance(node, ast.ImportFrom):
            taken = {alias.name for alias in node.names}
            if node.module in CALLERS or (node.module or "").startswith("requests.adapters"):
                yield node.module or ""
            elif node.module in {"requests", "urllib", "http"} and taken & (CALLS | {"request", "client"}):
                yield f"{node.module} {sorted(taken)}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "requests" and node.attr in CALLS:
            yield f"requests.{node.attr}"


def test_every_call_to_another_host_goes_through_one_guarded_door() -> None:
    """One that does not could be pointed at what stands behind our firewall, or hang for ever."""
    found = {name_of(file): list(calls_past_the_door(file.read_text(encoding="utf-8"))) for file in OURS}

    assert {name: calls for name, calls in found.items() if calls and name != DOOR} == {}
    assert found[DOOR] != []


@pytest.mark.parametrize(
    "code",
    ["requests.get(url)", "requests.Session()", "import httpx", "from requests import post", "import urllib.request",
     "from urllib import request"],
)  # fmt: skip
def test_the_rule_about_calls_sees_what_it_forbids(code: str) -> None:
    assert list(calls_past_the_door(code)) != []


def test_no_application_tells_its_requests_to_a_tracing_collector() -> None:
    """Their paths are personal links, and what FastAPI finds in its process it tells."""
    made = [
        (name_of(file), {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}.get("telemetry"))
        for file in FILES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "FastAPI"
    ]

    assert {telemetry for _, telemetry in made} == {"UNTRACED"}, made
