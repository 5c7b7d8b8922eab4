"""Style, types and import direction are rules of the suite, so that one command says whether all is well."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PYTHON_FILES = [
    "worker",
    "tests",
    "dev.py",
    *[name for name in ("bench", "celeryconfig.py") if (ROOT / name).exists()],
]


def check(tool: str, *words: str) -> None:
    """Fails with what the tool says, and nothing else."""
    done = subprocess.run([BIN / tool, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join([" ".join(["$", tool, *words]), done.stdout.strip(), done.stderr.strip()])
        pytest.fail(said, pytrace=False)


def test_ruff_finds_nothing() -> None:
    check("ruff", "check", "--output-format=concise", *PYTHON_FILES)


def test_every_file_is_formatted() -> None:
    check("ruff", "format", "--check", "--output-format=concise", *PYTHON_FILES)


@pytest.mark.timeout(300)  # without its cache it reads the types of every package we use
def test_types_are_strict() -> None:
    check("mypy", "--strict", "worker")


def test_imports_point_one_way() -> None:
    check("lint-imports", "--no-logo")


def imported_modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_the_domain_imports_the_standard_library_and_our_errors_only() -> None:
    allowed = {*sys.stdlib_module_names, "worker.domain", "worker.errors"}
    foreign = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in sorted((ROOT / "worker" / "domain").rglob("*.py"))
        for name in imported_modules(file)
        if name.partition(".")[0] not in allowed and ".".join(name.split(".")[:2]) not in allowed
    ]

    assert foreign == []


def test_the_launcher_imports_the_standard_library_only() -> None:
    """It runs before anything is installed."""
    foreign = [
        name for name in imported_modules(ROOT / "dev.py") if name.partition(".")[0] not in sys.stdlib_module_names
    ]

    assert foreign == []


LOCKS = ["requirements.lock", "requirements-dev.lock"]


def locked(name: str) -> dict[str, str]:
    """Every package of a lock file with its version and hashes."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())
    return {re.split(r"[=\s]", entry, maxsplit=1)[0]: entry for entry in entries}


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_one_version_and_a_hash(name: str) -> None:
    loose = [package for package, entry in locked(name).items() if "==" not in entry or "--hash=sha256:" not in entry]

    assert loose == []
    assert "://" not in (ROOT / name).read_text(), "a lock file names no place to download from"


def test_the_development_lock_holds_the_run_time_lock() -> None:
    assert locked(LOCKS[0]).items() <= locked(LOCKS[1]).items()
