"""The calendar of every kind of lead: how many emails, when, and that no word of them is out of place (I4, I5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise, product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shipped import EVERY_CONDITION, EVERY_TREATMENT, LOCATIONS, catalog, clinic, renderer, uses, utc
from worker.content.catalog import content_location
from worker.content.simulate import CalendarEntry, simulate
from worker.domain.leads import Condition, Location, Treatment
from worker.domain.planner import Position, plan_next
from worker.domain.routing import Route, Topic, decide_sequence
from worker.storage.leads import Identity
from worker.storage.sealing import LookupKey
from worker.usecases.sending.compose import compose

SUBMITTED = utc("2026-03-06T22:15-06:00")  # a Friday night, two nights before clocks go forward


def route_of(location: Location, condition: Condition, treatment: Treatment | None = None) -> Route:
    topic = Topic(condition=condition, conditions=frozenset({condition}), treatment=treatment)
    sequence, because = decide_sequence(location, topic, catalog().routing)
    return Route(location=location, sequence=sequence, location_reason="choice", sequence_reason=because)


@cache
def calendar(
    location: Location, condition: Condition, treatment: Treatment | None = None, at: datetime = SUBMITTED
) -> tuple[CalendarEntry, ...]:
    route = route_of(location, condition, treatment)
    return tuple(simulate(renderer(), route, frozenset({condition}), at))


every_lead = pytest.mark.parametrize(("location", "condition"), list(product(LOCATIONS, EVERY_CONDITION)))


@every_lead
def test_a_lead_gets_six_to_eight_emails_with_the_acknowledgement(location: Location, condition: Condition) -> None:
    for treatment in EVERY_TREATMENT:
        entries = calendar(location, condition, treatment)
        assert [entry.decision for entry in entries] == ["send"] * len(entries), entries
        assert 6 <= len(entries) <= 8, [entry.email for entry in entries]
        assert entries[0].email == "acknowledgement"
        assert entries[0].at == SUBMITTED, "an acknowledgement goes out at any hour"
        assert entries[-1].email == "goodbye"
        assert len({entry.email for entry in entries}) == len(entries)


def rules_of_time_hold(entries: tuple[CalendarEntry, ...], location: Location) -> None:
    for entry in entries[1:]:
        for calendar_ in clinic().calendars(location):
            local = entry.at.astimezone(ZoneInfo(calendar_.zone))
            assert 9 <= local.hour < 18, local
            assert local.weekday() < 6, local
            assert not calendar_.is_closed(local.date()), local
    for before, after in pairwise(entries[1:]):
        assert after.at - before.at >= timedelta(hours=48)


@every_lead
def test_every_email_of_a_lead_is_in_the_window_and_two_days_apart(location: Location, condition: Condition) -> None:
    for treatment in EVERY_TREATMENT:
        rules_of_time_hold(calendar(location, condition, treatment), location)


@given(
    st.sampled_from(LOCATIONS),
    st.sampled_from(EVERY_CONDITION),
    st.sampled_from(EVERY_TREATMENT),
    st.integers(0, 300 * 86_400),
)
def test_no_day_of_the_year_breaks_a_rule_of_time(
    location: Location, condition: Condition, treatment: Treatment | None, seconds: int
) -> None:
    """Submitted at any second of the ten months from January 2026: over both DST nights and every holiday."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    entries = tuple(simulate(renderer(), route_of(location, condition, treatment), frozenset({condition}), at))
    assert all(entry.decision == "send" for entry in entries)
    assert 6 <= len(entries) <= 8
    rules_of_time_hold(entries, location)


def test_someone_out_of_the_area_gets_the_acknowledgement_and_then_a_person() -> None:
    entries = calendar(Location.OUT_OF_AREA, Condition.DEPRESSION)
    assert [(entry.email, entry.decision) for entry in entries] == [("acknowledgement", "send")]


def test_without_consent_only_the_acknowledgement_goes_out() -> None:
    route = route_of(Location.ALBANY, Condition.PTSD)
    entries = list(simulate(renderer(), route, frozenset({Condition.PTSD}), SUBMITTED, consent=False))
    assert [(entry.email, entry.decision) for entry in entries] == [("acknowledgement", "send")]


def test_without_an_address_nothing_goes_out_and_the_calendar_says_why() -> None:
    route = route_of(Location.ALBANY, Condition.PTSD)
    entries = list(simulate(renderer(), route, frozenset({Condition.PTSD}), SUBMITTED, has_address=False))
    assert [(entry.decision, entry.reason) for entry in entries] == [("skip", "no_email_address")]


def test_a_review_date_that_passes_holds_the_rest_and_the_calendar_says_so() -> None:
    """Coverage claims end in May 2027: whoever asks in that month is held, never told something stale."""
    at = utc("2027-05-01T10:00-05:00")
    entries = calendar(Location.CARBONDALE, Condition.DEPRESSION, None, at)
    assert (entries[-1].decision, entries[-1].reason) == ("hold", "review_overdue")
    assert all(entry.decision == "send" for entry in entries[:-1])


def test_the_calendar_is_what_the_planner_plans() -> None:
    entries = calendar(Location.ALBANY, Condition.SOCIAL_ANXIETY)
    plan = catalog().sequences["social-anxiety"].plan_for(Location.ALBANY)
    position = Position(last_step=None, anchor=SUBMITTED, last_nurture_at=None)
    now = SUBMITTED
    for entry in entries[1:]:
        planned = plan_next(plan, position, Location.ALBANY, clinic(), now)
        assert planned is not None
        assert (planned.step.id, planned.due_at) == (entry.step, entry.at)
        now = planned.due_at
        position = Position(last_step=planned.step.id, anchor=now, last_nurture_at=now)
    assert plan_next(plan, position, Location.ALBANY, clinic(), now) is None


def test_the_calendar_in_the_readers_hands_is_the_one_of_the_contract() -> None:
    """One lead by hand, with the clock on the wall: over a Sunday, the spring night and a midweek window."""
    entries = calendar(Location.CARBONDALE, Condition.DEPRESSION)
    zone = ZoneInfo("America/Chicago")
    assert [(entry.step, entry.at.astimezone(zone).isoformat(timespec="minutes")) for entry in entries] == [
        (None, "2026-03-06T22:15-06:00"),
        ("options", "2026-03-09T09:00-05:00"),
        ("spravato", "2026-03-13T09:00-05:00"),
        ("tms", "2026-03-18T09:00-05:00"),
        ("risks", "2026-03-23T09:00-05:00"),
        ("coverage", "2026-03-31T10:00-05:00"),
        ("first-visit", "2026-04-06T09:00-05:00"),
        ("goodbye", "2026-04-13T09:00-05:00"),
    ]


# --- What every lead reads ---------------------------------------------------

BRAND = re.compile(r"the\s+albany\s+clinic", re.IGNORECASE)
COVERAGE = r"insur|medicaid|medicare|\bcopay|\bcovered by|prior authori[sz]ation|\byour plan\b|health plan"
WRONG = {
    Location.CARBONDALE: r"\balbany\b|new york|\bNY\b|518-",
    Location.ALBANY: rf"carbondale|illinois|\bIL\b|618-|spravato|esketamine|\btms\b|transcranial|{COVERAGE}",
    # The two clinics' own lines say where each is; beyond them an undecided lead hears what holds for both.
    Location.UNDECIDED: rf"spravato|esketamine|\btms\b|transcranial|medicaid|medicare|{COVERAGE}",
}
PRIVATE = re.compile(
    r"depress|ptsd|anxi|pain|crps|fibro|neuropath|ketamine|spravato|\btms\b|trauma|treatment|insur|suicid",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def messages() -> tuple[tuple[str, Location, str, str], ...]:
    """Every email as it goes out: id, location, its headers, and everything that its reader sees."""
    return tuple(_messages())


def _messages() -> Iterator[tuple[str, Location, str, str]]:
    for email_id, location, sequence in uses():
        send = {
            "id": "00000000-0000-5000-8000-000000000000",
            "lead_id": "00000000-0000-5000-8000-000000000001",
            "email": email_id,
            "location": location,
            "sequence": sequence,
            "kind": catalog().emails[email_id].purpose.send_kind,
        }
        identity = Identity(email="maya@example.com", first_name="Maya")
        lookup = LookupKey(b"a look-up key for tests of content")
        message = compose(renderer(), send, identity, lookup, "https://example.com", SUBMITTED)
        headers = message.content.partition(b"\r\n\r\n")[0].decode()
        compiled = renderer().compiled(email_id, location, sequence)
        yield (
            email_id,
            location,
            headers,
            "\n".join([compiled.subject, compiled.preheader, compiled.text, compiled.html]),
        )


def without_brand(text: str) -> str:
    return BRAND.sub(" ", text)


def without_own_name(text: str) -> str:
    """Senders and addresses carry the brand too: `albanyclinic.example.com`."""
    return without_brand(text).replace("albanyclinic.example.com", " ")


@pytest.mark.parametrize("location", LOCATIONS)
def test_no_word_reaches_a_location_in_which_it_does_not_hold(location: Location) -> None:
    wrong = re.compile(WRONG[location], re.IGNORECASE)
    found = {
        (email_id, match.group())
        for email_id, at, headers, seen in messages()
        if at is location
        for match in wrong.finditer(without_own_name(headers + "\n" + seen))
    }
    assert not found


def test_the_search_for_wrong_words_finds_them_where_they_do_hold() -> None:
    """Otherwise the test above would pass for a misspelled pattern."""
    carbondale = " ".join(seen for _, at, _, seen in messages() if at is Location.CARBONDALE)
    for word in ("carbondale", "illinois", "spravato", r"\btms\b", "your plan", "insur"):
        assert re.search(word, carbondale, re.IGNORECASE), word
    assert re.search(WRONG[Location.CARBONDALE], without_brand("The Albany Clinic in Albany"), re.IGNORECASE)


def test_an_undecided_lead_is_told_of_both_clinics_and_others_of_theirs() -> None:
    for email_id, location, _, seen in messages():
        places = clinic().places_of(content_location(location))
        assert all(place.address in seen and place.licence_line in seen for place in places), (email_id, location)
        others = [place for place in clinic().places.values() if place not in places]
        assert not any(place.address in seen or place.phone in seen for place in others), (email_id, location)


def test_subjects_preheaders_and_headers_say_nothing_of_health() -> None:
    for email_id, location, headers, _ in messages():
        email = catalog().emails[email_id]
        said = re.sub(r"Message-ID:.*|List-Unsubscribe: .*", "", headers)
        for text in (email.subject, email.preheader, said):
            assert not PRIVATE.search(text), (email_id, location, text)


def test_the_acknowledgement_says_nothing_of_health_and_carries_what_helps() -> None:
    for email_id, location, _, seen in messages():
        if email_id.startswith("acknowledgement"):
            said = re.sub(r"<style.*?</style>", "", seen, flags=re.DOTALL)
            assert not PRIVATE.search(said), (email_id, location, PRIVATE.search(said))


def test_every_email_carries_988_and_a_way_to_stop() -> None:
    for email_id, location, headers, seen in messages():
        assert seen.count("988") >= 2, (email_id, location)
        assert "tel:988" in seen
        assert "988lifeline.org" in seen
        assert "List-Unsubscribe: <https://example.com/u/" in headers


def test_every_mention_of_ketamine_comes_with_its_off_label_sentence() -> None:
    for email_id, location, _, seen in messages():
        text = re.sub(r"esketamine", "", seen, flags=re.IGNORECASE)
        if re.search(r"ketamine", text, re.IGNORECASE):
            assert "off-label" in seen, (email_id, location)
        if re.search(r"spravato", seen, re.IGNORECASE):
            assert "It has not been shown to prevent suicide" in seen, (email_id, location)
