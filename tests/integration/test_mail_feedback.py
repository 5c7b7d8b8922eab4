"""Mail that came back: bounces on their sends, people's replies to the front desk, from a pipe or a real mailbox."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support.databases import Databases
from tests.support.imap import ImapServer, running_imap
from tests.support.world import World
from worker.errors import ConfigurationError
from worker.feedback.imap import open_mailboxes
from worker.storage import submissions, suppressions, tables
from worker.usecases.feedback.feedback_status import read_feedback
from worker.usecases.feedback.poll_mailbox import poll_mailboxes
from worker.usecases.feedback.receive_mail import receive_mail

MAILS = Path(__file__).parents[1] / "unit" / "feedback" / "mail"
RECORDED = "6a1c9c1e-3f5b-5b7e-9a41-0d2f4c8e7b10"


def mail(name: str, send_id: str) -> bytes:
    """A recorded mail, about this send."""
    raw = (MAILS / f"{name}.eml").read_bytes()
    return raw.replace(RECORDED.encode(), send_id.encode()).replace(
        RECORDED.replace("-", "").encode(), send_id.replace("-", "").encode()
    )


@pytest.fixture(scope="module")
def databases(sqlite_databases: Databases) -> Databases:
    """SQLite alone: what is asked of the database here is tried on both elsewhere."""
    return sqlite_databases


@pytest.fixture
def maya(world: World) -> tuple[str, str]:
    """A lead and her acknowledgement, sent."""
    lead_id = world.lead_from()
    world.deliver()
    return lead_id, world.send("acknowledgement", lead_id)["id"]


def alert_kinds(world: World) -> list[str]:
    return sorted(row["kind"] for row in world.rows(tables.alerts) if row["kind"] != "new_lead")


def planned(world: World, lead_id: str) -> list[str]:
    return [row["email"] for row in world.sends(lead_id) if row["state"] == "planned"]


def scopes(world: World) -> set[str]:
    hashed = str(world.services.vault.email_hash("maya@example.com"))
    with world.database.read() as connection:
        return set(suppressions.scopes(connection, [hashed]).get(hashed, ()))


def counted(world: World) -> dict[str, int]:
    return {row["kind"]: row["count"] for row in world.rows(tables.feedback_counts)}


# --- bounces --------------------------------------------------------------------------------------------------


def test_a_bounce_stops_the_address_once_by_whatever_ways_it_comes(world: World, maya: tuple[str, str]) -> None:
    lead_id, send_id = maya

    for _ in range(3):
        receive_mail(world.services, mail("postfix-unknown", send_id))

    assert scopes(world) == {"all"}
    assert planned(world, lead_id) == []
    assert counted(world) == {"hard_bounce": 1}
    assert alert_kinds(world) == ["address_bad"]


def test_a_complaint_by_mail_stops_everything(world: World, maya: tuple[str, str]) -> None:
    receive_mail(world.services, mail("complaint-redacted", maya[1]))

    assert scopes(world) == {"all"}


def test_a_vacation_notice_is_noted_and_ends_nothing(world: World, maya: tuple[str, str]) -> None:
    lead_id, send_id = maya

    receive_mail(world.services, mail("vacation-outlook", send_id))

    assert planned(world, lead_id) != []
    assert world.lead(lead_id)["status"] == "new"
    assert alert_kinds(world) == []
    assert [entry["detail"]["event"] for entry in world.story(lead_id, "feedback")] == ["auto_reply"]


def test_what_is_about_our_email_and_in_unknown_words_is_parked_sealed(world: World, maya: tuple[str, str]) -> None:
    receive_mail(world.services, mail("daemon-in-unknown-words", maya[1]))

    (item,) = world.rows(tables.parked)
    assert (item["kind"], item["code"]) == ("feedback", "mail_unknown_bounce")
    assert alert_kinds(world) == ["feedback_parked"]


# --- replies --------------------------------------------------------------------------------------------------


def test_a_reply_ends_the_sequence_and_becomes_the_front_desk_s_task(world: World, maya: tuple[str, str]) -> None:
    lead_id, send_id = maya

    for _ in range(3):
        receive_mail(world.services, mail("reply-gmail", send_id))
    world.run()

    assert world.lead(lead_id)["status"] == "replied"
    assert [row["email"] for row in world.sends(lead_id) if row["state"] == "sent"] == ["acknowledgement"]
    assert alert_kinds(world) == ["replied"]
    assert len(world.story(lead_id, "replied")) == 1
    assert world.lead(lead_id)["waiting_since"] is not None
    assert scopes(world) == set()


def test_the_words_of_a_reply_are_kept_sealed_as_the_lead_s_own(world: World, maya: tuple[str, str]) -> None:
    lead_id, send_id = maya

    receive_mail(world.services, mail("reply-gmail", send_id))

    with world.database.read() as connection:
        stored = submissions.of_lead(connection, lead_id)[-1]
    assert stored["form"] == "reply"
    opened = submissions.open_stored(stored, world.services.ring)
    assert opened.first("message") == "Yes, Thursday at two works for me. Thank you!\n\nMaya"
    held = [str(world.rows(table)) for table in tables.metadata.sorted_tables]
    assert not any("Thursday" in text or "maya@example.com" in text for text in held)


def test_a_reply_in_crisis_holds_all_nurture_and_pages_staff(world: World, maya: tuple[str, str]) -> None:
    lead_id, send_id = maya

    receive_mail(world.services, mail("reply-crisis", send_id))

    assert world.lead(lead_id)["hold_reason"] == "crisis_acute"
    assert alert_kinds(world) == ["crisis", "replied"]


def test_the_help_lines_that_a_reply_quotes_are_no_crisis(world: World, maya: tuple[str, str]) -> None:
    lead_id, send_id = maya

    for name in ("reply-gmail", "reply-outlook", "reply-html"):
        receive_mail(world.services, mail(name, send_id))

    assert world.lead(lead_id)["hold_reason"] is None
    assert len(world.story(lead_id, "replied")) == 3


def test_crisis_below_the_quote_is_seen(world: World, maya: tuple[str, str]) -> None:
    receive_mail(world.services, mail("reply-inline", maya[1]))

    assert world.lead(maya[0])["hold_reason"] == "crisis_acute"


def test_a_reply_that_says_stop_is_an_unsubscribe_too(world: World, maya: tuple[str, str]) -> None:
    receive_mail(world.services, mail("reply-stop", maya[1]))

    assert scopes(world) == {"nurture"}
    assert alert_kinds(world) == ["replied"]


def test_a_new_mail_of_a_lead_is_known_by_its_address(world: World, maya: tuple[str, str]) -> None:
    receive_mail(world.services, mail("new-mail-of-a-lead", maya[1]))

    assert world.lead(maya[0])["status"] == "replied"


@pytest.mark.parametrize("name", ["mail-of-a-stranger", "reply-of-the-clinic", "daemon-of-others"])
def test_strangers_and_the_clinic_itself_are_none_of_our_business(
    world: World, maya: tuple[str, str], name: str
) -> None:
    receive_mail(world.services, mail(name, maya[1]))

    assert counted(world) == {"not_ours": 1}
    assert world.lead(maya[0])["status"] == "new"
    assert world.count(tables.parked) == 0


def test_a_patient_who_replies_stays_a_patient(world: World, maya: tuple[str, str]) -> None:
    world.execute(tables.leads.update().values(status="patient"))

    receive_mail(world.services, mail("reply-gmail", maya[1]))

    assert world.lead(maya[0])["status"] == "patient"


def test_a_reply_proves_that_an_unknown_send_arrived(world: World, maya: tuple[str, str]) -> None:
    world.execute(tables.sends.update().where(tables.sends.c.id == maya[1]).values(state="unknown", sent_at=None))

    receive_mail(world.services, mail("reply-gmail", maya[1]))

    assert world.send("acknowledgement", maya[0])["state"] == "sent"


# --- a mail server's pipe -------------------------------------------------------------------------------------


def pipe(folder: Path, raw: bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("NURTURE_")}
    given |= {"NURTURE_STATE_DIR": str(folder), "NURTURE_REDIS_URL": "redis://127.0.0.1:1", **environment}
    words = [sys.executable, "-m", "worker.cli", "feedback", "read"]
    return subprocess.run(words, input=raw, env=given, capture_output=True, check=False, timeout=50)


def test_a_mail_server_s_pipe_records_a_bounce_by_the_address_that_it_was_delivered_to(
    world: World, world_url: str, maya: tuple[str, str]
) -> None:
    key = ",".join(f"{name}:{base64.b64encode(value).decode()}" for name, value in world.services.ring.keys.items())
    raw = mail("postfix-unknown", RECORDED)  # about another send, but for the address
    to = f"bounce+{maya[1].replace('-', '')}@mail.albanyclinic.example.com"

    done = pipe(world.folder, raw, NURTURE_DATABASE_URL=world_url, NURTURE_SECRET_KEYS=key, ORIGINAL_RECIPIENT=to)

    assert (done.returncode, done.stdout) == (0, b"")
    assert scopes(world) == {"all"}
    assert b"maya" not in done.stderr


def test_while_the_database_is_away_the_mail_server_keeps_the_mail(tmp_path: Path) -> None:
    done = pipe(tmp_path, mail("postfix-unknown", RECORDED))

    assert done.returncode == 75
    assert b"maya" not in done.stderr


# --- a mailbox ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _imap() -> Iterator[ImapServer]:
    with running_imap() as server:
        yield server


@pytest.fixture
def imap(_imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> ImapServer:
    monkeypatch.setenv("SSL_CERT_FILE", str(_imap.certificate.chain))
    _imap.empty()
    return _imap


def watch(world: World, imap: ImapServer, query: str = "") -> None:
    world.services.mailboxes = open_mailboxes(imap.url(query), production=True)


def test_a_mailbox_is_read_from_where_it_was_left_and_nothing_in_it_is_touched(
    world: World, maya: tuple[str, str], imap: ImapServer
) -> None:
    watch(world, imap)
    imap.put(mail("mail-of-a-stranger", maya[1]), mail("vacation-outlook", maya[1]))

    assert poll_mailboxes(world.services) == {"not_ours": 1, "auto_reply": 1}
    assert poll_mailboxes(world.services) == {}
    imap.put(mail("reply-gmail", maya[1]))
    assert poll_mailboxes(world.services) == {"replied": 1}

    assert len(imap.flags()) == 3
    assert not any(b"\\Seen" in flags or b"\\Deleted" in flags for flags in imap.flags())
    assert counted(world)["polled"] == 3


def test_a_mailbox_of_the_product_s_own_is_emptied_of_what_was_ours(
    world: World, maya: tuple[str, str], imap: ImapServer
) -> None:
    watch(world, imap, "?then=delete")
    imap.put(mail("postfix-unknown", maya[1]), mail("mail-of-a-stranger", maya[1]), mail("complaint", maya[1]))

    poll_mailboxes(world.services)

    assert len(imap.flags()) == 1, "what is none of our business stays"
    assert scopes(world) == {"all"}


def test_what_can_not_be_recorded_stays_in_the_mailbox_and_is_read_again(
    world: World, maya: tuple[str, str], imap: ImapServer
) -> None:
    watch(world, imap, "?then=delete")
    imap.put(mail("postfix-unknown", maya[1]))
    engine = world.services.database.engine
    world.execute(text("alter table feedback_counts rename to taken_away"))
    with pytest.raises(Exception, match="feedback_counts"):
        poll_mailboxes(world.services)
    engine.dispose()
    assert len(imap.flags()) == 1

    world.execute(text("alter table taken_away rename to feedback_counts"))
    poll_mailboxes(world.services)

    assert scopes(world) == {"all"}
    assert imap.flags() == []


def test_a_mailbox_never_read_before_begins_a_week_ago(world: World, maya: tuple[str, str], imap: ImapServer) -> None:
    watch(world, imap)
    imap.put(mail("reply-gmail", maya[1]), at=datetime.now(UTC) - timedelta(days=30))
    imap.put(mail("vacation-outlook", maya[1]))

    assert poll_mailboxes(world.services) == {"auto_reply": 1}


def test_a_user_s_name_and_password_may_hold_any_characters(world: World, imap: ImapServer) -> None:
    spaced = imap.url().replace("carbondale%40albanyclinic.example.com", "front%20desk%20%22Zo%C3%AB%22")
    world.services.mailboxes = open_mailboxes(spaced, production=True)

    assert "unreachable" not in poll_mailboxes(world.services)


def silent(world: World) -> int:
    with world.database.read() as connection:
        return read_feedback(connection).mailboxes_silent


def test_a_mailbox_that_does_not_answer_or_knows_us_not_is_counted(world: World, imap: ImapServer) -> None:
    urls = f"{imap.url().replace('secret', 'wrong')},imaps://user:secret@127.0.0.1:1/INBOX"
    world.services.mailboxes = open_mailboxes(urls, production=True)

    assert poll_mailboxes(world.services) == {"unreachable": 2}
    assert [(row["kind"], row["count"]) for row in world.rows(tables.feedback_counts)] == [("unreachable", 1)] * 2
    assert silent(world) == 2
    world.services.mailboxes = open_mailboxes(imap.url(), production=True)
    poll_mailboxes(world.services)
    assert silent(world) == 1, "the one whose password was mended was read"


def test_a_mailbox_whose_certificate_nobody_vouches_for_is_not_read(
    world: World, imap: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(world, imap)
    monkeypatch.delenv("SSL_CERT_FILE")

    assert poll_mailboxes(world.services) == {"unreachable": 1}


@pytest.mark.parametrize(
    "url",
    ["imap://user:hunter2@mail.example.com", "pop3://user:hunter2@mail.example.com", "imaps://mail.example.com",
     "imaps://user:hunter2@mail.example.com/INBOX?then=burn", "imap://user:hunter2@mail.example.com?tls=none",
     "imaps://user:half@mail.example.com:hunter2/INBOX", "imaps://user:hunter2@[mail.example.com/INBOX"],
)  # fmt: skip
def test_a_mailbox_that_is_none_is_refused_and_its_password_never_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="NRT-E041") as caught:
        open_mailboxes(url, production=True)
    assert "hunter2" not in str(caught.value)
    (here,) = open_mailboxes("imap://user:hunter2@127.0.0.1?tls=none", production=False)
    assert "hunter2" not in repr(here)
