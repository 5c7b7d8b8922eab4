"""Fixtures of real servers. Each starts when a test first asks for it, once for a run, and ends with the run.

Nothing is skipped when a server is missing: the test fails and says how to get it.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.support.databases import Databases, Migrate, PostgresDatabases, SqliteDatabases
from tests.support.memory import quick_folder
from tests.support.postgres import Postgres, running_postgres
from tests.support.redis_server import RedisServer, running_redis
from tests.support.smtp import SmtpSink
from worker.runtime.valkey import EmbeddedValkey, ensure_valkey, stop_valkey

BACKENDS = ["sqlite", "postgresql"]

_LONG = ("faults", "e2e", "browser")
"""Folders of files that take long: they start processes, and wait for them."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests file by file: a long file first, then two others, then a long one.

    In the order of pytest-xdist the files of few tests come last, and the long ones are among them: at the end one
    process works and the others wait. All of them at once would be too much for the machine.
    """
    if not hasattr(config, "workerinput"):
        return
    sizes = Counter(item.path for item in items)
    files = sorted(sizes, key=lambda path: (-sizes[path], path))
    others = iter([path for path in files if path.parent.name not in _LONG])
    order = list[Path]()
    for long in (path for path in files if path.parent.name in _LONG):
        order += [long, *islice(others, 2)]
    rank = {path: number for number, path in enumerate([*order, *others])}
    items.sort(key=lambda item: rank[item.path])


def pytest_itemcollected(item: pytest.Item) -> None:
    """What starts and kills real processes has a second try on a machine that may be busy; the summary tells of it."""
    if item.path.parent.name in _LONG:
        item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """The embedded Valkey, started as the product starts it."""
    server = ensure_valkey(tmp_path_factory.mktemp("state"))
    yield server
    stop_valkey(server)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with quick_folder() as folder, running_postgres(folder) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_databases() -> Iterator[Databases]:
    with quick_folder() as folder:
        yield SqliteDatabases(folder)


@pytest.fixture(scope="session")
def postgresql_databases(postgres: Postgres) -> Databases:
    return PostgresDatabases(postgres)


@pytest.fixture(scope="session", params=BACKENDS)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Every test that uses it, directly or not, runs once on SQLite and once on PostgreSQL.

    Which one may change from test to test; what each has made and can copy from stays for the whole run.
    """
    chosen: Databases = request.getfixturevalue(f"{request.param}_databases")
    return chosen


@pytest.fixture
def make_database(databases: Databases) -> Iterator[Callable[[Migrate | None], str]]:
    """`make_database(migrate)`: the URL of this test's own copy of what `migrate(url)` made once."""
    yield databases.make
    databases.drop_all()


@pytest.fixture
def database_url(make_database: Callable[[Migrate | None], str]) -> str:
    """An empty database of this test's own."""
    return make_database(None)


@pytest.fixture(scope="session")
def _smtp_server() -> Iterator[SmtpSink]:
    server = SmtpSink()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def smtp_sink(_smtp_server: SmtpSink) -> SmtpSink:
    """An SMTP server that has received nothing yet."""
    _smtp_server.clear()
    return _smtp_server


@pytest.fixture(scope="session")
def chromium() -> Path:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := shutil.which(name):
            return Path(program)
    pytest.fail("Chromium is missing: `sudo apt-get install chromium`", pytrace=False)
