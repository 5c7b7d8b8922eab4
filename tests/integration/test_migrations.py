"""Migrations: the same tables on both databases, as the code says; up, down, twice, and by several at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from tests.support.world import RING, SHIPPED, World
from worker.storage import installation, migrate, tables
from worker.storage.database import Database
from worker.usecases.prepare import prepare

ROOT_OF_MIGRATIONS = "worker/storage/migrations"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, pool_size=10)
    yield opened
    opened.close()


def names(database: Database) -> set[str]:
    return set(sa.inspect(database.engine).get_table_names())


def downgrade(database: Database) -> None:
    configuration = Config()
    configuration.set_main_option("script_location", ROOT_OF_MIGRATIONS)
    configuration.set_main_option("path_separator", "os")
    with database.write() as connection:
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "base")


def test_an_empty_database_gets_every_table_and_stands_at_the_newest_revision(database: Database) -> None:
    before = migrate.current_and_newest(database)
    migrate.upgrade(database)

    current, newest = migrate.current_and_newest(database)
    assert before == (None, newest)
    assert current == newest is not None
    assert names(database) == {*tables.metadata.tables, "alembic_version"}


def test_the_migrated_tables_are_the_tables_of_the_code(database: Database) -> None:
    migrate.upgrade(database)

    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": tables.metadata}
        )
        differences = compare_metadata(context, tables.metadata)

    assert differences == []


def test_the_migrated_indexes_are_as_partial_and_unique_as_the_code_says(database: Database) -> None:
    """Alembic compares neither conditions nor, on SQLite, constraints: made by the code, they must read the same."""
    migrate.upgrade(database)
    migrated = indexes(database)
    with database.write() as connection:
        tables.metadata.drop_all(connection)
    with database.write() as connection:
        tables.metadata.create_all(connection)

    assert indexes(database) == migrated
    assert any("where" in text.casefold() for text in migrated.values())


def indexes(database: Database) -> dict[str, str]:
    """Each index as the database itself writes it down."""
    query = (
        "select name, sql from sqlite_master where type = 'index' and sql is not null"
        if database.is_sqlite
        else "select indexname, indexdef from pg_indexes where schemaname = 'public'"
    )
    with database.read() as connection:
        found = connection.exec_driver_sql(query)
        return {name: " ".join(text.split()) for name, text in found if "alembic" not in name}


def test_upgrading_twice_changes_nothing(world: World) -> None:
    world.post()
    before = {table.name: world.rows(table) for table in tables.metadata.sorted_tables}

    migrate.upgrade(world.database)
    prepare(world.database, RING, 0.0, SHIPPED)

    assert {table.name: world.rows(table) for table in tables.metadata.sorted_tables} == before


def test_down_leaves_nothing_and_up_again_works(database: Database) -> None:
    migrate.upgrade(database)
    downgrade(database)
    assert names(database) <= {"alembic_version"}

    migrate.upgrade(database)
    assert names(database) == {*tables.metadata.tables, "alembic_version"}


def test_several_first_starts_at_once_make_one_installation(database: Database) -> None:
    """Web, workers and beat may all start on an empty database in the same second."""
    with ThreadPoolExecutor(2) as threads:
        starts = [threads.submit(prepare, database, RING, 0.0, SHIPPED) for _ in range(2)]
        for start in starts:
            start.result()

    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.installation)).scalar_one() == 1
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.snapshots)).scalar_one() == 1
        assert installation.active_snapshot(connection) is not None
        assert installation.lookup_key(connection, RING).key


def test_two_processes_that_upgrade_at_once_both_succeed(database: Database) -> None:
    program = "import sys; from worker.storage import migrate; from worker.storage.database import Database\n"
    program += "migrate.upgrade(Database(sys.argv[1]))"
    argv = [sys.executable, "-c", program, database.url.render_as_string(hide_password=False)]
    both = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=50)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    current, newest = migrate.current_and_newest(database)
    assert current == newest


def test_a_second_start_keeps_the_look_up_key_the_clock_and_what_is_published(world: World) -> None:
    with world.database.read() as connection:
        key, clock = installation.lookup_key(connection, RING), installation.clock(connection)

    prepare(world.database, RING, 0.0, {**SHIPPED, "blocks/crisis.md": SHIPPED["blocks/crisis.md"] + "\n"})

    with world.database.read() as connection:
        assert installation.lookup_key(connection, RING) == key
        assert installation.clock(connection) == clock
    assert world.count(tables.snapshots) == 1


def test_identities_and_one_active_enrollment_are_guarded_by_the_database_itself(world: World) -> None:
    world.post()
    (lead,) = world.rows(tables.leads)
    (enrollment,) = world.rows(tables.enrollments)

    with pytest.raises(sa.exc.IntegrityError):
        world.execute(sa.insert(tables.leads).values(**{**lead, "id": "00000000-0000-7000-8000-000000000001"}))
    again = {**enrollment, "id": "00000000-0000-7000-8000-000000000002", "cycle": 2}
    with pytest.raises(sa.exc.IntegrityError):
        world.execute(sa.insert(tables.enrollments).values(**again))


def test_a_datetime_without_a_zone_is_refused_and_one_with_a_zone_comes_back_in_utc(world: World) -> None:
    world.post()

    assert all(row["created_at"].utcoffset().total_seconds() == 0 for row in world.rows(tables.leads))
    with pytest.raises(sa.exc.StatementError, match="without a time zone"):
        world.execute(sa.update(tables.leads).values(created_at=world.now.replace(tzinfo=None)))


def test_the_text_of_a_database_error_does_not_hold_what_was_stored(world: World) -> None:
    world.post()
    (lead,) = world.rows(tables.leads)

    with pytest.raises(sa.exc.IntegrityError) as caught:
        world.execute(sa.insert(tables.leads).values(**{**lead, "id": "00000000-0000-7000-8000-000000000001"}))

    assert lead["email_sealed"] not in str(caught.value)
