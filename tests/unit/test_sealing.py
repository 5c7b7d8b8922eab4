"""Sealing, signatures and look-up hashes: nothing opens elsewhere, changed, or with another key."""

from __future__ import annotations

import base64
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import BrokenSeal, ConfigurationError, SealError, UnknownSealKey
from worker.storage.leads import Identity, Vault
from worker.storage.sealing import KeyRing, LookupKey, new_key
from worker.usecases.sending.compose import make_token, read_token

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
RING = KeyRing({"a1": OLD})
LOOKUP = LookupKey(b"look-up key of a test installation")

places = st.text(max_size=40)
plains = st.binary(max_size=300)
# Anything that may stand in a URL or a database column, and much that may not.
any_text = st.text(max_size=60)


def test_a_sealed_value_shows_its_version_and_key_and_nothing_else() -> None:
    sealed = RING.seal(b"maya@example.com", "leads.email")
    version, key_id, encoded = sealed.split(".")
    assert (version, key_id) == ("s1", "a1")
    assert sealed.isascii()
    assert b"maya" not in base64.urlsafe_b64decode(encoded)


@given(plains, places)
def test_what_is_sealed_opens_at_its_place(plain: bytes, place: str) -> None:
    assert RING.open(RING.seal(plain, place), place) == plain


@given(plains, places)
def test_the_same_value_never_seals_to_the_same_text(plain: bytes, place: str) -> None:
    """Equal sealed values would tell who shares an address or a condition."""
    assert RING.seal(plain, place) != RING.seal(plain, place)


@given(plains, places, places)
def test_a_value_moved_to_another_place_does_not_open(plain: bytes, place: str, elsewhere: str) -> None:
    sealed = RING.seal(plain, place)
    if place != elsewhere:
        with pytest.raises(BrokenSeal):
            RING.open(sealed, elsewhere)


@given(plains, st.data())
def test_a_value_with_any_bit_changed_does_not_open(plain: bytes, data: st.DataObject) -> None:
    head, _, encoded = RING.seal(plain, "leads.email").rpartition(".")
    boxed = bytearray(base64.urlsafe_b64decode(encoded))
    position = data.draw(st.integers(0, len(boxed) - 1))
    boxed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BrokenSeal):
        RING.open(f"{head}.{base64.urlsafe_b64encode(boxed).decode()}", "leads.email")


@given(st.data())
def test_a_value_with_any_character_changed_opens_to_nothing_else(data: st.DataObject) -> None:
    sealed = RING.seal(b"maya@example.com", "leads.email")
    position = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:position] + data.draw(st.characters()) + sealed[position + 1 :]
    try:
        opened = RING.open(changed, "leads.email")
    except SealError:
        return
    assert opened == b"maya@example.com", "the last character carries bits that no byte uses"


@given(st.integers(0, 60))
def test_a_value_cut_short_does_not_open(kept: int) -> None:
    sealed = RING.seal(b"maya@example.com", "leads.email")
    with pytest.raises(SealError):
        RING.open(sealed[:kept], "leads.email")


@given(any_text, places)
def test_what_was_never_sealed_is_a_broken_seal_and_nothing_worse(text: str, place: str) -> None:
    for sealed in (text, f"s1.{text}", f"s1.a1.{text}"):
        with pytest.raises(SealError):
            RING.open(sealed, place)


def test_another_key_of_the_same_name_does_not_open() -> None:
    with pytest.raises(BrokenSeal):
        KeyRing({"a1": NEW}).open(RING.seal(b"x", "p"), "p")


def test_a_key_that_the_ring_lacks_is_named_so_that_it_can_be_put_back() -> None:
    with pytest.raises(UnknownSealKey) as caught:
        KeyRing({"b2": OLD}).open(RING.seal(b"x", "p"), "p")
    assert caught.value.key_id == "a1"
    assert "NURTURE_SECRET_KEYS" in str(caught.value)


def test_a_value_does_not_open_under_another_keys_name() -> None:
    """The key's id is bound too: two ids with one key are still two keys."""
    both = KeyRing({"a1": OLD, "b2": OLD})
    with pytest.raises(BrokenSeal):
        both.open(both.seal(b"x", "p").replace(".a1.", ".b2."), "p")


def test_keys_rotate_without_a_moment_in_which_something_does_not_open() -> None:
    before = RING.seal(b"x", "p")
    both = KeyRing({"b2": NEW, "a1": OLD})
    assert both.open(before, "p") == b"x"
    after = both.seal(b"x", "p")
    assert after.startswith("s1.b2."), "the first key seals"
    assert KeyRing({"b2": NEW}).open(after, "p") == b"x"
    with pytest.raises(UnknownSealKey):
        KeyRing({"b2": NEW}).open(before, "p")
    # a host that has the new key, but seals with the old one still
    assert KeyRing({"a1": OLD, "b2": NEW}).open(after, "p") == b"x"


def test_a_signature_stays_good_while_its_key_is_in_the_ring() -> None:
    signature = RING.sign("nonce.1700000000", "form")
    assert KeyRing({"b2": NEW, "a1": OLD}).has_signed("nonce.1700000000", signature, "form")
    assert not KeyRing({"b2": NEW}).has_signed("nonce.1700000000", signature, "form")


@pytest.mark.parametrize("signer", [RING, LOOKUP])
def test_a_signature_is_for_its_message_and_purpose(signer: KeyRing | LookupKey) -> None:
    signature = signer.sign("m", "unsubscribe")
    assert signer.has_signed("m", signature, "unsubscribe")
    assert not signer.has_signed("m", signature, "confirm")
    assert not signer.has_signed("n", signature, "unsubscribe")
    assert not signer.has_signed("m", signature[:-1], "unsubscribe")
    assert not signer.has_signed("m", "", "unsubscribe")


@given(any_text, any_text)
def test_no_signature_from_outside_is_too_odd_to_refuse(message: str, signature: str) -> None:
    assert not RING.has_signed(message, signature, "form")
    assert not LOOKUP.has_signed(message, signature, "form")


def test_a_ring_shows_ids_and_no_key_however_it_is_printed() -> None:
    ring = KeyRing({"a1": OLD, "b2": NEW})
    vault = Vault(ring=ring, lookup=LOOKUP)
    for shown in (repr(ring), str(ring), f"{ring}", repr(vault), repr(LOOKUP), repr([ring, {"key": LOOKUP}])):
        for key in (OLD, NEW, LOOKUP.key):
            assert repr(key)[2:-1] not in shown
            assert base64.b64encode(key).decode() not in shown
            assert key.hex() not in shown
    assert repr(ring) == "KeyRing(a1, b2)"


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_ring_is_read_in_order() -> None:
    ring = KeyRing.parse(f" b2:{encoded(NEW)} , a1:{encoded(OLD)},")
    assert list(ring.keys) == ["b2", "a1"]
    assert ring.open(RING.seal(b"x", "p"), "p") == b"x"


@pytest.mark.parametrize(
    "text",
    ["", " , ", "a1", "a1:", ":", f":{encoded(OLD)}", f"a 1:{encoded(OLD)}", f"a.1:{encoded(OLD)}", "a1:not base64",
     f"a1:{encoded(OLD)[:-4]}", f"a1:{encoded(OLD + b'x')}", f"a1:{encoded(OLD)}é", f"a1:“{encoded(OLD)}”",
     f"a1:{encoded(OLD)};b2:{encoded(NEW)}"],
)  # fmt: skip
def test_a_ring_that_is_no_ring_is_refused_without_quoting_a_key(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.parse(text)
    assert "nurture keys new" in str(caught.value)
    assert encoded(OLD)[:8] not in str(caught.value)


def test_a_new_key_is_a_ring_and_never_the_same() -> None:
    one, other = new_key("k2"), new_key("k2")
    assert one != other
    ring = KeyRing.parse(one)
    assert ring.open(ring.seal(b"x", "p"), "p") == b"x"
    assert len(ring.keys["k2"]) == 32


# --- Look-up hashes ----------------------------------------------------------


@given(any_text, any_text)
def test_a_look_up_hash_is_the_same_for_the_same_value_only(one: str, other: str) -> None:
    assert (LOOKUP.hash(one, "email") == LOOKUP.hash(other, "email")) == (one == other)
    assert len(LOOKUP.hash(one, "email")) == 64


def test_a_look_up_hash_differs_by_purpose_and_by_installation() -> None:
    """So that equal hashes in two columns, or two installations, link nobody."""
    assert LOOKUP.hash("maya@example.com", "email") != LOOKUP.hash("maya@example.com", "phone")
    assert LOOKUP.hash("maya@example.com", "email") != LookupKey.new().hash("maya@example.com", "email")


def test_a_look_up_hash_never_changes() -> None:
    """It finds suppressions for the installation's life; another formula would mail people who said stop."""
    assert LookupKey(b"\0" * 32).hash("maya@example.com", "email") == HASH_OF_MAYA


HASH_OF_MAYA = "67ba2ac2bf6ca9b401067564c019ecb40a4fcbaab450a606018fa8e0d3920089"


# --- Identities --------------------------------------------------------------


def test_an_identity_opens_in_its_own_row_and_column_only() -> None:
    vault = Vault(ring=RING, lookup=LOOKUP)
    maya = Identity(email="maya@example.com", phone="+16185550111", first_name="Maya", last_name="Example")
    row = {"id": "lead-1"} | vault.seal_identity("lead-1", maya)
    assert vault.open_identity(row) == maya
    with pytest.raises(BrokenSeal):
        vault.open_identity(row | {"id": "lead-2"})
    with pytest.raises(BrokenSeal):
        vault.open_identity(row | {"first_name_sealed": row["last_name_sealed"]})
    stored = " ".join(str(value) for value in row.values())
    assert not any(value in stored for value in ("maya", "Maya", "Example", "5550111"))


def test_what_is_missing_of_an_identity_stays_missing() -> None:
    vault = Vault(ring=RING, lookup=LOOKUP)
    row = {"id": "lead-1"} | vault.seal_identity("lead-1", Identity(phone="+16185550111"))
    assert row["email_sealed"] is None
    assert row["email_hash"] is None
    assert vault.open_identity(row) == Identity(phone="+16185550111")


# --- Link tokens -------------------------------------------------------------


@given(st.uuids(), st.sampled_from(["unsubscribe", "choose", "confirm"]))
def test_a_token_names_what_it_was_made_for(subject: object, purpose: str) -> None:
    token = make_token(str(subject), purpose, LOOKUP)
    assert read_token(token, purpose, LOOKUP) == str(subject)
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum(), "safe in a URL as it stands"
    assert len(token) < 60


def test_a_token_is_good_for_its_purpose_and_installation_only() -> None:
    token = make_token(str(uuid4()), "choose", LOOKUP)
    assert read_token(token, "unsubscribe", LOOKUP) is None
    assert read_token(token, "choose", LookupKey.new()) is None


@given(st.data())
def test_a_changed_token_names_nobody_else(data: st.DataObject) -> None:
    subject = "00000000-0000-5000-8000-000000000000"
    token = make_token(subject, "unsubscribe", LOOKUP)
    position = data.draw(st.integers(0, len(token) - 1))
    changed = token[:position] + data.draw(st.characters()) + token[position + 1 :]
    assert read_token(changed, "unsubscribe", LOOKUP) in (None, subject)
    assert read_token(token[: data.draw(st.integers(0, len(token) - 1))], "unsubscribe", LOOKUP) is None


@given(any_text | st.text(max_size=20).map(lambda text: f"AAAAAAAAAAAAAAAAAAAAAA.{text}"))
def test_no_token_from_outside_is_too_odd_to_refuse(token: str) -> None:
    assert read_token(token, "unsubscribe", LOOKUP) is None


def test_a_token_whose_signature_is_no_ascii_names_nobody() -> None:
    assert read_token("AAAAAAAAAAAAAAAAAAAAAA.ü", "unsubscribe", LOOKUP) is None
