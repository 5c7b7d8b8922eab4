"""Every stage of the benchmarks runs, at a tiny size: it does what it says it times, and tells it in a table.

No time is asserted. Nothing is installed: where a peer's program is missing, the report says so.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from rich.console import Console

from bench.harness import Bench, Sample, Series, Target
from bench.picture import draw
from bench.printing import as_markdown, print_report
from bench.stages import STAGES, pages
from bench.tools import Tools
from tests.support.databases import PostgresDatabases
from tests.support.postgres import Postgres
from worker.runtime.valkey import EmbeddedValkey


@pytest.fixture(scope="module")
def tiny(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Postgres,
    postgresql_databases: PostgresDatabases,
    valkey: EmbeddedValkey,
) -> Iterator[Bench]:
    """One for all stages, on the servers of this run of the tests."""
    folder = tmp_path_factory.mktemp("bench")
    bench = Bench(rounds=1, size=0.001, tools=Tools(folder / "tools", may_install=False), folder=folder)
    bench.rows = (100, 400)
    bench.postgres, bench.databases, bench.valkey = postgres, postgresql_databases, valkey
    yield bench
    bench.close()


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_measures_what_it_says_and_prints_its_table(
    stage: str, tiny: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "DATABASES", ("postgresql",))  # the tests of the console ask for each page on both
    report = STAGES[stage](tiny)

    printed = io.StringIO()
    print_report(Console(file=printed, width=200), report)
    assert report.title in printed.getvalue()
    assert report.series or report.absent
    figures = [sample.figure for series in report.series for sample in series.samples]
    assert min(figures, default=1) > (-1 if stage == "messages" else 0), "a few emails may need no message at all"
    assert all(target.says in as_markdown(report) for target in report.targets)


def test_a_ratio_is_taken_within_each_round_and_not_across_them() -> None:
    """A spell in which everything is slow must not change it."""
    ours = Series("ours", tuple(map(Sample, (100.0, 10.0, 100.0))))
    theirs = Series("theirs", tuple(map(Sample, (50.0, 5.0, 50.0))))

    assert ours.over(theirs) == 2.0


def test_a_target_is_met_from_its_bound_on() -> None:
    assert Target(says="rate", measured=30.0, at_least=30).is_met
    assert not Target(says="rate", measured=29.9, at_least=30).is_met
    assert Target(says="wait", measured=60.0, at_most=60).is_met
    assert not Target(says="wait", measured=60.1, at_most=60).is_met


def test_the_picture_shows_each_size_with_what_it_costs() -> None:
    picture = draw([(10_000, 40.0), (100_000, 44.4)])

    assert {"10,000", "100,000", "40", "44"} <= {text.text for text in ElementTree.fromstring(picture).iter()}
