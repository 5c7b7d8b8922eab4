"""`/embed.js?form=KEY`: a script that makes a page's form patient, or puts one there.

It keeps what was typed and tries again while we can't be reached, under one idempotency key for a page view; shows
which field is wrong; and in a crisis shows 988 instead of thanks. It sets no cookie, stores nothing and asks nobody
else, unless the form wants a CAPTCHA: then it brings the vendor's, gives it ten seconds, and posts without where it
does not come. A page whose form posts to us by itself works the same without it.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from worker.domain.clinic import Clinic
from worker.domain.forms import CAPTCHA_FIELD, Form
from worker.domain.leads import Location
from worker.intake.captcha import SCRIPT
from worker.intake.texts import texts

_HERE = Path(__file__).parent
_SAID = ("check", "later", "thanks")
_SPACES = re.compile(r"\s*([-{}()=,;:+*?|&<>])\s*")
"""Around these a script needs none where every statement ends with a semicolon; a text of nothing but a space stays."""


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
    )


@cache
def _program(name: str) -> str:
    """A script of ours, without spaces that only we read: every reader of the page loads it."""
    return _SPACES.sub(r"\1", (_HERE / name).read_text(encoding="utf-8").strip()).replace(";}", "}")


def embed_script(form: Form, clinic: Clinic, captcha_key: str = "") -> str:
    """The script for one form, with a CAPTCHA where there is a key for it. It posts to wherever it was loaded from."""
    said = texts(form.language)
    values = {"form": form, "t": said, "places": clinic.places_of(Location.UNDECIDED)}
    settings = {
        "form": form.key,
        "next": form.thank_you or "",
        "html": _environment().get_template("form.html").render(values).replace("\n", ""),
        "crisis": _environment().get_template("crisis.html").render(values).replace("\n", ""),
        "sending": said["form"]["sending"],
        **{name: said["embed"][name] for name in _SAID},
    }
    program, captcha = _program("embed.js"), ""
    if captcha_key:
        settings["captcha"] = captcha_key
        captcha = _program("captcha.js").replace("VENDOR", SCRIPT).replace("FIELD", CAPTCHA_FIELD)
    config = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    return program.replace("CAPTCHA;", captcha).replace("CONFIG", config)
