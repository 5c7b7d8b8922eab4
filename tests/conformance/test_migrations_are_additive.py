"""While a release is rolled out, processes of the one before go on working on the migrated tables.

So a migration only adds: nothing that an older process reads or writes is taken away, renamed or changed, and a new
column needs nothing from a process that does not know it. What is no longer used is dropped a release later, by adding
its name to `LATER` with the release that stopped using it.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

VERSIONS = Path(__file__).resolve().parents[2] / "worker" / "storage" / "migrations" / "versions"
TAKES_AWAY = {"drop_column", "drop_table", "alter_column", "rename_table", "drop_constraint"}
LATER: frozenset[str] = frozenset()


def steps(source: str) -> list[ast.Call]:
    """Every `op.…` call of an upgrade."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    going_up = [function for function in functions if function.name != "downgrade"]
    calls = [node for function in going_up for node in ast.walk(function) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Attribute)]


def what_breaks_the_release_before(source: str) -> list[str]:
    found = []
    for call in steps(source):
        assert isinstance(call.func, ast.Attribute)
        words = ast.unparse(call)
        if call.func.attr in TAKES_AWAY and words not in LATER:
            found.append(words)
        if call.func.attr == "add_column" and isinstance(column := call.args[1], ast.Call):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
            if given.get("nullable") == "False" and "server_default" not in given:
                found.append(words)
    return found


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("00*.py"))[1:], ids=lambda file: file.stem)
def test_a_process_of_the_release_before_works_on_the_migrated_tables(file: Path) -> None:
    assert what_breaks_the_release_before(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "step",
    [
        'op.drop_column("leads", "status")',
        'op.rename_table("leads", "people")',
        'op.alter_column("leads", "status", nullable=False)',
        'op.add_column("leads", sa.Column("shoe_size", sa.Text(), nullable=False))',
    ],
)
def test_a_step_that_an_older_process_would_not_survive_is_found(step: str) -> None:
    assert what_breaks_the_release_before(f"def upgrade():\n    {step}\n") != []


def test_a_column_with_a_default_and_a_way_down_are_fine() -> None:
    assert (
        what_breaks_the_release_before(
            "def upgrade():\n"
            '    op.add_column("leads", sa.Column("pages", sa.Integer(), server_default="0", nullable=False))\n'
            "def downgrade():\n"
            '    op.drop_column("leads", "pages")\n'
        )
        == []
    )
