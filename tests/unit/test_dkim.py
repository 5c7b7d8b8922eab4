"""What we sign, another implementation (dkimpy) verifies; what is changed on the way, it refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import cycle
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.unit.shipped import catalog, renderer, uses
from tests.unit.test_mime import LETTER
from worker.cli import app as nurture
from worker.delivery.dkim import SIGNED, DkimSigner, dns_record, new_key
from worker.delivery.mime import build
from worker.errors import ConfigurationError
from worker.storage.leads import Identity
from worker.storage.sealing import LookupKey
from worker.usecases.sending.compose import compose

AT = datetime(2026, 3, 4, 18, 0, 1, tzinfo=UTC)


@cache
def signer() -> DkimSigner:
    return DkimSigner.read(new_key(), "nurture", "")


def is_valid(signed: bytes) -> bool:
    """Verified with the record that an operator puts into DNS."""

    def txt(name: bytes, timeout: int = 5) -> bytes:
        assert re.fullmatch(rb"nurture\._domainkey\.[a-z.]+\.example\.com\.", name)
        return dns_record(signer()).encode()

    return bool(dkim.verify(signed, dnsfunc=txt))


def test_every_email_of_the_library_is_verified_by_another_implementation() -> None:
    """Each in every place where it is used, the personas taking turns."""
    people = cycle(catalog().personas.values())
    for (email_id, location, sequence), persona in zip(uses(), people, strict=False):
        send = {"id": "6a1c9c1e-3f5b-5b7e-9a41-0d2f4c8e7b10", "lead_id": "6a1c9c1e-3f5b-5b7e-9a41-0d2f4c8e7b11",
                "email": email_id, "location": location, "sequence": sequence,
                "kind": "nurture" if sequence else "acknowledgement"}  # fmt: skip
        person = Identity(email="maya@example.com", first_name=persona.first_name)
        message = compose(renderer(), send, person, LookupKey(bytes(32)), "https://leads.example.com", AT)
        signed = signer().sign(message.content)
        assert f" d={message.envelope_from.partition('@')[2]};".encode() in signed
        assert is_valid(signed), (email_id, location, sequence)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=300))
def test_any_body_is_verified(body: str) -> None:
    assert is_valid(signer().sign(build(replace(LETTER, text=body, html=body))))


@pytest.mark.parametrize("content", [b"From: a@mail.albanyclinic.example.com\r\n\r\n" + body for body in (
    b"", b"\r\n", b"\r\n\r\n", b"a", b"a \r\n", b"a  b\t c \r\n\r\n\r\n", b" \r\n \r\n", b"  a\r\n",
)])  # fmt: skip
def test_blanks_and_empty_lines_count_as_the_standard_says(content: bytes) -> None:
    assert is_valid(signer().sign(content))


def test_a_relay_may_fold_headers_anew_and_strip_blanks() -> None:
    signed = signer().sign(build(LETTER))

    assert is_valid(signed.replace(b"Subject: We have", b"Subject:  We\r\n\thave"))


SEEN = ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted",
        "List-Id", "Feedback-ID", "List-Unsubscribe", "List-Unsubscribe-Post"]  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_a_header_that_is_changed_taken_out_or_added_breaks_the_signature(name: str) -> None:
    signed = signer().sign(build(LETTER))
    (line,) = re.findall(
        rb"\r\n" + name.encode() + rb": (?:[^\r]|\r\n[ \t])*", b"\r\n" + signed.partition(b"\r\n\r\n")[0]
    )
    assert is_valid(signed)

    assert not is_valid(signed.replace(line[2:], line[2:] + b"x", 1))
    assert not is_valid(signed.replace(line[2:] + b"\r\n", b"", 1))
    for place in (signed.index(b"\r\n\r\n"), signed.index(b"\r\nFrom:")):
        assert not is_valid(signed[:place] + line + signed[place:])


def test_a_recipient_can_t_be_added_either() -> None:
    signed = signer().sign(build(LETTER))

    assert not is_valid(signed.replace(b"\r\nFrom:", b"\r\nCc: other@example.com\r\nFrom:", 1))


def test_a_changed_body_breaks_the_signature() -> None:
    signed = signer().sign(build(LETTER))

    assert not is_valid(signed.replace(b"Hello", b"Howdy", 1))


def test_the_headers_of_one_click_unsubscribe_are_signed_and_oversigned() -> None:
    signed = signer().sign(build(LETTER))
    listed = re.search(rb" h=([^;]+);", signed)
    assert listed is not None
    names = re.sub(rb"\s", b"", listed[1]).decode().split(":")

    assert {name: names.count(name) for name in SIGNED} == {name: 1 + (name != "cc") for name in SIGNED}
    assert all(len(line) <= 78 for line in signed.split(b"\r\nFrom:")[0].split(b"\r\n"))


def test_the_same_message_has_the_same_signature() -> None:
    assert signer().sign(build(LETTER)) == signer().sign(build(LETTER))


def test_a_domain_of_one_s_own_stands_in_the_signature() -> None:
    own = DkimSigner(key=signer().key, selector="nurture", domain="albanyclinic.example.com")

    assert b" d=albanyclinic.example.com;" in own.sign(build(LETTER))


@pytest.mark.parametrize(
    ("key", "selector"), [("", "a"), ("nonsense", "a"), ("short", "a"), ("good", "A b"), ("good", "")]
)
def test_a_key_or_selector_that_will_not_do_is_refused_without_being_quoted(key: str, selector: str) -> None:
    if key == "good":
        key = new_key()
    if key == "short":
        key = rsa.generate_private_key(65537, 1024).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()  # fmt: skip
    with pytest.raises(ConfigurationError, match="NRT-E025") as refusal:
        DkimSigner.read(key, selector, "")
    assert "PRIVATE" not in str(refusal.value)


def test_a_signer_shows_no_key() -> None:
    assert "key" not in repr(signer())


def test_the_command_makes_a_key_once_and_prints_the_record_that_verifies(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    words = ["keys", "dkim", "mail.example.com", "--selector", "s1", "--out", str(file)]
    first, second = (CliRunner().invoke(nurture, words) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout, "the key that is there is kept"
    assert file.stat().st_mode & 0o077 == 0, "nobody else may read it"
    name, _, texts = first.stdout.strip().partition(" IN TXT ")
    assert name == "s1._domainkey.mail.example.com."
    parts = re.findall(r'"([^"]*)"', texts)
    assert all(len(part) <= 255 for part in parts)
    signed = DkimSigner.read(file.read_text(), "s1", "mail.example.com").sign(build(LETTER))
    assert dkim.verify(signed, dnsfunc=lambda *_, **__: "".join(parts).encode())
