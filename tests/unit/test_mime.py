"""The bytes of a message, read back by two readers that share nothing with the writer.

The first is a small strict reader of RFC 5322, 2045, 2046 and 2047, written here; the second is the
standard library's. What a recipient reads must be what was written, to the character.
"""

from __future__ import annotations

import base64
import email
import email.policy
import quopri
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.letter import LETTER
from tests.unit.shipped import catalog, renderer, uses
from worker.content.render import Person
from worker.delivery.mime import build

# --- The strict reader -------------------------------------------------------

ENCODED_WORD = re.compile(r"=\?([!-~]+?)\?([bBqQ])\?([!->@-~]*)\?=")
HEADER_LINE = re.compile(r"([!-9;-~]+):[ \t](.*)", re.DOTALL)


@dataclass
class Read:
    headers: list[tuple[str, str]]
    parts: list[tuple[dict[str, str], str]]

    def __getitem__(self, name: str) -> str:
        (value,) = [value for key, value in self.headers if key == name]
        return value


def read_strictly(data: bytes) -> Read:
    """Raises AssertionError for anything that a strict receiver could stumble over."""
    assert max(data) < 0x80, "not 7-bit"
    assert b"\0" not in data
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data), "a bare CR or LF"
    head, body = data.decode("ascii").split("\r\n\r\n", 1)
    headers = read_headers(head)
    read = Read(headers, [])
    content_type = read["Content-Type"]
    found = re.fullmatch(r'multipart/alternative; boundary="([!#-~]{1,70})"', content_type)
    assert found, content_type
    assert body.endswith(f"\r\n--{found[1]}--\r\n")
    pieces = ("\r\n" + body.removesuffix(f"\r\n--{found[1]}--\r\n")).split(f"\r\n--{found[1]}\r\n")
    assert pieces[0] == "", "something stands before the first part"
    for piece in pieces[1:]:
        part_head, content = piece.split("\r\n\r\n", 1)
        fields = dict(read_headers(part_head))
        assert fields["Content-Transfer-Encoding"] == "quoted-printable"
        read.parts.append((fields, read_quoted_printable(content)))
    return read


def read_headers(head: str) -> list[tuple[str, str]]:
    lines: list[str] = []
    for line in head.split("\r\n"):
        assert all(character == "\t" or " " <= character <= "~" for character in line), f"a control character: {line!r}"
        if line.startswith((" ", "\t")):
            assert line.strip(), "a folded line of blanks only"
            lines[-1] += line
        else:
            lines.append(line)
    found = []
    for line in lines:
        match = HEADER_LINE.fullmatch(line)
        assert match, f"no header: {line!r}"
        found.append((match[1], match[2].lstrip(" ")))
    return found


def read_words(value: str) -> str:
    """RFC 2047: encoded words become text, and the blanks between two of them are nothing."""
    for word in ENCODED_WORD.finditer(value):
        assert len(word.group()) <= 75, "an encoded word may have 75 characters"
        before, after = value[: word.start()], value[word.end() :]
        assert not before or before.endswith((" ", "\t", "(")), "an encoded word stands apart"
        assert not after or after.startswith((" ", "\t", ")")), "an encoded word stands apart"
    joined = re.sub(r"(=\?[^ ?]+\?[bBqQ]\?[^ ?]*\?=)[ \t]+(?==\?[^ ?]+\?[bBqQ]\?)", r"\1", value)
    return ENCODED_WORD.sub(read_word, joined)


def read_word(word: re.Match[str]) -> str:
    charset, encoding, content = word.groups()
    if encoding in "bB":
        data = base64.b64decode(content, validate=True)
    else:
        data = re.sub(rb"=([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), content.replace("_", " ").encode())
    return data.decode(charset)  # each word by itself: a character split over two words would fail here


def read_mailbox(value: str) -> tuple[str, str]:
    """The display name and address of `name <address>`."""
    found = re.fullmatch(r"(.*?) ?<([!-~]+@[!-~]+)>", value)
    assert found, value
    name = found[1]
    if name.startswith('"'):
        assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', name), name
        return re.sub(r"\\(.)", r"\1", name[1:-1]), found[2]
    assert re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ \t-]*", name), f"not atoms: {name!r}"
    return read_words(name), found[2]


def read_quoted_printable(content: str) -> str:
    data = bytearray()
    lines = content.split("\r\n")
    for number, line in enumerate(lines):
        assert len(line) <= 76, "a quoted-printable line may have 76 characters"
        assert not line.endswith((" ", "\t")), "blanks at the end of a line may be lost on the way"
        soft = line.endswith("=")
        plain = line[:-1] if soft else line
        assert re.fullmatch(r"(?:[!-<>-~ \t]|=[0-9A-F]{2})*", plain), plain
        data += re.sub(rb"=([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), plain.encode())
        if not soft and number < len(lines) - 1:
            data += b"\n"
    return data.decode("utf-8")


# --- What is written ---------------------------------------------------------

# A header's text: anything printable in any script, blanks inside, as the loader leaves it (stripped).
printable = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\u2028\u2029\x85"
)
subjects = st.text(printable, max_size=200).map(str.strip)
ascii_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200).map(str.strip)
names = (st.text(printable, min_size=1, max_size=60) | ascii_text).map(str.strip).filter(bool)
bodies = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=400)
url_tails = st.from_regex(r"[A-Za-z0-9_.~/?&=%-]{0,900}", fullmatch=True)


@given(subjects | ascii_text)
def test_any_subject_is_read_as_it_was_written(subject: str) -> None:
    data = build(replace(LETTER, subject=subject))
    assert read_words(read_strictly(data)["Subject"]) == subject
    assert str(make_header(decode_header(email.message_from_bytes(data)["Subject"]))).strip() == subject


@given(names)
def test_any_display_name_is_read_as_it_was_written(name: str) -> None:
    data = build(replace(LETTER, from_name=name))
    assert read_mailbox(read_strictly(data)["From"]) == (name, LETTER.from_address)


@given(names)
def test_the_standard_library_reads_the_sender_too(name: str) -> None:
    message = email.message_from_bytes(build(replace(LETTER, from_name=name)), policy=email.policy.default)
    (sender,) = message["From"].addresses
    assert sender.addr_spec == LETTER.from_address


@given(bodies, bodies)
def test_both_parts_are_read_as_they_were_written(text: str, html: str) -> None:
    data = build(replace(LETTER, text=text, html=html))
    read = read_strictly(data)
    assert [fields["Content-Type"] for fields, _ in read.parts] == [
        "text/plain; charset=utf-8",
        "text/html; charset=utf-8",
    ]
    assert [content for _, content in read.parts] == [text, html]
    message = email.message_from_bytes(data)
    payloads = [part.get_payload(decode=True) for part in message.get_payload()]  # type: ignore[union-attr]
    assert [payload.replace(b"\r\n", b"\n").decode() for payload in payloads] == [text, html]  # type: ignore[union-attr]


@given(url_tails)
def test_the_unsubscribe_address_is_never_encoded_or_folded(tail: str) -> None:
    """A mail program acts on the bytes (RFC 8058): an encoded word there stops one-click unsubscribe."""
    url = f"https://albanyclinic.example.com/u/{tail}"
    data = build(replace(LETTER, unsubscribe_url=url))
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in data
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data
    read_strictly(data)


def test_without_an_unsubscribe_address_neither_of_its_headers_is_there() -> None:
    assert b"List-Unsubscribe" not in build(replace(LETTER, unsubscribe_url=None))


@given(subjects, names, bodies)
def test_lines_are_within_998_octets_and_within_78_where_they_can_be_folded(subject: str, name: str, body: str) -> None:
    lines = build(replace(LETTER, subject=subject, from_name=name, text=body, html=body)).split(b"\r\n")
    for line in lines:
        assert len(line) <= 998
        can_fold = b" " in line.partition(b": ")[2].strip() and not line.startswith((b"From:", b" "))
        assert len(line) <= 78 or not can_fold, line


@given(names)
def test_an_encoded_senders_name_is_folded(name: str) -> None:
    data = build(replace(LETTER, from_name=name))
    sender = data.partition(b"\r\nTo:")[0].removesuffix(f" <{LETTER.from_address}>".encode())
    if not name.isascii():
        assert all(len(line) <= 78 for line in sender.split(b"\r\n")), sender


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "a",
        "We have your request",
        "A question – and an answer",
        "Zoë asks: where’s the clinic?",
        "word " * 30 + "end",
        "wörd " * 30 + "end",
        "x" * 190,
        "é" * 190,
        "two  blanks   and  more",
        "=?utf-8?q?not_an_encoded_word?=",
        "a =?b?= c",
        "😀" * 40,
        "日本語" * 20,
        "e\u0301" * 50,
        "tab\tinside",
        "trailing=",
        "?=",
    ],
)
def test_a_subject_of_every_kind_is_read_as_it_was_written(subject: str) -> None:
    assert read_words(read_strictly(build(replace(LETTER, subject=subject)))["Subject"]) == subject


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("The Albany Clinic", "The Albany Clinic"),
        ("The Albany Clinic, Albany NY", '"The Albany Clinic, Albany NY"'),
        ('He said "hi"', '"He said \\"hi\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("a.b", '"a.b"'),
        ("evil@example.com", '"evil@example.com"'),
        ("a <b@example.com>", '"a <b@example.com>"'),
    ],
)
def test_an_ascii_display_name_is_quoted_where_it_must_be(name: str, shown: str) -> None:
    assert read_strictly(build(replace(LETTER, from_name=name)))["From"] == f"{shown} <{LETTER.from_address}>"


@pytest.mark.parametrize(
    "name", ["Zoë’s Clinic", "é" * 60, "日本語クリニック" * 5, "=?utf-8?q?x?=", "two  blanks", "x" * 60]
)
def test_a_display_name_of_every_kind_is_read_as_it_was_written(name: str) -> None:
    assert read_mailbox(read_strictly(build(replace(LETTER, from_name=name)))["From"])[0] == name


BREAKS = ["\r", "\n", "\r\n", "\0", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"]


@pytest.mark.parametrize("mark", BREAKS)
@pytest.mark.parametrize(
    "field", ["from_name", "from_address", "to", "reply_to", "subject", "unsubscribe_url", "list_id", "feedback_id"]
)
def test_no_value_can_end_its_line_and_begin_a_header_of_its_own(field: str, mark: str) -> None:
    for tail in ("Bcc: everyone@example.com", "more", ""):
        with pytest.raises(ValueError):  # noqa: PT011 - any ValueError: the send is held as broken
            build(replace(LETTER, **{field: f"{getattr(LETTER, field)}{mark}{tail}"}))


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\u2029"])
def test_a_line_break_of_unicode_in_a_subject_is_refused_or_read_as_it_was_written(mark: str) -> None:
    subject = f"before{mark}after"
    try:
        data = build(replace(LETTER, subject=subject))
    except ValueError:
        return
    assert read_words(read_strictly(data)["Subject"]) == subject


@pytest.mark.parametrize("field", ["from_address", "to", "reply_to", "message_id", "list_id", "unsubscribe_url"])
def test_what_must_be_ascii_is_refused_when_it_is_not(field: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - UnicodeEncodeError is one
        build(replace(LETTER, **{field: f"é{getattr(LETTER, field)}"}))


def test_every_header_stands_once_and_says_what_it_must() -> None:
    read = read_strictly(build(LETTER))
    names = [name for name, _ in read.headers]
    assert len(names) == len({name.lower() for name in names})
    assert dict(read.headers) | {"Content-Type": ""} == {
        "From": '"The Albany Clinic, Carbondale IL" <carbondale@mail.albanyclinic.example.com>',
        "To": "maya@example.com",
        "Reply-To": "carbondale@albanyclinic.example.com",
        "Subject": "We have your request",
        "Date": "Wed, 04 Mar 2026 18:00:01 +0000",
        "Message-ID": f"<{LETTER.message_id}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "List-Id": f"<{LETTER.list_id}>",
        "Feedback-ID": LETTER.feedback_id,
        "List-Unsubscribe": f"<{LETTER.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }


@given(st.integers(0, 3 * 365 * 86_400), st.integers(-12, 14))
def test_the_date_is_the_same_instant(seconds: int, offset: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=offset))) + timedelta(seconds=seconds)
    assert parsedate_to_datetime(read_strictly(build(replace(LETTER, date=at)))["Date"]) == at


def test_the_same_letter_is_the_same_bytes() -> None:
    assert build(LETTER) == build(LETTER)


@pytest.mark.parametrize(
    "body",
    ["", "\n", "no line end", "a line\n", "trailing blank \n", "tab\t\n", ".\n..\n.leading\n", "From the start\n",
     "=\n==3D\n", "x" * 500, "é" * 500, "--=_00000000-0000-5000-8000-000000000000\n", "-- \nme\n", "\n\n\nend\n\n"],
)  # fmt: skip
def test_a_body_of_every_kind_is_read_as_it_was_written(body: str) -> None:
    read = read_strictly(build(replace(LETTER, text=body, html=body)))
    assert [content for _, content in read.parts] == [body, body]


def test_windows_line_ends_become_plain_ones() -> None:
    read = read_strictly(build(replace(LETTER, text="one\r\ntwo\r\n")))
    assert read.parts[0][1] == "one\ntwo\n"


def test_every_shipped_email_is_read_as_it_was_rendered() -> None:
    person = Person(
        first_name="Zoë",
        unsubscribe_url="https://albanyclinic.example.com/u/abc.def",
        choose_url="https://albanyclinic.example.com/choose/abc.def",
        confirm_url="https://albanyclinic.example.com/confirm/abc.def",
    )
    for email_id, location, sequence in uses():
        rendered = renderer().compiled(email_id, location, sequence).for_person(person)
        place = catalog().clinic.places.get(location)
        name = place.sender_name if place else catalog().clinic.undecided_sender_name
        data = build(replace(LETTER, from_name=name, subject=rendered.subject, text=rendered.text, html=rendered.html))
        read = read_strictly(data)
        assert read_words(read["Subject"]) == rendered.subject
        assert read_mailbox(read["From"])[0] == name
        assert [content for _, content in read.parts] == [rendered.text, rendered.html]
        assert (
            quopri.decodestring(data.split(b"quoted-printable\r\n\r\n")[1].split(b"\r\n--=_")[0]).replace(
                b"\r\n", b"\n"
            )
            == rendered.text.encode()
        )
