"""The content loads whole or says, for each mistake, which file and key it is in and what to write instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shipped import TEMPLATES, catalog, files
from worker.content.catalog import ACKNOWLEDGEMENT, Purpose, content_location, read_content_files
from worker.content.load import load_catalog
from worker.content.snapshots import pack, snapshot_hash, unpack
from worker.domain.leads import CLINICS, Condition, Location, Treatment
from worker.domain.sends import SendKind
from worker.errors import ContentInvalid


def problems(changes: dict[str, str | None]) -> list[str]:
    """What loading says when files are replaced, or taken away (None)."""
    changed = {path: text for path, text in {**files(), **changes}.items() if text is not None}
    try:
        load_catalog(changed)
    except ContentInvalid as error:
        return [str(problem) for problem in error.problems]
    return []


def after(path: str, old: str, new: str) -> list[str]:
    """What loading says once a piece of a shipped file is written differently."""
    text = files()[path]
    assert old in text, f"{path} has no {old!r} to change: mend this table"
    return problems({path: text.replace(old, new, 1)})


def test_the_shipped_content_loads_whole() -> None:
    shipped = catalog()
    assert set(shipped.clinic.places) == set(CLINICS)
    assert len(shipped.emails) >= 20
    assert len(shipped.sequences) >= 7
    assert shipped.emails[ACKNOWLEDGEMENT].purpose is Purpose.ACKNOWLEDGEMENT
    assert set(shipped.routing.precedence) == set(Condition)
    assert {"clinic", "sandbox"} <= set(shipped.forms)
    assert len(shipped.personas) >= 10


def test_services_facts_and_zones_are_those_of_each_clinic() -> None:
    clinic = catalog().clinic
    carbondale, albany = clinic.places[Location.CARBONDALE], clinic.places[Location.ALBANY]
    assert carbondale.services == set(Treatment)
    assert albany.services == {Treatment.IV_KETAMINE}
    assert clinic.services_at(Location.UNDECIDED) == {Treatment.IV_KETAMINE}
    assert (carbondale.zone, albany.zone) == ("America/Chicago", "America/New_York")
    assert not {"spravato_visit", "tms_session"} & set(albany.facts)
    assert carbondale.name == "The Albany Clinic in Carbondale, Illinois"


def test_people_and_numbers_in_the_content_are_fictional() -> None:
    for persona in catalog().personas.values():
        assert not persona.email or persona.email.endswith("@example.com")
        assert not persona.phone or "-555-01" in persona.phone
    for place in catalog().clinic.places.values():
        assert "-555-01" in place.phone
        assert place.sender_address.endswith("example.com")


# Each row: a file, what stands in it, what someone writes instead, and the words of the message.
TIDY_MISTAKES = [
    # clinic.toml
    ("clinic.toml", 'name = "The Albany Clinic"', 'nmae = "The Albany Clinic"',
     ["brand.name is missing; write a text in quotes", "brand.nmae is not a known key; check its spelling"]),
    ("clinic.toml", 'name = "The Albany Clinic"', 'name = ""', ["brand.name is empty"]),
    ("clinic.toml", 'name = "The Albany Clinic"', "name = 12", ["brand.name must be a text in quotes"]),
    ("clinic.toml", "from = 09:00:00", 'from = "9:00"', ["nurture.from must be a time such as 09:00:00"]),
    ("clinic.toml", "from = 09:00:00", "from = 19:00:00", ["nurture.days and hours leave no time"]),
    ("clinic.toml", '"sat"]', '"sunday"]', ["nurture.days knows no day 'sunday'; write mon, tue, wed"]),
    ("clinic.toml", 'min_gap = "48 hours"', 'min_gap = "48h"',
     ["nurture.min_gap is '48h'; write it as '2 days' or '48 hours'"]),
    ("clinic.toml", 'min_gap = "48 hours"', "min_gap = 48", ["nurture.min_gap must be a text in quotes"]),
    ("clinic.toml", '"us_federal"', '"none"', ["nurture.holidays must be us_federal"]),
    ("clinic.toml", "[places.albany]", "[places.albany_ny]", ["places.albany"]),
    ("clinic.toml", 'zone = "America/Chicago"', 'zone = "America/Carbondale"',
     ["places.carbondale.zone is 'America/Carbondale', which is no IANA time zone such as America/Chicago"]),
    ("clinic.toml", '"iv_ketamine", "spravato"', '"iv_ketamine", "esketamine"',
     ["places.carbondale.services knows no 'esketamine'; write one of iv_ketamine, spravato, tms"]),
    ("clinic.toml", "latitude = 37.7273", 'latitude = "37.7273"', ["places.carbondale.latitude must be a number"]),
    ("clinic.toml", "{ on = 2026-11-27,", '{ on = "27 November",',
     ["places.carbondale.closed[1].on must be a date such as 2027-05-01, without quotes"]),
    ("clinic.toml", 'why = "Christmas Eve"', 'because = "Christmas Eve"',
     ["places.carbondale.closed[2].why is missing", "places.carbondale.closed[2].because is not a known key"]),
    ("clinic.toml", ", review_by = 2027-05-01 }", " }",
     ["places.carbondale.facts.ketamine_payment.review_by is missing; write a date"]),
    ("clinic.toml", "[brand]", "[brand", ["is not valid TOML"]),
    # routing.toml
    ("routing.toml", '["choice", "zip",', '["choice", "postcode",',
     ["location.order knows no 'postcode'; write one of choice, zip, state, phone, form"]),
    ("routing.toml", "zip_max_miles = 200", 'zip_max_miles = "far"', ["location.zip_max_miles must be a number"]),
    ("routing.toml", '"IL", "MO"', '"IL", "Missouri"', ["location.serves.carbondale knows no state 'Missouri'"]),
    ("routing.toml", 'id = "ptsd"\nwords', 'id = "ptds"\nwords',
     ["condition[3].id knows no 'ptds'", "condition lacks ptsd"]),
    ("routing.toml", 'treatments = ["spravato"]', 'treatments = ["nasal"]',
     ["sequence[1].treatments knows no 'nasal'"]),
    ("routing.toml", 'sequence = "tms"', 'sequence = "magnets"',
     ["rule 'tms-asked' names sequence 'magnets', which does not exist"]),
    ("routing.toml", 'because = "everyone\'s fallback"', 'because = "the rest"\nconditions = ["other"]',
     ["must end with a [[sequence]] rule that matches everybody"]),
    ("routing.toml", 'locations = ["carbondale"]\nconditions = ["depression", "treatment_resistant_depression"]\n'
     'treatments = ["tms"]', 'treatments = ["tms"]', ["rule 'tms-asked' sends albany leads to 'tms', not theirs"]),
    # safety.toml, forms.toml, claims.toml, personas.toml
    ("safety.toml", r"'\bkms\b'", r"'\bkms('", ["acute has a pattern that is not a regular expression"]),
    ("safety.toml", "review = [", "reviews = [",
     ["review is missing; write a list", "reviews is not a known key"]),
    ("forms.toml", 'consent_version = "2026-11-01"', "consent_version = 2026-11-01",
     ["forms.clinic.consent_version must be a text in quotes"]),
    ("forms.toml", "origins = []", 'default_location = "springfield"',
     ["forms.clinic.default_location knows no 'springfield'; write one of carbondale, albany"]),
    ("claims.toml", 'source = "ketamine-infusion-2024"', 'source = "the-internet"',
     ["claims.depression-common.source knows no article 'the-internet'; write one of ketamine-infusion-2024"]),
    ("claims.toml", 'kind = "medical"', 'kind = "fact"', ["claims.depression-common.kind knows no 'fact'"]),
    ("claims.toml", "needs = []", 'needs = ["fine-print"]', ["needs block 'fine-print', which does not exist"]),
    ("personas.toml", "consent_email = true", 'consent_email = "yes"',
     ["personas[1].consent_email must be true or false"]),
    # emails
    ("emails/goodbye.md", "+++\nid", "---\nid", ["emails/goodbye.md:1: must begin with a line +++"]),
    ("emails/goodbye.md", 'id = "goodbye"', 'id = "farewell"', ["has id 'farewell'; the id must be the file's name"]),
    ("emails/goodbye.md", 'purpose = "educational"', 'purpose = "marketing"',
     ["purpose knows no 'marketing'; write one of acknowledgement, educational"]),
    ("emails/goodbye.md", 'locations = ["carbondale", "albany", "undecided"]', 'locations = ["chicago"]',
     ["locations knows no 'chicago'; write one of carbondale, albany, undecided"]),
    ("emails/goodbye.md", "conditions = []", 'conditions = ["sadness"]', ["conditions knows no 'sadness'"]),
    ("emails/goodbye.md", 'claims = ["consult-is-a-conversation"]', 'claims = ["it-works"]',
     ["names claim 'it-works', which claims.toml does not have"]),
    ("emails/goodbye.md", 'claims = ["consult-is-a-conversation"]', 'claims = ["il-tms-coverage"]',
     ["names claim 'il-tms-coverage', which must not be stated at albany"]),
    ("emails/goodbye.md", 'sources = ["ketamine-infusion-2024"]', 'sources = ["a-blog"]',
     ["sources knows no article 'a-blog'"]),
    ("emails/goodbye.md", 'slots = ["topic"]', 'slots = ["topic", "colour"]',
     ["sequences/anxiety.toml: lacks slot 'colour', which emails/goodbye.md uses"]),
    ("emails/goodbye.md", "review_by = 2027-11-20", 'review_by = "next year"', ["review_by must be a date"]),
    ("emails/goodbye.md", 'subject = "', 'Subject = "', ["subject is missing", "Subject is not a known key"]),
    ("emails/goodbye.md", 'sponsor = "none"', 'sponsor = ""', ["emails/goodbye.md:15: sponsor is empty; write"]),
    ("emails/goodbye.md", 'sponsor = "none"', "sponsor = none", ["emails/goodbye.md", "is not valid TOML"]),
    ("emails/acknowledgement.md", 'purpose = "acknowledgement"', 'purpose = "educational"',
     ["has no acknowledgement.md with the purpose acknowledgement"]),
    # sequences
    ("sequences/ptsd.toml", 'id = "ptsd"', 'id = "trauma"',
     ["has id 'trauma'; the id must be the file's name, 'ptsd'"]),
    ("sequences/ptsd.toml", 'email = "aftercare"', 'email = "after-care"',
     ["step 'aftercare' names email 'after-care', which does not exist"]),
    ("sequences/ptsd.toml", 'email = "aftercare"', 'email = "acknowledgement"',
     ["step 'aftercare' sends 'acknowledgement', which is not educational"]),
    ("sequences/ptsd.toml", 'email = "aftercare"', 'email = "illinois-coverage"',
     ["step 'aftercare' sends 'illinois-coverage' at albany, undecided, for which it is not written"]),
    ("sequences/ptsd.toml", 'wait = "3 days"', 'wait = "three days"',
     ["steps[1].wait is 'three days'; write it as '2 days' or '48 hours'"]),
    ("sequences/ptsd.toml", 'action = "shift"', 'action = "drop"',
     ["steps[1].late.action knows no 'drop'; write one of shift, skip"]),
    ("sequences/ptsd.toml", 'id = "aftercare"', 'id = "session"', ["steps has two steps 'session'"]),
    ("sequences/ptsd.toml", 'id = "aftercare"', 'id = "After Care"', ["is 'After Care'; use lower-case words"]),
    ("sequences/anxiety.toml", "from = 10:00:00, until = 16:00:00", "from = 18:00:00, until = 20:00:00",
     ["step 'paying' has a window outside the clinic's own"]),
    ("sequences/ptsd.toml", "[slots]", "[slot]", ["slot is not a known key"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new", "said"), TIDY_MISTAKES)
def test_each_kind_of_mistake_is_told_with_its_file_and_key(path: str, old: str, new: str, said: list[str]) -> None:
    found = after(path, old, new)
    for words in said:
        assert any(words in problem for problem in found), found
    named = [problem for problem in found if problem.startswith((path, "emails", "layout", "blocks", "sequences/"))]
    assert named, f"no message names {path}: {found}"


@pytest.mark.parametrize(
    "path", ["clinic.toml", "routing.toml", "safety.toml", "forms.toml", "claims.toml", "personas.toml"]
)
def test_a_file_that_is_missing_is_named(path: str) -> None:
    assert f"{path}: is missing" in problems({path: None})


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("emails/acknowledgement.md", "has no acknowledgement.md"),
        ("emails/acknowledgement-confirm.md", "has no acknowledgement-confirm.md"),
        ("emails/goodbye.md", "names email 'goodbye', which does not exist"),
        ("blocks/footer.md", "has no footer.md, which every email ends with"),
        ("blocks/off-label.md", "needs block 'off-label'"),
        ("layout/email.html", "has no email.html"),
        ("layout/email.txt", "has no email.txt"),
        ("sequences/general.toml", "names sequence 'general', which does not exist"),
    ],
)
def test_a_part_that_others_need_is_missed_by_name(path: str, said: str) -> None:
    assert any(said in problem for problem in problems({path: None}))


@pytest.mark.parametrize(
    ("path", "line"), [("clinic.toml", 5), ("routing.toml", 3), ("sequences/ptsd.toml", 7), ("claims.toml", 12)]
)
def test_a_line_that_is_no_toml_is_told_by_its_number(path: str, line: int) -> None:
    lines = files()[path].splitlines()
    lines.insert(line - 1, "this is = no [ toml")
    assert any(
        problem.startswith(f"{path}:{line}: is not valid TOML") for problem in problems({path: "\n".join(lines)})
    )


def test_a_line_of_front_matter_that_is_no_toml_is_told_by_its_number_in_the_file() -> None:
    lines = files()["emails/goodbye.md"].splitlines()
    lines.insert(4, "this is = no [ toml")
    found = problems({"emails/goodbye.md": "\n".join(lines)})
    assert any(problem.startswith("emails/goodbye.md:5: is not valid TOML") for problem in found), found


def test_every_mistake_is_told_at_once() -> None:
    found = problems(
        {
            "clinic.toml": files()["clinic.toml"].replace("latitude", "lattitude"),
            "routing.toml": files()["routing.toml"].replace("zip_max_miles", "zip_max_mile"),
            "safety.toml": "",
            "emails/goodbye.md": "Hello",
        }
    )
    assert {problem.split(":")[0] for problem in found} >= {
        "clinic.toml", "routing.toml", "safety.toml", "emails/goodbye.md",
    }  # fmt: skip


def test_line_ends_of_another_system_change_nothing() -> None:
    windows = {path: text.replace("\n", "\r\n") for path, text in files().items()}
    assert load_catalog(windows).emails.keys() == catalog().emails.keys()


def test_a_folder_that_is_none_is_an_error() -> None:
    with pytest.raises(ContentInvalid):
        read_content_files(TEMPLATES / "nowhere")


def test_the_kind_of_send_follows_from_the_purpose() -> None:
    assert Purpose.ACKNOWLEDGEMENT.send_kind is SendKind.ACKNOWLEDGEMENT
    assert Purpose.EDUCATIONAL.send_kind is SendKind.NURTURE


@pytest.mark.parametrize("location", list(Location))
def test_only_someone_out_of_the_area_reads_what_an_undecided_person_reads(location: Location) -> None:
    expected = Location.UNDECIDED if location is Location.OUT_OF_AREA else location
    assert content_location(location) is expected


def test_the_sequences_that_send_an_email_are_found() -> None:
    assert {sequence.id for sequence in catalog().sequences_with("illinois-coverage")} == {
        "depression", "spravato", "tms",
    }  # fmt: skip
    assert catalog().sequences_with(ACKNOWLEDGEMENT) == ()


# --- Snapshots ---------------------------------------------------------------

contents = st.dictionaries(st.text(max_size=20), st.text(max_size=80), max_size=6)


@given(contents)
def test_a_snapshot_comes_back_as_it_went_in(content: dict[str, str]) -> None:
    assert unpack(pack(content)) == content


@given(contents, contents)
def test_equal_content_has_one_name_in_any_order_and_other_content_another(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert snapshot_hash(one) == snapshot_hash(dict(reversed(one.items())))
    assert (snapshot_hash(one) == snapshot_hash(other)) == (one == other)


def test_text_that_moves_from_one_file_to_another_changes_the_name() -> None:
    assert snapshot_hash({"a": "bc"}) != snapshot_hash({"ab": "c"})
    assert len(snapshot_hash({})) == 32
