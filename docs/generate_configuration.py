"""Writes docs/configuration.md from `worker.settings.Settings`, so that the two can't disagree (a test looks).

.venv/bin/python docs/generate_configuration.py
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from pydantic.fields import FieldInfo

from worker.settings import PREFIX, Settings

PAGE = Path(__file__).parent / "configuration.md"

HEAD = f"""# Configuration

<!-- Written by docs/generate_configuration.py from worker/settings.py. Change it there. -->

Every setting is an environment variable with the prefix `{PREFIX}`. Each may instead be given as `{PREFIX}…_FILE`, the
path of a file that holds the value; where both are given, the file wins. Use the file for anything secret: an
environment is inherited by every child process and shown by `docker inspect`.

Nothing needs to be set to try the product. What is wrong is named at the start, by its check id and without
its value; the ids are explained in [operators/README.md](operators/README.md#check-ids).

| Name | Default | Meaning |
| --- | --- | --- |
"""

FOOT = f"""
With `{PREFIX}ENV=production` the product refuses to start without `{PREFIX}DATABASE_URL`, `{PREFIX}REDIS_URL`,
`{PREFIX}SECRET_KEYS`, `{PREFIX}ESP_BAA_DATE`, an `https://` `{PREFIX}PUBLIC_URL` and a `{PREFIX}MAIL_URL` that
sends; with any `{PREFIX}CLOCK_SPEED` but 1; and with an `smtp://` address that turns TLS off.

`{PREFIX}MAIL_URL` in full: `smtp://USER:PASSWORD@HOST:587` speaks STARTTLS and insists on it,
`smtps://USER:PASSWORD@HOST:465` speaks TLS from the first byte. Percent-encode what is special in a URL (`@` in a
user name is `%40`). `?helo=NAME` sets the name we greet with; `?tls=none` sends in clear, for a relay on the
same machine, and never in production.
"""


def render() -> str:
    """The whole page."""
    return HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items()) + FOOT


def _row(name: str, field: FieldInfo) -> str:
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{PREFIX}{name.upper()}` | {_default(field)} | {meaning} |\n"


def _default(field: FieldInfo) -> str:
    value = field.default.value if isinstance(field.default, Enum) else field.default
    return "" if value in (None, "") else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    print(f"wrote {PAGE}")
