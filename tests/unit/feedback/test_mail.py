"""Mails that came back, in the shape in which real systems write them. Everybody in them is fictional."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.feedback import DeliveryEvent, EventKind
from worker.feedback.base import Reading
from worker.feedback.mail import Reply, own_words, read_mail
from worker.usecases.feedback.receive_reply import says_stop

MAILS = Path(__file__).parent / "mail"
SEND = "6a1c9c1e-3f5b-5b7e-9a41-0d2f4c8e7b10"
VERP = f"bounce+{SEND.replace('-', '')}@mail.albanyclinic.example.com"


def mail(name: str) -> bytes:
    return (MAILS / f"{name}.eml").read_bytes()


def the_event(raw: bytes, recipient: str = "") -> DeliveryEvent:
    found = read_mail(raw, recipient)
    assert isinstance(found, Reading)
    assert found.unmapped == ()
    (event,) = found.events
    return event


BOUNCES = {
    "postfix-unknown": (EventKind.HARD_BOUNCE, "5.1.1"),
    "postfix-delayed": (EventKind.DEFERRED, "4.4.1"),
    "postfix-expired-no-host": (EventKind.SOFT_BOUNCE, "4.4.1"),
    "postfix-of-yahoo": (EventKind.HARD_BOUNCE, "5.0.0"),
    "postfix-of-gmail-authentication": (EventKind.OUR_FAULT, "5.7.26"),
    "gmail-unknown": (EventKind.HARD_BOUNCE, "5.1.1"),
    "gmail-full": (EventKind.SOFT_BOUNCE, "4.2.2"),
    "exchange-unknown": (EventKind.HARD_BOUNCE, "5.1.10"),
    "exchange-edge-denied": (EventKind.HARD_BOUNCE, "5.4.1"),
    "outlook-authentication": (EventKind.OUR_FAULT, "5.7.515"),
    "yahoo-unknown": (EventKind.HARD_BOUNCE, "5.0.0"),
    "icloud-unknown": (EventKind.HARD_BOUNCE, "5.1.1"),
    "icloud-full": (EventKind.SOFT_BOUNCE, "5.2.2"),
    "ses-unknown": (EventKind.HARD_BOUNCE, "5.1.1"),
    "sendmail-quota": (EventKind.SOFT_BOUNCE, "5.2.2"),
    "qmail-unknown": (EventKind.HARD_BOUNCE, "5.1.1"),
    "qmail-remote": (EventKind.HARD_BOUNCE, ""),
    "exim-plain": (EventKind.HARD_BOUNCE, ""),
    "exim-report": (EventKind.HARD_BOUNCE, "5.0.0"),
    "exim-delayed": (EventKind.DEFERRED, ""),
    "delivered": (EventKind.DELIVERED, "2.0.0"),
    "complaint": (EventKind.COMPLAINED, "abuse"),
    "complaint-redacted": (EventKind.COMPLAINED, "abuse"),
    "complaint-headers-only": (EventKind.COMPLAINED, "fraud"),
    "complaint-opt-out": (EventKind.UNSUBSCRIBED, "opt-out"),
    "vacation-rfc3834": (EventKind.AUTO_REPLY, ""),
    "vacation-outlook": (EventKind.AUTO_REPLY, ""),
    "vacation-old": (EventKind.AUTO_REPLY, ""),
    "vacation-subject": (EventKind.AUTO_REPLY, ""),
    "vacation-spanish": (EventKind.AUTO_REPLY, ""),
    "vacation-null": (EventKind.AUTO_REPLY, ""),
}


@pytest.mark.parametrize("name", sorted(BOUNCES))
def test_a_system_s_mail_is_understood_and_finds_its_send(name: str) -> None:
    event = the_event(mail(name))

    assert (event.kind, event.code) == BOUNCES[name]
    assert event.send_id == SEND


@pytest.mark.parametrize("name", sorted(BOUNCES))
def test_it_is_understood_with_the_line_ends_of_the_wire_too(name: str) -> None:
    assert the_event(mail(name).replace(b"\n", b"\r\n")) == the_event(mail(name))


def test_every_recorded_mail_is_tried() -> None:
    others = {"complaint-not-spam", "complaint-new-type", "daemon-in-unknown-words", "daemon-of-others"}
    replies = {"mail-of-a-stranger", "new-mail-of-a-lead"}
    names = {path.stem for path in MAILS.glob("*.eml")}

    assert names == set(BOUNCES) | others | replies | {name for name in names if name.startswith("reply-")}


def test_the_address_that_it_came_back_to_decides_before_anything_in_it() -> None:
    raw = mail("postfix-unknown").replace(SEND.encode(), b"00000000-0000-5000-8000-000000000000")
    raw = raw.replace(VERP.encode(), b"postmaster@mail.albanyclinic.example.com")

    assert the_event(raw, VERP).send_id == SEND
    assert the_event(raw).send_id == "00000000-0000-5000-8000-000000000000"


def test_without_a_return_path_the_message_that_is_returned_tells() -> None:
    raw = mail("postfix-expired-no-host").replace(VERP.encode(), b"postmaster@mail.albanyclinic.example.com")

    assert the_event(raw).send_id == SEND


def test_the_words_of_our_own_email_decide_nothing() -> None:
    """The copy says "the mailbox is full of surprises"."""
    assert the_event(mail("qmail-unknown")).kind is EventKind.HARD_BOUNCE


def test_a_temporary_answer_never_makes_an_address_bad() -> None:
    raw = mail("exim-plain").replace(b"550 Unrouteable address", b"451 user unknown in our cache")

    assert the_event(raw).kind is EventKind.SOFT_BOUNCE


@pytest.mark.parametrize("name", ["daemon-of-others", "complaint-not-spam"])
def test_what_is_not_about_us_or_no_complaint_is_none_of_our_business(name: str) -> None:
    assert read_mail(mail(name)) == Reading()


@pytest.mark.parametrize("name", ["daemon-in-unknown-words", "complaint-new-type"])
def test_what_is_about_an_email_of_ours_and_not_understood_is_for_a_person(name: str) -> None:
    found = read_mail(mail(name))

    assert isinstance(found, Reading)
    assert len(found.unmapped) == 1


def test_a_robot_that_answers_nothing_of_ours_is_none_of_our_business() -> None:
    raw = mail("vacation-outlook").replace(SEND.encode(), b"x")

    assert read_mail(raw) is None


# --- people ---

WORDS = {
    "reply-gmail": "Yes, Thursday at two works for me. Thank you!\n\nMaya",
    "reply-outlook": "Could you call me instead?",
    "reply-html": "Please call me\nafter five.",
    "reply-crisis": "I do not want to live any more.",
    "reply-stop": "STOP",
}


@pytest.mark.parametrize("name", sorted(WORDS))
def test_a_reply_is_what_the_person_wrote_and_nothing_that_it_quotes(name: str) -> None:
    found = read_mail(mail(name))

    assert isinstance(found, Reply)
    assert found.text == WORDS[name]
    assert found.texts == (WORDS[name],)
    assert found.send_ids == (SEND,)
    assert found.address == "maya@example.com"


def test_words_between_and_below_the_quotes_are_theirs_too() -> None:
    found = read_mail(mail("reply-inline"))

    assert isinstance(found, Reply)
    assert "I want to die" in found.text
    assert "988" not in found.text


def test_a_new_mail_of_a_person_has_a_subject_of_their_own() -> None:
    found = read_mail(mail("new-mail-of-a-lead"))

    assert isinstance(found, Reply)
    assert found.send_ids == ()
    assert found.texts == ("A question", "Hello, what does it cost?")


@pytest.mark.parametrize("body", ["", "> only a quote", "On Mon, Mar 2, 2026 at 10:00 AM The Clinic wrote:\n> x"])
def test_a_reply_without_words_is_not_lost(body: str) -> None:
    assert isinstance(own_words(body), str)


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        "Unsubscribe",
        "please stop emailing me",
        "Remove me from this list.",
        "Opt-out",
        "  stop!  \nMaya",
    ],
)
def test_a_reply_that_says_only_stop_is_an_unsubscribe(text: str) -> None:
    assert says_stop(text)


@pytest.mark.parametrize(
    "text", ["Could I stop by on Monday?", "Stop by the clinic on Monday?", "I want to stop hurting", "", "Hello\nstop"]
)
def test_a_reply_that_says_more_is_read_by_a_person(text: str) -> None:
    assert not says_stop(text)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(path.stem for path in MAILS.glob("*.eml"))), st.data())
def test_no_damage_to_a_mail_stops_the_reading(name: str, data: st.DataObject) -> None:
    raw = mail(name)
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 200)))
    damaged = raw[:start] + data.draw(st.binary(max_size=40)) + raw[end:]

    assert isinstance(read_mail(damaged), Reading | Reply | None)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_stop_the_reading(raw: bytes) -> None:
    assert isinstance(read_mail(raw), Reading | Reply | None)
