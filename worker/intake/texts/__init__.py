"""What the public pages say, in each language: one file per language, with the same keys.

The files are ours and may hold HTML; whatever is put in their `{places}` is escaped.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup

from worker.domain.leads import Language

Texts = Mapping[str, Mapping[str, Markup]]


@cache
def texts(language: Language) -> Texts:
    """All texts of a language, by page and name."""
    path = Path(__file__).parent / f"{language}.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return {page: {name: Markup(text) for name, text in table.items()} for page, table in data.items()}
