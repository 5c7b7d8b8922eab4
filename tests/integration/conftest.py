"""The small world that tests of use cases live in, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.databases import Migrate
from tests.support.world import World, migrate_world, open_world


@pytest.fixture
def world_url(make_database: Callable[[Migrate | None], str]) -> str:
    """A migrated database with the shipped content, its product clock frozen at `START`."""
    return make_database(migrate_world)


@pytest.fixture
def world(world_url: str, tmp_path: Path) -> Iterator[World]:
    with open_world(world_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def other_world(make_database: Callable[[Migrate | None], str], tmp_path: Path) -> Iterator[World]:
    """A second copy of the same beginnings, to compare with."""
    with open_world(make_database(migrate_world), tmp_path / "other") as opened:
        yield opened
