"""`/embed.js?form=KEY`: a script that makes a page's form patient, or puts one there.

It keeps what was typed and tries again while we can't be reached, under one idempotency key for a page view; shows
which field is wrong; and in a crisis shows 988 instead of thanks. It sets no cookie, stores nothing and asks nobody
else. A page whose form posts to us by itself works the same without it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from worker.domain.clinic import Clinic
from worker.domain.forms import Form
from worker.domain.leads import Location
from worker.intake.embed.words import WORDS

_HERE = Path(__file__).parent
_SAID = ("sending", "check", "later", "thanks")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
    )


@cache
def _program() -> str:
    """The script, without its indentation: every reader of the page loads it."""
    return "".join(line.strip() + "\n" for line in (_HERE / "embed.js").read_text(encoding="utf-8").splitlines())


def embed_script(form: Form, clinic: Clinic) -> str:
    """The script for one form. It posts to wherever it was loaded from."""
    words = WORDS[form.language]
    values = {
        "form": form,
        "words": words,
        "places": clinic.places_of(Location.UNDECIDED),
    }
    settings = {
        "form": form.key,
        "lang": form.language,
        "thanks": form.thank_you or "",
        "html": _environment().get_template("form.html").render(values).replace("\n", ""),
        "crisis": _environment().get_template("crisis.html").render(values),
        "words": {name: words[name] for name in _SAID},
    }
    return _program().replace("CONFIG", json.dumps(settings, ensure_ascii=False, separators=(",", ":")))
