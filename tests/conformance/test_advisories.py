"""No locked package has a known weakness. Without a network the question can't be asked, and the test says so."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ANSWERED, FOUND, UNREACHABLE = "answered", "found", "unreachable"

ACCEPTED: dict[str, str] = {}
"""Advisories that don't concern us, by id, each with its reason."""


class NotAsked(UserWarning):
    """The advisory service did not answer."""


def judge(returncode: int, output: str, errors: str) -> tuple[str, list[str]]:
    """What pip-audit's end means: its answer names each package; no answer means that nobody was asked."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        return UNREACHABLE, [errors.strip().splitlines()[-1] if errors.strip() else f"exit {returncode}"]
    known = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in {weakness['fix_versions'] or 'none'}"
        for package in packages
        for weakness in package.get("vulns", ())
        if weakness["id"] not in ACCEPTED
    ]
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    if skipped and not known:
        return UNREACHABLE, [f"{len(skipped)} of {len(packages)} packages were not answered for: {skipped[0]}"]
    return (FOUND if known else ANSWERED), known


@pytest.mark.timeout(180)
def test_no_locked_package_has_a_known_weakness() -> None:
    program = Path(sys.executable).with_name("pip-audit")
    words = ["--requirement", "requirements.lock", "--require-hashes", "--disable-pip", "--no-deps"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run(
            [program, *words, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=90
        )
        result, said = judge(done.returncode, done.stdout, done.stderr)
    except subprocess.TimeoutExpired:
        result, said = UNREACHABLE, ["no answer within 90 s"]
    assert result != FOUND, said
    if result == UNREACHABLE:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(f"NOT CHECKED for known weaknesses: {said[0][:200]}", NotAsked, stacklevel=1)


WEAK = {"name": "jinja2", "version": "2.0", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}]}
SKIPPED = {"name": "amqp", "skip_reason": "Dependency not found on PyPI"}
FINE = {"name": "jinja2", "version": "3.1.6", "vulns": []}


@pytest.mark.parametrize(
    ("returncode", "output", "meaning"),
    [
        (0, json.dumps({"dependencies": [FINE]}), ANSWERED),
        (1, json.dumps({"dependencies": [FINE, WEAK]}), FOUND),
        (0, json.dumps({"dependencies": [WEAK]}), FOUND),
        (0, json.dumps({"dependencies": [SKIPPED]}), UNREACHABLE),
        (1, json.dumps({"dependencies": [SKIPPED, WEAK]}), FOUND),
        (1, "", UNREACHABLE),
        (1, "{}", UNREACHABLE),
    ],
)
def test_a_known_weakness_fails_and_silence_does_not(returncode: int, output: str, meaning: str) -> None:
    assert judge(returncode, output, "ConnectionError: no route")[0] == meaning
