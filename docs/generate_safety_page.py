"""Writes the figures into docs/safety.md from the corpora, so that the page tells what the patterns do (a test looks).

.venv/bin/python docs/generate_safety_page.py
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from worker.content.catalog import read_content_files
from worker.content.load import load_catalog
from worker.domain.safety import CrisisPatterns, CrisisTier, screen
from worker.settings import ROOT, TEMPLATES

PAGE = ROOT / "docs" / "safety.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
CORPORA = {"known to its makers": "crisis_corpus.toml", "never seen before": "crisis_heldout.toml"}
CLASSES = {
    "acute": "someone in danger now",
    "review": "the past, someone else, a warning sign",
    "spanish": "either, in Spanish",
    "disguised": "either, misspelled or disguised",
    "figures": "figures of speech",
    "benign": "ordinary messages",
}
QUIET = {"figures", "benign"}


def read_corpus(name: str) -> dict[str, list[str]]:
    """A corpus by class."""
    path: Path = ROOT / "tests" / "unit" / name
    return tomllib.loads(path.read_text(encoding="utf-8"))


def tiers(texts: list[str], patterns: CrisisPatterns) -> list[CrisisTier | None]:
    """What each text reaches."""
    return [screen([text], patterns) for text in texts]


def figures() -> str:
    """The table, and what was missed among the sentences that were never seen before."""
    patterns = load_catalog(read_content_files(TEMPLATES)).crisis
    lines = [
        "| sentences | class | how many | paged at once | for review | nothing said |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    wrong: dict[str, list[str]] = {"Missed": [], "Said something without need": []}
    for title, name in CORPORA.items():
        for key, texts in read_corpus(name).items():
            found = tiers(texts, patterns)
            counts = [found.count(tier) for tier in (CrisisTier.ACUTE, CrisisTier.REVIEW, None)]
            row = [title, CLASSES[key], len(texts), *(f"{count} ({count / len(texts):.0%})" for count in counts)]
            lines.append(f"| {' | '.join(map(str, row))} |")
            if name == CORPORA["never seen before"]:
                pairs = list(zip(texts, found, strict=True))
                wrong["Missed"] += [text for text, tier in pairs if key not in QUIET and tier is None]
                wrong["Said something without need"] += [text for text, tier in pairs if key in QUIET and tier]
    for title, texts in wrong.items():
        lines += ["", f"{title}, among the sentences never seen before:", "", *(f"- {text}" for text in texts)]
    return "\n".join(lines)


def render(page: str) -> str:
    """The page with its figures brought up to date."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{figures()}\n\n{END}", page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}")
