"""A message is put together from what was encoded once and what is one person's own; it reads as if written whole."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest
from abnf.grammars import rfc5322
from abnf.parser import ParseError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.shipped import catalog, renderer, uses
from tests.unit.test_mime import LETTER, read_headers, read_mailbox, read_quoted_printable, read_strictly, read_words
from worker.delivery.fields import fields_of
from worker.delivery.mime import build
from worker.delivery.quoted import Quoted
from worker.domain.ids import new_id
from worker.storage.leads import Identity
from worker.storage.sealing import LookupKey
from worker.usecases.sending.compose import compose, render_send

URL = "https://leads.albanyclinic.example.com"
LOOKUP = LookupKey(bytes(range(32)))
AT = datetime(2026, 3, 4, 18, 0, 1, tzinfo=UTC)
USES = sorted(uses(), key=str)

first_names = st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)


def send_of(use: tuple[Any, ...], send_id: str) -> dict[str, Any]:
    email_id, location, sequence = use
    return {"id": send_id, "lead_id": new_id(), "email": email_id, "location": location, "sequence": sequence,
            "kind": "nurture" if sequence else "acknowledgement"}  # fmt: skip


def person(first_name: str | None) -> Identity:
    return Identity(email="maya.o'neil+x@example.com", phone=None, first_name=first_name, last_name=None)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(USES), first_names)
def test_both_parts_read_as_the_plain_render_of_this_person(use: tuple[Any, ...], name: str | None) -> None:
    send = send_of(use, new_id())
    message = compose(renderer(), send, person(name), LOOKUP, URL, AT)
    plain = render_send(renderer(), send, person(name), LOOKUP, URL)

    assert [content for _, content in read_strictly(message.content).parts] == [plain.text, plain.html]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(USES), first_names)
def test_the_fields_that_go_along_are_those_of_the_finished_message(use: tuple[Any, ...], name: str | None) -> None:
    message = compose(renderer(), send_of(use, new_id()), person(name), LOOKUP, URL, AT)

    assert message.parts is not None
    assert message.fields == fields_of(message.content)


pieces = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=200)
"""Any text, with line ends, blanks, dots and equals signs in every place."""

tricky = st.text("a =.\n\té=E9-", max_size=160)


@settings(max_examples=1500, deadline=None)
@given(st.lists(pieces | tricky, min_size=1, max_size=7), st.lists(pieces | tricky, min_size=6, max_size=6))
def test_gaps_are_filled_without_a_trace(constants: list[str], values: list[str]) -> None:
    gaps = [str(number) for number in range(len(constants) - 1)]
    woven = [piece for pair in zip(constants, [*gaps, ""], strict=True) for piece in pair][:-1]
    filled = dict(zip("012345", values, strict=True))

    encoded = Quoted.of(woven).filled(filled)

    whole = "".join(constant + filled.get(gap, "") for constant, gap in zip(constants, [*gaps, ""], strict=True))
    assert read_quoted_printable(encoded) == whole


def test_a_value_that_stands_twice_is_filled_in_twice() -> None:
    assert (
        read_quoted_printable(Quoted.of(["a", "x", "b", "x", ""]).filled({"x": "1" * 90})) == f"a{'1' * 90}b{'1' * 90}"
    )


@pytest.mark.parametrize("length", range(70, 82))
@pytest.mark.parametrize("last", ["x", "é", "=", " "])
def test_a_gap_at_the_end_of_a_full_line_keeps_the_line_short(length: int, last: str) -> None:
    text = "x" * (length - 1) + last

    assert read_quoted_printable(Quoted.of([text, "gap", text]).filled({"gap": text})) == text * 3


# --- the grammar of RFC 5322, by another hand ---

GRAMMAR = {
    "From": "from",
    "To": "to",
    "Reply-To": "reply-to",
    "Subject": "subject",
    "Date": "orig-date",
    "Message-ID": "message-id",
}


@cache
def follows(rule: str, line: str) -> bool:
    try:
        rfc5322.Rule(rule).parse_all(line)
    except ParseError:
        return False
    return True


def headers_of(content: bytes) -> list[str]:
    """Each header as it stands, folded lines and all."""
    return re.split(r"\r\n(?![ \t])", content.decode("ascii").split("\r\n\r\n", 1)[0])


def test_every_header_of_every_message_of_the_library_follows_the_grammar() -> None:
    wrong = []
    for use in USES:
        for persona in catalog().personas.values():
            send = send_of(use, "6a1c9c1e-3f5b-5b7e-9a41-0d2f4c8e7b10")
            content = compose(renderer(), send, person(persona.first_name), LOOKUP, URL, AT).content
            for header in headers_of(content):
                name = header.partition(":")[0]
                if not follows(GRAMMAR.get(name, "optional-field"), header + "\r\n"):
                    wrong.append((use, header))
    assert wrong == []


@pytest.mark.parametrize("header", ["From: a b@example.com", "Date: yesterday", "Message-ID: x@example.com", "To: <>"])
def test_the_grammar_refuses_what_is_wrong(header: str) -> None:
    assert not follows(GRAMMAR[header.partition(":")[0]], header + "\r\n")


def test_the_return_path_names_the_send_in_the_form_that_filters_know() -> None:
    send = send_of(USES[0], new_id())
    message = compose(renderer(), send, person("Maya"), LOOKUP, URL, AT)

    assert re.fullmatch(r"bounce\+[0-9a-f]{32}@[a-z.]+\.example\.com", message.envelope_from)
    assert message.envelope_from.partition("@")[0].removeprefix("bounce+") == send["id"].replace("-", "")


def test_the_same_send_is_the_same_bytes_and_another_is_not() -> None:
    send = send_of(USES[0], new_id())
    first = compose(renderer(), send, person("Maya"), LOOKUP, URL, AT)

    assert compose(renderer(), send, person("Maya"), LOOKUP, URL, AT) == first
    assert compose(renderer(), send, person("Maya"), LOOKUP, URL, AT + timedelta(seconds=1)) != first
    assert compose(renderer(), {**send, "id": new_id()}, person("Maya"), LOOKUP, URL, AT) != first


def test_an_address_that_is_not_ascii_never_leaves() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the send is held as broken, whatever the words
        compose(renderer(), send_of(USES[0], new_id()), Identity(email="zoë@example.com"), LOOKUP, URL, AT)


# --- the way back, for providers that want fields ---


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=120).map(str.strip),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60),
    pieces,
)
def test_a_message_taken_apart_says_what_it_was_made_of(subject: str, name: str, body: str) -> None:
    letter = replace(LETTER, subject=subject, from_name=name.strip() or "x", text=body, html=body)
    fields = fields_of(build(letter))

    assert (fields.subject.strip(), fields.from_name) == (subject, letter.from_name)
    assert (fields.from_address, fields.to, fields.reply_to) == (letter.from_address, letter.to, letter.reply_to)
    assert (fields.text, fields.html, fields.message_id) == (body, body, f"<{letter.message_id}>")
    assert fields.headers["List-Unsubscribe"] == f"<{letter.unsubscribe_url}>"
    assert not {name.lower() for name in fields.headers} & {"from", "to", "subject", "content-type", "date"}


# --- a fuzz of subjects and names, by the thousand ---

ALPHABET = 'a Zé ñß–’“日本語한글عربעב😀👩‍⚕️\u0301\u200d=?_.,;:<>@"\\()[]-+!&%/'


def test_no_subject_or_name_of_thousands_is_changed_on_its_way() -> None:
    random = Random(7)
    for _ in range(3000):
        text = "".join(random.choices(ALPHABET, k=random.randint(1, 90))).strip() or "x"
        content = build(replace(LETTER, subject=text, from_name=text, text="", html=""))
        headers = dict(read_headers(content.decode("ascii").split("\r\n\r\n", 1)[0]))
        assert read_words(headers["Subject"]) == text
        assert read_mailbox(headers["From"])[0] == text
