"""The page for staff says what the rules say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from worker.content.lint.engine import RULES

DOCS = Path(__file__).parents[3] / "docs"


def generated() -> str:
    spec = importlib.util.spec_from_file_location("generate_lint_page", DOCS / "generate_lint_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text: str = module.page()
    return text


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / "staff" / "lint.md").read_text(encoding="utf-8") == generated(), (
        "run: python docs/generate_lint_page.py"
    )


def test_every_rule_is_on_the_page() -> None:
    text = generated()

    assert [rule for rule in RULES if f"### {rule} (" not in text] == []
