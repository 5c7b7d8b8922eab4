"""django-post-office and django-mailer on the same messages: run by the Python of the peers' own environment.

    python django_peers.py {post_office|mailer} {prepare|queue|send} MESSAGE.json COUNT

`send` prints how many seconds it took. Both keep their defaults; post-office gets two processes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import django  # type: ignore[import-not-found]
from django.conf import settings  # type: ignore[import-not-found]
from django.core.management import call_command  # type: ignore[import-not-found]
from django.template import Context, Template  # type: ignore[import-not-found]

FROM = "hello@mail.albanyclinic.example.com"


def configure() -> None:
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["BENCH_DB"], "USER": "postgres"}
    settings.configure(
        DATABASES={"default": database | {"HOST": os.environ["BENCH_DB_HOST"]}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "post_office", "mailer"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        SECRET_KEY="for this run only",
        USE_TZ=True,
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates"},
            {"BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates", "NAME": "post_office"},
        ],
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=int(os.environ["BENCH_SMTP"]),
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        LOGGING_CONFIG=None,
    )
    django.setup()


def prepare(peer: str, message: dict[str, str]) -> None:
    call_command("migrate", verbosity=0)
    if peer == "post_office":
        from post_office.models import EmailTemplate  # type: ignore[import-not-found]

        EmailTemplate.objects.create(
            name="letter", subject=message["subject"], content=message["text"], html_content=message["html"]
        )


def queue(peer: str, message: dict[str, str], count: int) -> None:
    people = [(f"lead{number}@example.com", values(number)) for number in range(count)]
    if peer == "post_office":
        from post_office import mail  # type: ignore[import-not-found]

        mail.send_many(
            [
                {
                    "recipients": address,
                    "sender": FROM,
                    "template": "letter",
                    "context": each,
                    "render_on_delivery": True,
                }
                for address, each in people
            ]
        )
        return
    from mailer import send_html_mail  # type: ignore[import-not-found]

    text, html = Template(message["text"]), Template(message["html"])
    for address, each in people:
        send_html_mail(message["subject"], text.render(Context(each)), html.render(Context(each)), FROM, [address])


def send(peer: str) -> None:
    if peer == "post_office":
        call_command("send_queued_mail", processes=2, log_level=0)
        return
    from mailer.engine import send_all  # type: ignore[import-not-found]

    send_all()


def left(peer: str) -> int:
    """How many are still to be sent."""
    if peer == "post_office":
        from post_office.models import STATUS, Email

        return int(Email.objects.exclude(status=STATUS.sent).count())
    from mailer.models import Message  # type: ignore[import-not-found]

    return int(Message.objects.count())


def values(number: int) -> dict[str, Any]:
    link = f"https://mail.albanyclinic.example.com/u/{number}"
    return {"greeting": "Hello Maya", "unsubscribe": link, "choose": link, "confirm": link}


def main() -> None:
    peer, phase, path, count = sys.argv[1:]
    message = json.loads(Path(path).read_text(encoding="utf-8"))
    configure()
    if phase == "prepare":
        prepare(peer, message)
    elif phase == "queue":
        queue(peer, message, int(count))
    else:
        begun = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            send(peer)
        seconds = time.perf_counter() - begun
        print(json.dumps({"seconds": seconds, "left": left(peer)}))


if __name__ == "__main__":
    main()
