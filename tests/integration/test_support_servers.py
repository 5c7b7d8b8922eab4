"""The servers that tests lean on are real, private to the run, and cheap to ask for."""

from __future__ import annotations

import smtplib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from tests.support.databases import Migrate
from tests.support.redis_server import RedisServer
from tests.support.smtp import SmtpSink
from worker.runtime.valkey import EmbeddedValkey

migrations: list[str] = []


def migrate(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE leads (id INTEGER PRIMARY KEY)"))
    engine.dispose()
    migrations.append(engine.dialect.name)


def rows(url: str) -> int:
    """Adds one row and counts them."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO leads VALUES (1)"))
        count = connection.scalar(sa.text("SELECT count(*) FROM leads"))
    engine.dispose()
    return int(count or 0)


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_each_test_gets_its_own_copy_of_a_database_migrated_once(
    make_database: Callable[[Migrate | None], str], attempt: int
) -> None:
    first, second = make_database(migrate), make_database(migrate)

    assert rows(first) == rows(second) == 1
    assert len(migrations) == len(set(migrations)), "a migration ran twice on one backend"


def test_a_fresh_database_is_empty(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    tables = sa.inspect(engine).get_table_names()
    engine.dispose()

    assert tables == []


def test_the_embedded_valkey_answers(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_the_redis_server_of_debian_answers(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.info("server")["redis_version"]
        assert client.config_get("appendonly") == {"appendonly": "yes"}


@pytest.mark.parametrize("attempt", [1, 2])
def test_the_smtp_sink_keeps_the_very_bytes_of_this_test_only(smtp_sink: SmtpSink, attempt: int) -> None:
    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        client.sendmail("clinic@example.org", ["a@example.com"], b"Subject: Hello\r\n\r\nYou\r\n")

    (received,) = smtp_sink.wait_for(1)
    assert received.recipients == ("a@example.com",)
    assert received.message["Subject"] == "Hello"
    assert received.raw.endswith(b"You\r\n")


@pytest.mark.browser
def test_chromium_is_there(chromium: Path) -> None:
    asked = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True)

    assert "Chrom" in asked.stdout
