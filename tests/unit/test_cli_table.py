"""Where each word after `nurture` is: the table and the modules agree, and asking for one loads no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from worker import cli
from worker.cli.table import PLACES, OnDemand
from worker.settings import ROOT

SHARED = {"__init__", "__main__", "common", "output", "table"}
ADDED_TO_A_GROUP = {"importing", "reconciling"}


@pytest.mark.parametrize("word", PLACES)
def test_each_word_is_where_the_table_says(word: str) -> None:
    assert OnDemand()[word].name == word


def test_every_module_of_commands_is_in_the_table() -> None:
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*.py")}

    assert {place.partition(":")[0] for place in PLACES.values()} == modules - SHARED - ADDED_TO_A_GROUP


def test_no_command_is_loaded_before_it_is_asked_for() -> None:
    look = "import sys, worker.cli; print(*sorted(name for name in sys.modules if name.startswith('worker.')))"
    loaded = subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert set(loaded.split()) == {
        "worker.cli",
        "worker.cli.output",
        "worker.cli.table",
        "worker.errors",
        "worker.logs",
    }
