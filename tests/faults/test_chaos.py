"""A short run of the chaos on each database; `python3 dev.py chaos` does the same for as long as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness.chaos import run_chaos

SECONDS = 15.0

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_quarter_of_a_minute_of_chaos_loses_nobody_and_sends_nothing_twice(tmp_path: Path) -> None:
    """`dev.py chaos` runs for as long as one likes, on either database."""
    outcome = run_chaos(tmp_path / "chaos", seed=4, seconds=SECONDS, database="postgresql")

    verdict = outcome.verdict
    assert verdict.is_kept, (verdict.line(), verdict.contradictions)
    assert verdict.accepted > 0
    assert outcome.faults.total() >= 5
