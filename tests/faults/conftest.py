"""One running scene for the tests of a file: they add people to it, and its verdict covers all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.harness import injuries
from tests.faults.harness.scene import Scene, open_scene

LEASES = 0.04
"""Claims for 2.4 s and hand-overs for 3.6 s: a test waits for one to lapse."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scene_of_the_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One web process, one worker, one beat; the calendar stands still on a Monday morning."""
    folder = tmp_path_factory.mktemp("scene")
    with open_scene(folder, on=request.param, clock_speed=0.0, leases=LEASES) as opened:
        yield opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def keyed_scene_of_the_file(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """The same with a provider that honours an idempotency key."""
    folder = tmp_path_factory.mktemp("keyed")
    with open_scene(folder, on=request.param, clock_speed=0.0, leases=LEASES, keyed=True) as opened:
        yield opened


@pytest.fixture
def scene(scene_of_the_file: Scene) -> Scene:
    injuries.heal(scene_of_the_file)
    return scene_of_the_file


@pytest.fixture
def keyed_scene(keyed_scene_of_the_file: Scene) -> Scene:
    injuries.heal(keyed_scene_of_the_file)
    return keyed_scene_of_the_file
