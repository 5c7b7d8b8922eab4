"""Every rule catches what it is for, and lets its neighbour pass."""

from __future__ import annotations

import pytest

from tests.unit.lint.cases import CASES
from tests.unit.lint.drafts import rules
from worker.content.lint.engine import RULES


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_catches_what_breaks_it(rule: str) -> None:
    assert rule in rules(CASES[rule].broken())


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_lets_its_neighbour_pass(rule: str) -> None:
    assert rule not in rules(CASES[rule].sound())


def test_no_case_is_left_of_a_rule_that_is_gone() -> None:
    assert set(CASES) == set(RULES)
