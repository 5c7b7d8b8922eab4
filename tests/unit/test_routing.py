"""Which clinic and which sequence a submission belongs to: each sentence of the rules, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

import pytest
import zipcodes
from hypothesis import given
from hypothesis import strategies as st

from tests.support.zip_table import TABLE, table_of_package
from tests.unit.shipped import EVERY_CONDITION, EVERY_TREATMENT, catalog, clinic
from worker.content.load_routing import STATES
from worker.domain.leads import CLINICS, Condition, Location, Treatment
from worker.domain.routing import (
    LocationEvidence,
    Route,
    Topic,
    ZipPlace,
    decide_location,
    decide_sequence,
    read_topic,
    route,
    squash,
)
from worker.usecases.arrival.area_codes import STATE_OF_AREA_CODE
from worker.usecases.arrival.evidence import read_evidence
from worker.usecases.arrival.zip_codes import place_of_zip

CARBONDALE, ALBANY, UNDECIDED, OUT = Location


def evidence(
    choice: str | None = None,
    zip_code: str | None = None,
    state: str | None = None,
    phone: str | None = None,
    form: Location | None = None,
) -> LocationEvidence:
    return read_evidence(choice=choice, zip_code=zip_code, state=state, phone=phone, form_default=form, clinic=clinic())


def where(**typed: object) -> tuple[Location, str]:
    decision = decide_location(evidence(**typed), catalog().routing.location)  # type: ignore[arg-type]
    return decision.location, decision.reason


# --- Location ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "location"),
    [
        # the ids
        ("carbondale", CARBONDALE),
        ("albany", ALBANY),
        # the city or its state, however it is written
        ("Albany, NY", ALBANY),
        ("ALBANY", ALBANY),
        ("  albany  ", ALBANY),
        ("Albany, N.Y.", ALBANY),
        ("Albany (New York)", ALBANY),
        ("New York", ALBANY),
        ("new  york", ALBANY),
        ("ＡＬＢＡＮＹ", ALBANY),  # full-width letters
        ("Carbondale, IL", CARBONDALE),
        ("carbondale-illinois", CARBONDALE),
        ("Illinois", CARBONDALE),
        ("il", CARBONDALE),
        # the brand's own Albany is taken out first
        ("the albany clinic", None),
        ("The Albany Clinic", None),
        ("Albany Clinic", None),
        ("The Albany Clinic.", None),
        ("THE ALBANY\u00a0CLINIC", None),
        ("the  albany   clinic", None),
        ("The Albany-Clinic", None),
        ("The Albany\nClinic", None),
        ("The Albany Clinics", None),
        ("The Albany Clinic's", None),
        ("The Albany Clinic’s", None),
        ("Albany Clinic in Carbondale", CARBONDALE),
        ("The Albany Clinic in Carbondale", CARBONDALE),
        ("The Albany Clinic, Carbondale IL", CARBONDALE),
        ("The Albany Clinic in Albany, New York", ALBANY),
        ("The Albany Clinic (Albany)", ALBANY),
        # both, neither, or something else
        ("Carbondale or Albany", None),
        ("Albany, but Illinois is fine too", None),
        ("the nearest one", None),
        ("", None),
        ("   ", None),
        ("undecided", None),
        ("out_of_area", None),
        ("albanya", None),
        ("illness", None),
    ],
)
def test_a_choice_names_a_city_or_its_state_after_the_brand_is_taken_out(typed: str, location: Location | None) -> None:
    assert where(choice=typed) == ((location, "choice") if location else (UNDECIDED, "no_evidence"))


@pytest.mark.parametrize(
    ("zip_code", "location", "reason"),
    [
        ("62901", CARBONDALE, "zip"),
        ("12207", ALBANY, "zip"),
        ("63101", CARBONDALE, "zip"),  # St. Louis, Missouri
        ("42001", CARBONDALE, "zip"),  # Paducah, Kentucky
        ("05401", ALBANY, "zip"),  # Burlington, Vermont
        ("10001", ALBANY, "zip"),  # New York City
        ("02108", ALBANY, "zip"),  # Boston
        ("60601", CARBONDALE, "state"),  # Chicago: 300 miles away, in a state that Carbondale serves
        ("14201", ALBANY, "state"),  # Buffalo: 250 miles away
        ("90210", OUT, "state"),  # California
        ("09001", OUT, "state"),  # a military address in Europe
        ("00501", ALBANY, "zip"),  # Holtsville, New York: the lowest number
        ("99950", OUT, "state"),  # Ketchikan, Alaska: the highest one
    ],
)
def test_a_zip_belongs_to_the_nearest_clinic_within_200_miles(zip_code: str, location: Location, reason: str) -> None:
    assert where(zip_code=zip_code) == (location, reason)


@pytest.mark.parametrize("zip_code", ["62901-1234", "62901 1234", "629011234", " 62901 ", "62901\n"])
def test_a_zip_code_may_be_written_with_its_four_more_digits(zip_code: str) -> None:
    assert where(zip_code=zip_code) == (CARBONDALE, "zip")


@pytest.mark.parametrize(
    "zip_code",
    ["00000", "abc", "", "5401", "629", "6290100", "6290I", "K1A 0B1", "62901-", "-", "None", "62901; drop", "\x00",
     "６２９０１", "٦٢٩٠١", "६२९०१", "6290１", "62901-١٢٣٤"],
)  # fmt: skip
def test_a_zip_code_that_is_none_is_no_evidence(zip_code: str) -> None:
    """Digits of other scripts among them: the look-up must never see them."""
    assert where(zip_code=zip_code) == (UNDECIDED, "no_evidence")


@given(st.text(max_size=12) | st.from_regex(r"\s*\d{5}(?:[-\s]?\d{4})?\s*", fullmatch=True))
def test_no_zip_code_is_too_odd_to_look_up(zip_code: str) -> None:
    """Digits of other scripts among them: on some the table's look-up ends the process, so it must never see them."""
    found = evidence(zip_code=zip_code).zip_place
    assert found is None or len(found.state) == 2


@pytest.mark.parametrize(
    ("at_the_border", "location"),
    [({CARBONDALE: 200.0, ALBANY: 700.0}, CARBONDALE), ({CARBONDALE: 200.1, ALBANY: 700.0}, OUT),
     ({CARBONDALE: 199.0, ALBANY: 198.0}, ALBANY), ({}, OUT)],
)  # fmt: skip
def test_200_miles_is_near_and_more_is_not(at_the_border: dict[Location, float], location: Location) -> None:
    place = ZipPlace(state="TX", miles=at_the_border)
    assert decide_location(LocationEvidence(zip_place=place), catalog().routing.location).location == location


@pytest.mark.parametrize(
    ("zip_code", "to_carbondale", "to_albany"),
    [("62901", 1, 883), ("12207", 882, 0), ("60601", 300, 710), ("90210", 1646, 2460)],
)
def test_miles_are_great_circle_miles(zip_code: str, to_carbondale: int, to_albany: int) -> None:
    place = evidence(zip_code=zip_code).zip_place
    assert place is not None
    assert place.miles == {CARBONDALE: pytest.approx(to_carbondale, abs=5), ALBANY: pytest.approx(to_albany, abs=5)}


def test_a_military_zip_has_a_state_and_no_place() -> None:
    assert evidence(zip_code="09001").zip_place == ZipPlace(state="AE", miles={})


SERVED = {
    CARBONDALE: ["IL", "MO", "KY", "IN", "TN", "AR"],
    ALBANY: ["NY", "VT", "MA", "CT", "NJ", "PA", "NH"],
}


@pytest.mark.parametrize("code", sorted(STATES))
def test_each_state_belongs_to_the_clinic_that_serves_it_or_to_nobody(code: str) -> None:
    expected = next((place for place, states in SERVED.items() if code in states), OUT)
    assert where(state=code) == (expected, "state")
    assert where(state=code.lower()) == (expected, "state")
    assert where(state=STATES[code]) == (expected, "state")
    assert where(state=f" {STATES[code].upper()} ") == (expected, "state")


@pytest.mark.parametrize("typed", ["N.Y.", "n y", "New-York", "NEWYORK"])
def test_a_state_is_read_without_punctuation_or_spacing(typed: str) -> None:
    assert where(state=typed) == (ALBANY, "state")


@pytest.mark.parametrize("typed", ["", " ", "Ontario", "XX", "Illinoise", "the albany clinic"])
def test_a_state_that_is_none_is_no_evidence(typed: str) -> None:
    assert where(state=typed) == (UNDECIDED, "no_evidence")


@pytest.mark.parametrize(
    ("phone", "location"),
    [
        ("+16185550111", CARBONDALE),
        ("+13125550111", CARBONDALE),  # Chicago
        ("+15735550111", CARBONDALE),  # Missouri
        ("+15185550178", ALBANY),
        ("+12125550111", ALBANY),
        ("+18025550111", ALBANY),  # Vermont
        ("+13105550111", None),  # California: a mobile number keeps its area code, so it is never out of the area
        ("+14165550111", None),  # Toronto
        ("+442071838750", None),
        ("+18005550111", None),  # toll-free
        ("nonsense", None),
        ("", None),
        ("555", None),
    ],
)
def test_a_phone_number_can_point_to_a_clinic_and_never_out_of_the_area(phone: str, location: Location | None) -> None:
    assert where(phone=phone) == ((location, "phone") if location else (UNDECIDED, "no_evidence"))


def test_the_forms_default_decides_when_nothing_else_does() -> None:
    assert where(form=ALBANY) == (ALBANY, "form")
    assert where(form=ALBANY, phone="+13105550111", choice="the albany clinic") == (ALBANY, "form")


def test_nothing_at_all_is_undecided() -> None:
    assert where() == (UNDECIDED, "no_evidence")


def test_each_rule_gives_way_to_the_one_before_it() -> None:
    typed: dict[str, object] = {
        "choice": "albany",
        "zip_code": "62901",
        "state": "NY",
        "phone": "+16185550111",
        "form": ALBANY,
    }
    for reason, location in (
        ("choice", ALBANY),
        ("zip", CARBONDALE),
        ("state", ALBANY),
        ("phone", CARBONDALE),
        ("form", ALBANY),
    ):
        assert where(**typed) == (location, reason)
        typed.pop(next(iter(typed)))


@pytest.mark.parametrize(
    ("typed", "conflicts"),
    [
        ({"choice": "albany", "zip_code": "62901"}, ("zip:carbondale", "state:carbondale")),
        ({"choice": "albany", "state": "IL", "form": CARBONDALE}, ("state:carbondale", "form:carbondale")),
        ({"choice": "albany", "state": "CA"}, ("state:out_of_area",)),
        ({"zip_code": "12207", "phone": "+16185550111"}, ("phone:carbondale",)),
        ({"choice": "albany", "zip_code": "12207", "state": "NY", "phone": "+15185550178"}, ()),
        ({"choice": "albany", "phone": "+13105550111"}, ()),
    ],
)
def test_signals_that_disagree_are_recorded(typed: dict[str, object], conflicts: tuple[str, ...]) -> None:
    assert decide_location(evidence(**typed), catalog().routing.location).conflicts == conflicts  # type: ignore[arg-type]


# --- Conditions and treatments -----------------------------------------------


@pytest.mark.parametrize(
    ("typed", "condition"),
    [
        ("depression", Condition.DEPRESSION),
        ("  DEPRESSION! ", Condition.DEPRESSION),
        ("Major Depressive Disorder", Condition.DEPRESSION),
        ("M.D.D.", Condition.DEPRESSION),
        ("postpartum-depression", Condition.DEPRESSION),
        ("Treatment-Resistant Depression", Condition.TREATMENT_RESISTANT_DEPRESSION),
        ("treatment resistant  depression", Condition.TREATMENT_RESISTANT_DEPRESSION),
        ("treatment_resistant_depression", Condition.TREATMENT_RESISTANT_DEPRESSION),
        ("trd", Condition.TREATMENT_RESISTANT_DEPRESSION),
        ("PTSD", Condition.PTSD),
        ("P.T.S.D.", Condition.PTSD),
        ("Post-Traumatic Stress Disorder", Condition.PTSD),
        ("trauma", Condition.PTSD),
        ("Social Anxiety", Condition.SOCIAL_ANXIETY),
        ("social-anxiety-disorder", Condition.SOCIAL_ANXIETY),
        ("anxiety", Condition.ANXIETY),
        ("G.A.D.", Condition.ANXIETY),
        ("panic attacks", Condition.ANXIETY),
        ("CRPS", Condition.CRPS),
        ("complex regional pain syndrome", Condition.CRPS),
        ("Fibromyalgia", Condition.FIBROMYALGIA),
        ("fibro", Condition.FIBROMYALGIA),
        ("nerve pain", Condition.NEUROPATHIC_PAIN),
        ("Neuropathic Pain", Condition.NEUROPATHIC_PAIN),
        ("chronic pain", Condition.CHRONIC_PAIN),
        ("ｐａｉｎ", Condition.CHRONIC_PAIN),
        ("I don't know", Condition.NOT_SAID),
        ("I don’t know", Condition.NOT_SAID),
        ("Prefer not to say", Condition.NOT_SAID),
        ("something else", Condition.OTHER),
    ],
)
def test_a_condition_is_matched_without_case_punctuation_or_spacing(typed: str, condition: Condition) -> None:
    topic = read_topic([typed], None, catalog().routing)
    assert (topic.condition, topic.conditions, topic.has_unknown_text) == (condition, frozenset({condition}), False)


@pytest.mark.parametrize("condition", EVERY_CONDITION)
def test_every_condition_is_known_by_its_own_id(condition: Condition) -> None:
    for typed in (condition.value, condition.value.replace("_", " ").title(), condition.value.replace("_", "-")):
        assert read_topic([typed], None, catalog().routing).condition is condition


@pytest.mark.parametrize("typed", ["insomnia", "my knee since the spring", "---", "депрессия", "😀"])
def test_unknown_text_becomes_other_and_says_so(typed: str) -> None:
    topic = read_topic([typed], None, catalog().routing)
    assert (topic.condition, topic.has_unknown_text) == (Condition.OTHER, True)


@pytest.mark.parametrize("typed", [[], [""], ["  ", "\n"]])
def test_a_blank_condition_is_not_said(typed: list[str]) -> None:
    topic = read_topic(typed, None, catalog().routing)
    assert (topic.condition, topic.conditions, topic.has_unknown_text) == (
        Condition.NOT_SAID,
        frozenset({Condition.NOT_SAID}),
        False,
    )


PRECEDENCE = [
    Condition.TREATMENT_RESISTANT_DEPRESSION, Condition.DEPRESSION, Condition.PTSD, Condition.SOCIAL_ANXIETY,
    Condition.ANXIETY, Condition.CRPS, Condition.FIBROMYALGIA, Condition.NEUROPATHIC_PAIN, Condition.CHRONIC_PAIN,
    Condition.OTHER,
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [pair for pair in product(PRECEDENCE, repeat=2) if pair[0] != pair[1]])
def test_of_several_conditions_the_first_in_precedence_routes_and_the_rest_are_kept(
    one: Condition, other: Condition
) -> None:
    topic = read_topic([one.value, other.value], None, catalog().routing)
    assert topic.condition is min(one, other, key=PRECEDENCE.index)
    assert topic.conditions == {one, other}


def test_not_said_beside_a_condition_says_nothing() -> None:
    topic = read_topic(["not sure", "ptsd"], None, catalog().routing)
    assert topic.conditions == {Condition.PTSD}


@pytest.mark.parametrize(
    ("typed", "treatment"),
    [
        ("iv_ketamine", Treatment.IV_KETAMINE),
        ("IV Ketamine", Treatment.IV_KETAMINE),
        ("I.V. ketamine infusion", Treatment.IV_KETAMINE),
        ("ketamine", Treatment.IV_KETAMINE),
        ("Spravato®".rstrip("®"), Treatment.SPRAVATO),
        ("Spravato®", Treatment.SPRAVATO),
        ("esketamine", Treatment.SPRAVATO),
        ("T.M.S.", Treatment.TMS),
        ("Transcranial Magnetic Stimulation", Treatment.TMS),
        ("massage", None),
        ("", None),
        (None, None),
    ],
)
def test_a_treatment_of_interest_is_matched_the_same_way(typed: str | None, treatment: Treatment | None) -> None:
    assert read_topic([], typed, catalog().routing).treatment is treatment


# --- Sequences ---------------------------------------------------------------


def expected_sequence(location: Location, condition: Condition, treatment: Treatment | None) -> str | None:
    """The routing table as a person would tell it."""
    if location is OUT:
        return None
    if condition in {Condition.DEPRESSION, Condition.TREATMENT_RESISTANT_DEPRESSION}:
        asked_here = location is CARBONDALE and treatment in {Treatment.SPRAVATO, Treatment.TMS}
        return treatment.value if asked_here and treatment else "depression"
    if condition in {Condition.OTHER, Condition.NOT_SAID}:
        return "iv-ketamine" if treatment is Treatment.IV_KETAMINE else "general"
    pain = {Condition.CRPS, Condition.FIBROMYALGIA, Condition.NEUROPATHIC_PAIN, Condition.CHRONIC_PAIN}
    return "chronic-pain" if condition in pain else condition.value.replace("_", "-")


@pytest.mark.parametrize("location", list(Location))
def test_every_combination_has_the_sequence_that_the_table_says(location: Location) -> None:
    for condition, treatment in product(EVERY_CONDITION, EVERY_TREATMENT):
        topic = Topic(condition=condition, conditions=frozenset({condition}), treatment=treatment)
        sequence, because = decide_sequence(location, topic, catalog().routing)
        assert sequence == expected_sequence(location, condition, treatment), (condition, treatment)
        assert because
        if sequence is not None:
            assert catalog().sequences[sequence].plan_for(location).steps


CHOICES = (None, "carbondale", "albany", "the albany clinic", "somewhere")
ZIPS = (None, "62901", "12207", "90210", "nonsense")
STATES_TYPED = (None, "IL", "NY", "CA", "nonsense")
PHONES = (None, "+16185550111", "+15185550178", "+13105550111")
FORMS = (None, CARBONDALE, ALBANY)


def every_evidence() -> Iterator[LocationEvidence]:
    places = {typed: evidence(zip_code=typed).zip_place for typed in ZIPS}
    phones = {typed: evidence(phone=typed).phone_state for typed in PHONES}
    for choice, zip_code, state, phone, form in product(CHOICES, ZIPS, STATES_TYPED, PHONES, FORMS):
        yield LocationEvidence(
            choice=choice, zip_place=places[zip_code], state=state, phone_state=phones[phone], form_default=form
        )


def test_every_combination_of_what_is_said_and_missing_has_one_route_with_its_reasons() -> None:
    rules = catalog().routing
    reasons = {"choice", "zip", "state", "phone", "form", "no_evidence"}
    seen: set[Location] = set()
    topics = [
        Topic(condition=condition, conditions=frozenset({condition}), treatment=treatment)
        for condition, treatment in product(EVERY_CONDITION, EVERY_TREATMENT)
    ]
    routes: dict[Location, LocationEvidence] = {}
    for one in every_evidence():
        decision = decide_location(one, rules.location)
        assert decision.reason in reasons
        assert (decision.location is UNDECIDED) == (decision.reason == "no_evidence")
        seen.add(decision.location)
        routes.setdefault(decision.location, one)
    assert seen == set(Location)
    for one, topic in product(routes.values(), topics):
        decided: Route = route(one, topic, rules)
        assert (decided.sequence is None) == (decided.location is OUT)
        assert decided.reason.startswith("location by ")
        assert decided.sequence_reason


texts = st.none() | st.text(max_size=40)


@given(
    texts, texts, texts, texts, st.none() | st.sampled_from(CLINICS), st.lists(st.text(max_size=40), max_size=4), texts
)
def test_no_text_is_too_odd_to_route(
    choice: str | None,
    zip_code: str | None,
    state: str | None,
    phone: str | None,
    form: Location | None,
    conditions: list[str],
    treatment: str | None,
) -> None:
    found = evidence(choice=choice, zip_code=zip_code, state=state, phone=phone, form=form)
    decided = route(found, read_topic(conditions, treatment, catalog().routing), catalog().routing)
    assert decided.location in Location
    assert decided.location_reason


@given(st.text(max_size=60))
def test_squash_leaves_folded_letters_and_digits_and_is_stable(text: str) -> None:
    squashed = squash(text)
    assert squashed.isalnum() or not squashed
    assert squash(f"  {text}.!") == squashed


# --- The tables of ZIP codes and of area codes ---------------------------------


def test_the_table_of_zip_codes_is_the_packages() -> None:
    """After a new release of it: python -m tests.support.zip_table"""
    assert TABLE.read_text(encoding="ascii") == table_of_package()


@pytest.mark.parametrize("row", [zipcodes.matching(text)[0] for text in ("00501", "62901", "12203", "99950")])
def test_a_zip_code_lies_where_the_package_says(row: dict[str, str]) -> None:
    assert place_of_zip(row["zip_code"]) == (row["state"], float(row["lat"]), float(row["long"]))


@pytest.mark.parametrize("text", ["00000", "00502", "62900", "99999"])
def test_a_zip_code_that_does_not_exist_lies_nowhere(text: str) -> None:
    assert place_of_zip(text) is None


def test_each_area_code_has_the_state_in_which_most_of_its_zip_codes_lie() -> None:
    """The table in the code is made from the zipcodes package; a new release of it may need a new table."""
    counts: dict[str, Counter[str]] = {}
    for row in zipcodes.list_all():
        for code in row["area_codes"]:
            counts.setdefault(code, Counter())[row["state"]] += 1
    most = {code: states.most_common(1)[0][1] for code, states in counts.items()}
    differing = {
        code: (STATE_OF_AREA_CODE.get(code), counts[code])
        for code in counts
        if counts[code][STATE_OF_AREA_CODE.get(code, "")] != most[code]
    }
    assert not differing
    assert set(STATE_OF_AREA_CODE) == set(counts)
