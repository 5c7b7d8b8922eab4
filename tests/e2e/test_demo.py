"""The first five minutes of a stranger: one command on a machine that has Python and pip and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.e2e.product import (
    NURTURE,
    ROOT,
    STOP_WITHIN_S,
    TUESDAY,
    Product,
    environment_of,
    pin_calendar,
    processes_of,
    until,
)
from tests.support.postgres import Postgres
from tests.support.redis_server import RedisServer
from worker.content.catalog import read_content_files
from worker.content.load import load_catalog
from worker.settings import TEMPLATES, load_settings
from worker.storage.database import Database
from worker.storage.tables import leads, sends

pytestmark = pytest.mark.slow

PROMISE = "everyone was answered once, nobody was mailed twice, nobody without consent was taught"


def tracked_files() -> list[Path]:
    """What a clone would hold; files that are new and not ignored count."""
    git = shutil.which("git")
    if git is None:
        pytest.fail("git is missing: `sudo apt-get install git`", pytrace=False)
    listed = subprocess.run(
        [git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.timeout(420)
def test_a_fresh_copy_shows_the_whole_journey_with_one_command(tmp_path: Path) -> None:
    copy, home = tmp_path / "a copy", tmp_path / "home"
    home.mkdir()
    for name in tracked_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NURTURE_", "PYTHON", "VIRTUAL_ENV", "XDG_", "UV_"))
    }
    environment |= {"HOME": str(home), "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin", "COLUMNS": "200"}

    done = subprocess.run(
        [python, "dev.py", "demo", "--once"],
        cwd=copy, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert PROMISE in done.stdout
    people = len(load_catalog(read_content_files(TEMPLATES)).personas)
    assert f"{people} fictional people posted the form" in done.stdout
    assert re.search(rf"{people} stored · .*\d+ sent", done.stdout)
    for place in ("carbondale", "albany", "undecided"):
        assert place in done.stdout
    assert str(copy / ".local" / "demo" / "lead.db") in done.stdout
    assert list((copy / ".local" / "demo" / "outbox").glob("*.eml"))
    assert "Traceback" not in done.stdout + done.stderr
    assert [pid for pid, words in running_in(copy).items() if "dev.py" not in words] == []


def running_in(folder: Path) -> dict[int, str]:
    """Processes whose command names this folder."""
    found = {}
    for each in Path("/proc").glob("[0-9]*"):
        try:
            words = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words and int(each.name) != os.getpid():
            found[int(each.name)] = words
    return found


@pytest.mark.timeout(180)
def test_the_same_journey_on_postgresql_and_on_a_redis_of_ones_own(
    postgres: Postgres, redis_server: RedisServer, tmp_path: Path
) -> None:
    postgres.execute("CREATE DATABASE demo")
    environment = environment_of(
        tmp_path / "state", database_url=postgres.url("demo"), redis_url=redis_server.url, clock_speed="0"
    )
    try:
        done = subprocess.run(
            [*NURTURE, "demo", "--once"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
            timeout=170,
        )  # fmt: skip

        assert done.returncode == 0, done.stdout + done.stderr
        assert PROMISE in done.stdout
        assert "postgresql" in done.stdout
        assert "embedded" not in done.stdout
        assert not (tmp_path / "state" / "lead.db").exists()
        assert not (tmp_path / "state" / "valkey").exists()
        assert processes_of(tmp_path / "state") == {}
        database = Database(load_settings(environment).database)
        with database.read() as connection:
            people = connection.execute(select(func.count()).select_from(leads)).scalar_one()
            sent = connection.execute(select(func.count()).where(sends.c.state == "sent")).scalar_one()
        database.close()
        assert people == len(load_catalog(read_content_files(TEMPLATES)).personas)
        assert sent == len(list((tmp_path / "state" / "outbox").glob("*.eml")))
    finally:
        postgres.execute("DROP DATABASE demo WITH (FORCE)")


@pytest.mark.timeout(120)
def test_ctrl_c_ends_a_demonstration_within_seconds(tmp_path: Path) -> None:
    state = tmp_path / "state"
    product = Product(state, environment_of(state, clock_speed="0"))
    pin_calendar(product.environment, TUESDAY)
    with (tmp_path / "said").open("wb") as output:
        demo = subprocess.Popen(
            [*NURTURE, "demo", "--once"], cwd=ROOT, env=product.environment, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: "posted the form" in (tmp_path / "said").read_text() or demo.poll() is not None, seconds=50)
        demo.send_signal(signal.SIGINT)
        demo.wait(STOP_WITHIN_S)
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()
        product.end()

    assert "Traceback" not in (tmp_path / "said").read_text()
    assert processes_of(state) == {}
