"""Foreign forms: what every vendor's post says, what each answer becomes, and who signed it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from tests.support import vendors
from tests.support.vendors import VENDORS, WORDING, as_json, duda_event, duda_field, duda_fields
from tests.unit.shipped import files
from worker.content.catalog import Catalog
from worker.content.load import load_catalog
from worker.domain.mapping import KEPT, Answer, Because, MappedPost, map_answers
from worker.errors import ContentInvalid, Unmappable
from worker.hooks.decode import decode, split
from worker.hooks.delivery import Delivery
from worker.hooks.readers import READERS, read_post
from worker.hooks.signatures import BAD_SIGNATURE, TOO_OLD, suspicion

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAYA = "maya@example.com"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog({**files(), "forms.toml": files()["forms.toml"] + vendors.CONTACT})


def delivery(post: vendors.Posted) -> Delivery:
    found = read_post(post.source, split(post.body)[0])[1]
    assert found is not None
    return found


def mapped(catalog: Catalog, *answers: Answer) -> MappedPost:
    return map_answers(answers, catalog.forms["contact"], catalog.synonyms)


def answer(name: str, *values: str, kind: str = "") -> Answer:
    return Answer(names=(name,), values=values, kind=kind)


# --- every vendor ---


@pytest.mark.parametrize("shape", sorted(VENDORS))
def test_every_vendor_s_post_becomes_the_same_person(catalog: Catalog, shape: str) -> None:
    fields = mapped(catalog, *delivery(VENDORS[shape](MAYA)).answers).fields

    assert fields["email"] == (MAYA,)
    assert fields["first_name"] == ("Maya",)
    assert fields["last_name"] == ("Example",)
    assert "".join(filter(str.isdigit, fields["phone"][0]))[-10:] == "6185550133"
    assert fields["zip"] == ("62901",)
    assert fields["consent_email"] == ("yes",)


@pytest.mark.parametrize("shape", sorted(VENDORS))
def test_every_vendor_is_told_by_what_it_sends(shape: str) -> None:
    post = VENDORS[shape](MAYA)
    vendor = shape.partition("_")[0].replace("plain", "generic")

    assert read_post("generic", split(post.body)[0])[0] == vendor


@pytest.mark.parametrize("shape", sorted(VENDORS))
def test_the_same_post_has_the_same_key_and_another_person_s_another(shape: str) -> None:
    make = VENDORS[shape]

    first, again, other = (delivery(make(email)) for email in (MAYA, MAYA, "farah@example.com"))

    assert first.key("secret", NOW) == again.key("secret", NOW + timedelta(seconds=20))
    assert first.digest == again.digest != other.digest
    if not shape.startswith("gravity"):  # it numbers its entries; here both have the same number
        assert first.key("secret", NOW) != other.key("secret", NOW)


def test_who_typed_the_same_again_another_day_is_another_post() -> None:
    sent, later = delivery(vendors.elementor(MAYA)), NOW + timedelta(days=1)

    assert sent.key("secret", NOW) != sent.key("secret", later)


def test_a_post_without_an_id_can_t_be_guessed_at_without_the_token() -> None:
    sent = delivery(vendors.duda(MAYA))

    assert sent.key("one token", NOW) != sent.key("another", NOW)


def test_a_list_is_as_many_posts() -> None:
    body = b"[" + b",".join(vendors.duda(f"{name}@example.com").body for name in ("maya", "farah")) + b"]"

    emails = [delivery(vendors.Posted("duda", each)).answers[1].values for each in split(body)]
    assert emails == [("maya@example.com",), ("farah@example.com",)]


@pytest.mark.parametrize(
    ("source", "data"),
    [("duda", {**duda_event({}), "event_type": "PUBLISH"}), ("webflow", {"triggerType": "site_publish", "payload": {}}),
     ("typeform", {"event_type": "form_abandoned", "form_response": {}})],
)  # fmt: skip
def test_an_event_that_is_no_form_is_let_go(source: str, data: object) -> None:
    assert read_post(source, json.dumps(data).encode()) == (source, None)


@pytest.mark.parametrize("body", [b"hello", b"{", b"\xff\xfe", b"[1, 2]", b"--x\r\nbroken", b"null"])
def test_what_can_t_be_read_says_so(body: bytes) -> None:
    with pytest.raises(Unmappable):
        read_post("generic", body)


def test_a_vendor_s_address_takes_no_other_vendor_s_post() -> None:
    with pytest.raises(Unmappable, match="map_unknown_shape"):
        read_post("typeform", vendors.webflow(MAYA).body)


KEYS = st.sampled_from(
    ["data", "payload", "form_response", "answers", "definition", "fields", "fieldsData", "rawRequest", "event_type",
     "triggerType", "schema", "form", "form_id", "form_name", "date_created", "source_url", "id", "site", "_id", "meta"]
)  # fmt: skip
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.dictionaries(KEYS, TREES, max_size=6), source=st.sampled_from(sorted(READERS)))
def test_no_shape_however_odd_is_more_than_unmappable(data: object, source: str) -> None:
    try:
        found = read_post(source, json.dumps(data).encode())[1]
    except Unmappable:
        return
    if found is not None:
        assert found.digest
        assert found.key("secret", NOW)


def test_half_a_surrogate_pair_is_replaced_and_the_rest_kept() -> None:
    assert decode(b'{"message": "a \\ud83d b"}') == {"message": "a � b"}


def test_brackets_nest_and_repeats_are_lists() -> None:
    assert decode(b"fields[a][value]=1&b[]=2&b[]=3&c=4") == {"fields": {"a": {"value": "1"}}, "b": ["2", "3"], "c": "4"}


# --- what an answer becomes ---


@pytest.mark.parametrize(
    ("name", "field", "because"),
    [("where can we write to you", "email", Because.ENTRY), ("E-Mail", "email", Because.NAME),
     ("correo electrónico *", "email", Because.SYNONYM), ("Código Postal", "zip", Because.SYNONYM),
     ("utm_term", "utm_term", Because.NAME), ("Favourite colour", None, Because.UNKNOWN)],
)  # fmt: skip
def test_an_answer_is_known_by_its_entry_its_name_or_a_synonym(
    catalog: Catalog, name: str, field: str | None, because: Because
) -> None:
    (decision,) = mapped(catalog, answer(name, "something")).decisions

    assert (decision.field, decision.because) == (field, because)


def test_a_renamed_question_of_a_declared_kind_is_still_known(catalog: Catalog) -> None:
    renamed = as_json("duda", duda_event({"fieldsData": duda_fields(MAYA, email_label="Escribe aquí")}))

    post = mapped(catalog, *delivery(renamed).answers)

    assert post.fields["email"] == (MAYA,)
    assert post.decisions[1].because is Because.KIND


def test_nothing_is_guessed_from_what_was_typed(catalog: Catalog) -> None:
    post = mapped(catalog, answer("Escribe aquí", MAYA), answer("Número", "618-555-0133"))

    assert post.fields == {KEPT + "Escribe aquí": (MAYA,), KEPT + "Número": ("618-555-0133",)}


def test_the_entry_is_stronger_than_a_name_and_the_loser_is_kept(catalog: Catalog) -> None:
    post = mapped(catalog, answer("email", "old@example.com"), answer("Where can we write to you?", MAYA))

    assert post.fields == {"email": (MAYA,), KEPT + "email": ("old@example.com",)}
    assert [decision.because for decision in post.decisions] == [Because.TAKEN, Because.ENTRY]


def test_an_empty_answer_leaves_its_field_to_the_next(catalog: Catalog) -> None:
    post = mapped(catalog, answer("Where can we write to you?", " "), answer("email", MAYA))

    assert post.fields == {"email": (MAYA,)}


def test_conditions_are_gathered(catalog: Catalog) -> None:
    post = mapped(catalog, answer("Concern", "anxiety", "ptsd"), answer("condition", "pain"))

    assert sorted(post.fields["condition"]) == ["anxiety", "pain", "ptsd"]


def test_a_website_question_is_no_honeypot(catalog: Catalog) -> None:
    assert mapped(catalog, answer("website", "https://www.example.com")).fields == {
        KEPT + "website": ("https://www.example.com",)
    }


@pytest.mark.parametrize(
    ("typed", "agreed", "flags"),
    [("on", True, ()), ("Sí", True, ()), (WORDING, True, ()), ("I agree", True, ()), ("no", False, ()),
     ("Yes to everything but emails", False, ("consent.unclear",)), ("Off", False, ())],
)  # fmt: skip
def test_consent_is_a_plain_yes_or_the_wording_itself(
    catalog: Catalog, typed: str, agreed: bool, flags: tuple[str, ...]
) -> None:
    post = mapped(catalog, answer("May we email you?", typed))

    assert (post.fields["consent_email"] == ("yes",)) == agreed
    assert post.flags == flags


def test_consent_is_never_taken_from_a_kind(catalog: Catalog) -> None:
    assert "consent_email" not in mapped(catalog, answer("Terms", "on", kind="acceptance")).fields


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [("Maya", ("Maya",), None), ("Maya Example", ("Maya",), ("Example",)),
     (" María  José García ", ("María",), ("José García",))],
)  # fmt: skip
def test_a_full_name_is_its_first_word_and_the_rest(
    catalog: Catalog, typed: str, first: tuple[str, ...], last: tuple[str, ...] | None
) -> None:
    fields = mapped(catalog, answer("Your name", typed)).fields

    assert (fields["first_name"], fields.get("last_name")) == (first, last)


def test_a_full_name_beside_its_parts_is_only_kept(catalog: Catalog) -> None:
    fields = mapped(catalog, answer("Name", "Maya Example"), answer("First name", "Maya")).fields

    assert fields == {"first_name": ("Maya",), KEPT + "Name": ("Maya Example",)}


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.sampled_from(["email", "Name", "First", "x", "phone", "condition", ""]),
                          st.lists(st.text(max_size=6), max_size=2)), max_size=8))  # fmt: skip
def test_whatever_was_typed_is_in_the_fields_and_every_answer_has_a_reason(
    catalog: Catalog, given_answers: list[tuple[str, list[str]]]
) -> None:
    answers = [answer(name, *values) for name, values in given_answers]

    post = mapped(catalog, *answers)

    assert [decision.answer for decision in post.decisions] == answers
    kept = " ".join(value for values in post.fields.values() for value in values)
    words = {word for each in answers if not each.is_empty for value in each.values for word in value.split()}
    assert {word for word in words if word not in kept} == set()


# --- forms.toml ---


def test_a_mapping_to_a_field_that_we_do_not_have_is_refused_by_name() -> None:
    wrong = files()["forms.toml"] + vendors.CONTACT + 'e_mail = ["Email"]\n'

    with pytest.raises(ContentInvalid, match="e_mail is no field of ours"):
        load_catalog({**files(), "forms.toml": wrong})


def test_a_word_that_means_two_fields_is_refused() -> None:
    wrong = files()["forms.toml"].replace('phone = ["phone number"', 'phone = ["Email Address", "phone number"')

    with pytest.raises(ContentInvalid, match="has already"):
        load_catalog({**files(), "forms.toml": wrong})


def test_the_practice_form_is_a_sandbox_also_in_content_from_before() -> None:
    before = files()["forms.toml"].replace("sandbox = true\n", "").partition("[synonyms]")[0]

    loaded = load_catalog({**files(), "forms.toml": before})

    assert {key: form.sandbox for key, form in loaded.forms.items()} == {
        "clinic": False,
        "clinica": False,
        "sandbox": True,
    }


# --- who signed ---

SECRET = base64.b64encode(b"a secret of the vendor's own").decode()
BODY = vendors.typeform(MAYA).body
AT_MS = int(NOW.timestamp() * 1000)


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def standard(body: bytes, at: datetime) -> dict[str, str]:
    signature = Webhook(SECRET).sign("msg_1", at, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


SIGNED = {
    "duda": lower(vendors.signed_by_duda(BODY, SECRET, AT_MS)),
    "duda in seconds": lower(vendors.signed_by_duda(BODY, SECRET, AT_MS // 1000)),
    "typeform": lower(vendors.signed_by_typeform(BODY, SECRET)),
    "webflow": lower(vendors.signed_by_webflow(BODY, SECRET, AT_MS)),
}


@pytest.mark.parametrize("vendor", sorted(SIGNED))
def test_a_vendor_s_signature_is_believed_only_over_these_bytes_and_this_secret(vendor: str) -> None:
    headers = SIGNED[vendor]
    other = base64.b64encode(b"another secret").decode()

    assert suspicion(headers, BODY, SECRET, NOW) is None
    assert suspicion(headers, BODY + b" ", SECRET, NOW) == BAD_SIGNATURE
    assert suspicion(headers, BODY, other, NOW) == BAD_SIGNATURE


@pytest.mark.parametrize("vendor", ["duda", "duda in seconds", "webflow"])
@pytest.mark.parametrize("late", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_a_signed_time_that_is_not_about_now_is_noticed(vendor: str, late: timedelta) -> None:
    assert suspicion(SIGNED[vendor], BODY, SECRET, NOW + late) == TOO_OLD


def test_a_program_of_one_s_own_may_sign_by_the_standard() -> None:
    now = datetime.now(UTC)  # the library looks at the clock itself

    assert suspicion(standard(BODY, now), BODY, SECRET, now) is None
    assert suspicion(standard(BODY, now - timedelta(minutes=6)), BODY, SECRET, now) == BAD_SIGNATURE
    assert suspicion(standard(BODY, now), BODY + b" ", SECRET, now) == BAD_SIGNATURE


@pytest.mark.parametrize(
    "headers",
    [{}, {"typeform-signature": ""}, {"typeform-signature": "é"}, {"x-webflow-signature": "00"},
     {"x-duda-signature": "!", "x-duda-signature-timestamp": "soon"}, {"webhook-signature": "v1,x"}],
    ids=str,
)  # fmt: skip
def test_no_signature_or_an_odd_one_is_a_bad_one(headers: dict[str, str]) -> None:
    assert suspicion(headers, BODY, SECRET, NOW) == BAD_SIGNATURE


def test_a_field_that_is_none_of_the_person_s_is_no_answer() -> None:
    sent = delivery(vendors.elementor(MAYA))

    assert "192.0.2.7" not in str(sent.answers)
    assert duda_field("Title", "Contact Us", "form_title", None)["field_value"] not in str(
        delivery(vendors.duda(MAYA)).answers
    )
