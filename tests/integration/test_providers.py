"""Every provider with an HTTP API keeps one contract: what arrives, what an answer means, what never shows.

Each runs against a stub that checks requests as the provider documents it (`tests/support/providers`).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.letter import LETTER as PLAIN_LETTER
from tests.support.providers.all import STUBS
from tests.support.providers.stub import ProviderStub
from worker.delivery.api import Answer as ApiAnswer
from worker.delivery.api import ApiProvider, retry_after
from worker.delivery.base import Message, Outcome, Receipt
from worker.delivery.mime import Letter, build
from worker.delivery.providers import BY_API, open_provider
from worker.doctor.finding import Level
from worker.doctor.mail_api import check_mail_api
from worker.domain.ids import new_id
from worker.errors import (
    AmbiguousDeliveryError,
    ConfigurationError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from worker.send_rates import USUAL

LETTER = replace(
    PLAIN_LETTER,
    from_name='The "Albany" Clinic, Zoë',
    subject="Was hilft? – a question with ümlauts, an emoji 🌱 and enough words to be folded at least once or twice",
    text="Hello Maya,\n\nsome text – with a dash.\n.\n",
    html='<p>Hello Maya,</p>\n<p>some <a href="https://albanyclinic.example.com/?a=1&amp;b=2">link</a> – here</p>\n',
)
OURS = {
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "OOF, AutoReply",
    "List-Id": f"<{LETTER.list_id}>",
    "Feedback-ID": LETTER.feedback_id,
    "List-Unsubscribe": f"<{LETTER.unsubscribe_url}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
"""Headers that every provider must pass on as they are."""


@pytest.fixture(params=sorted(STUBS))
def stub(request: pytest.FixtureRequest) -> Iterator[ProviderStub]:
    server = STUBS[request.param]()
    yield server
    server.close()


@pytest.fixture
def provider(stub: ProviderStub) -> Iterator[ApiProvider]:
    opened = opened_at(stub.mail_url)
    yield opened
    opened.close()


def opened_at(mail_url: str) -> ApiProvider:
    opened = open_provider(mail_url, Path(), production=False)
    assert isinstance(opened, ApiProvider)
    opened.api.answer_s = 0.5
    return opened


def message(to: str = "maya@example.com", letter: Letter = LETTER) -> Message:
    send_id = new_id()
    content = build(replace(letter, to=to, message_id=f"{send_id}@mail.albanyclinic.example.com"))
    return Message(
        send_id=send_id,
        envelope_from=f"bounce+{send_id.replace('-', '')}@mail.albanyclinic.example.com",
        recipient=to,
        content=content,
    )


def hand_over(provider: ApiProvider, *messages: Message) -> list[Outcome]:
    return [outcome for _, outcome in provider.deliver(messages or [message()])]


class TestEveryProvider:
    """The contract."""

    def test_a_message_arrives_whole_and_gives_a_receipt(self, stub: ProviderStub, provider: ApiProvider) -> None:
        sent = message()
        (receipt,) = hand_over(provider, sent)

        assert isinstance(receipt, Receipt)
        (accepted,) = stub.accepted
        assert (receipt.provider, receipt.provider_message_id) == (provider.name, accepted.id)
        assert (accepted.send_id, accepted.to) == (sent.send_id, "maya@example.com")
        read = stub.read(accepted)
        assert (read.from_name, read.from_address) == (LETTER.from_name, LETTER.from_address)
        assert (read.reply_to, read.subject) == (LETTER.reply_to, LETTER.subject)
        assert (read.text, read.html) == (LETTER.text, LETTER.html)
        assert {name: read.headers.get(name) for name in OURS} == OURS

    def test_an_answer_without_unsubscribe_headers_gets_none(self, stub: ProviderStub, provider: ApiProvider) -> None:
        hand_over(provider, message(letter=replace(LETTER, unsubscribe_url=None)))

        assert not [name for name in stub.read(stub.accepted[0]).headers if name.startswith("List-Unsubscribe")]

    @pytest.mark.parametrize("deed", ["drop_before", "drop_after", "500_before", "500_after", "hang", "garbage"])
    def test_whatever_may_have_been_taken_is_in_doubt(
        self, stub: ProviderStub, provider: ApiProvider, deed: str
    ) -> None:
        stub.next = [deed]
        (outcome,) = hand_over(provider)

        assert type(outcome) is AmbiguousDeliveryError
        assert len(stub.accepted) == ("before" not in deed)
        assert len(stub.requests) == 1, "nothing was repeated"

    def test_too_many_requests_are_tried_again_after_the_wait_asked_for(
        self, stub: ProviderStub, provider: ApiProvider
    ) -> None:
        stub.next = ["429"]
        refused, taken = hand_over(provider, message()) + hand_over(provider, message())

        assert isinstance(refused, TransientDeliveryError)
        assert refused.retry_after is not None
        assert timedelta(seconds=3) < refused.retry_after <= timedelta(seconds=7)
        assert not refused.is_our_fault
        assert isinstance(taken, Receipt)

    def test_a_redirect_is_not_followed(self, stub: ProviderStub, provider: ApiProvider) -> None:
        stub.next = ["redirect"]
        (outcome,) = hand_over(provider)

        assert isinstance(outcome, TransientDeliveryError)
        assert outcome.is_our_fault
        assert len(stub.requests) == 1

    def test_credentials_that_are_refused_are_our_fault(self, stub: ProviderStub, provider: ApiProvider) -> None:
        stub.credentials = "another"
        (outcome,) = hand_over(provider)

        assert isinstance(outcome, TransientDeliveryError)
        assert outcome.is_our_fault
        assert stub.accepted == []

    def test_the_doctor_sees_whether_the_credentials_are_taken_and_sends_nothing(
        self, stub: ProviderStub, provider: ApiProvider
    ) -> None:
        good = [finding.level for finding in check_mail_api(provider)]
        stub.credentials = "another"
        refused = list(check_mail_api(provider))
        stub.close()
        provider.close()
        away = [finding.level for finding in check_mail_api(provider)]

        assert good == [Level.OK, Level.OK]
        assert [finding.level for finding in refused] == [Level.OK, Level.FAILED]
        assert "another" not in str(refused)
        assert away == [Level.FAILED]
        assert {request.method for request in stub.requests} == {"GET"}

    def test_a_domain_that_is_not_verified_is_our_fault(self, stub: ProviderStub, provider: ApiProvider) -> None:
        stub.domains = set()
        (outcome,) = hand_over(provider)

        assert isinstance(outcome, TransientDeliveryError), outcome
        assert outcome.is_our_fault

    def test_a_quota_that_is_used_up_is_our_fault(self, stub: ProviderStub, provider: ApiProvider) -> None:
        stub.quota = 0
        (outcome,) = hand_over(provider)

        assert isinstance(outcome, TransientDeliveryError), outcome
        assert outcome.is_our_fault

    def test_a_message_that_is_too_large_is_refused_for_good(self, stub: ProviderStub, provider: ApiProvider) -> None:
        stub.max_bytes = 100
        (outcome,) = hand_over(provider)

        assert type(outcome) is PermanentDeliveryError
        assert not outcome.address_is_bad

    def test_a_provider_that_is_not_there_took_nothing(self, stub: ProviderStub) -> None:
        with socket.create_server(("127.0.0.1", 0)) as placeholder:
            nowhere = f"http://127.0.0.1:{placeholder.getsockname()[1]}"
        provider = opened_at(stub.mail_url.replace(stub.endpoint, nowhere))

        for outcome in hand_over(provider, message(), message()):
            assert isinstance(outcome, TransientDeliveryError)
            assert not outcome.is_our_fault

    def test_an_error_says_no_more_than_a_code(self, stub: ProviderStub, provider: ApiProvider) -> None:
        stub.domains = set()
        (outcome,) = hand_over(provider)

        assert isinstance(outcome, TransientDeliveryError)
        assert outcome.code.startswith(f"{provider.name}_")
        assert len(outcome.code) <= 40
        assert "@" not in str(outcome)
        assert stub.credentials not in f"{outcome!r} {provider!r} {provider.api!r} {provider.account}"

    def test_the_connection_is_kept_for_a_group_and_not_trusted_after_a_rest(
        self, stub: ProviderStub, provider: ApiProvider
    ) -> None:
        hand_over(provider, message("one@example.com"), message("two@example.com"))
        hand_over(provider, message("three@example.com"))
        assert stub.connections == 1

        provider.api.idle_since(60)
        hand_over(provider, message("four@example.com"))
        assert stub.connections == 2
        assert [accepted.to for accepted in stub.accepted] == [
            f"{n}@example.com" for n in ("one", "two", "three", "four")
        ]

    def test_each_message_of_a_group_gets_its_own_outcome(self, stub: ProviderStub, provider: ApiProvider) -> None:
        stub.bad_addresses = {"bad@example.com"}
        people = [f"{n}@example.com" for n in ("one", "bad", "two")]

        outcomes = hand_over(provider, *[message(person) for person in people])

        assert [type(outcome) for outcome in outcomes] == [Receipt, PermanentDeliveryError, Receipt]
        assert [accepted.to for accepted in stub.accepted] == ["one@example.com", "two@example.com"]

    def test_whoever_stops_asking_between_batches_knows_that_the_rest_was_not_sent(
        self, stub: ProviderStub, provider: ApiProvider
    ) -> None:
        messages = [message() for _ in range(provider.batch_size + 2)]
        outcomes = provider.deliver(messages)
        for _ in range(provider.batch_size):
            next(outcomes)
        outcomes.close()  # type: ignore[attr-defined]

        assert len(stub.accepted) == provider.batch_size

    def test_a_closed_provider_can_be_used_again(self, stub: ProviderStub, provider: ApiProvider) -> None:
        for _ in range(2):
            assert isinstance(hand_over(provider)[0], Receipt)
            provider.close()

    def test_what_it_can_look_up_it_finds_and_nothing_else(self, stub: ProviderStub, provider: ApiProvider) -> None:
        sent = message()
        stub.next = ["drop_after"]
        hand_over(provider, sent)

        found = provider.lookup(sent.send_id)
        if not provider.can_look_up:
            assert found is None
            return
        assert found == Receipt(provider=provider.name, provider_message_id=stub.accepted[0].id)
        assert provider.lookup(new_id()) is None
        stub.close()
        provider.close()
        assert provider.lookup(sent.send_id) is None, "no answer is no knowledge"


# --- idempotency keys ---


@pytest.fixture
def resend() -> Iterator[ProviderStub]:
    server = STUBS["resend"]()
    yield server
    server.close()


def test_the_same_key_and_message_is_one_email(resend: ProviderStub) -> None:
    provider, sent = opened_at(resend.mail_url), message()
    resend.next = ["500_after"]
    (doubt,) = hand_over(provider, sent)
    (receipt,) = hand_over(provider, sent)

    assert isinstance(doubt, AmbiguousDeliveryError)
    assert isinstance(receipt, Receipt)
    assert receipt.provider_message_id == resend.accepted[0].id
    assert len(resend.accepted) == 1


def test_the_same_key_with_another_message_or_still_running_is_in_doubt(resend: ProviderStub) -> None:
    provider, sent = opened_at(resend.mail_url), message()
    hand_over(provider, sent)
    (other,) = hand_over(provider, replace(sent, content=sent.content.replace(b"Hello", b"Howdy")))
    resend.running = {sent.send_id}
    (running,) = hand_over(provider, sent)

    assert [type(other), type(running)] == [AmbiguousDeliveryError] * 2
    assert str(other) == "resend_invalid_idempotent_request"
    assert str(running) == "resend_concurrent_idempotent_requests"


def test_a_key_is_remembered_for_longer_than_we_rely_on_it(resend: ProviderStub) -> None:
    provider, sent = opened_at(resend.mail_url), message()
    hand_over(provider, sent)
    resend.now = lambda clock=resend.now: clock() + 23.9 * 3600
    hand_over(provider, sent)

    assert len(resend.accepted) == 1
    assert provider.key_ttl == timedelta(hours=24)


# --- the address of a provider ---


def test_every_provider_has_a_stub_that_it_is_tried_against() -> None:
    assert BY_API.keys() == STUBS.keys()


def test_every_provider_has_a_usual_rate_without_which_nothing_would_hold_us_back() -> None:
    assert BY_API.keys() <= USUAL.keys()


@pytest.mark.parametrize("scheme", sorted(BY_API))
@pytest.mark.parametrize(
    "rest", ["", "//", "//host.example.com", "//@host.example.com", "//key@", "//key@host.example.com/path",
             "//key@host.example.com?nonsense=1", "//a b@host.example.com", "//key@host.example.com?endpoint=ftp://x",
             "//key@[bad", "//kéy@host.example.com", "//:secret@host.example.com"],
)  # fmt: skip
def test_an_address_that_is_not_complete_is_refused_without_being_quoted(scheme: str, rest: str) -> None:
    with pytest.raises(ConfigurationError, match="NRT-E024") as refusal:
        open_provider(f"{scheme}:{rest}", Path(), production=False)
    assert "host.example.com" not in str(refusal.value)


@pytest.mark.parametrize("scheme", sorted(BY_API))
def test_mail_never_leaves_in_clear(scheme: str) -> None:
    url = STUBS[scheme]()
    try:
        with pytest.raises(ConfigurationError, match="NRT-E021"):
            open_provider(url.mail_url, Path(), production=True)
        with pytest.raises(ConfigurationError, match="NRT-E021"):
            open_provider(url.mail_url.replace("127.0.0.1", "mail.example.com"), Path(), production=False)
    finally:
        url.close()


def test_an_unknown_scheme_is_told_all_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match="NRT-E022") as refusal:
        open_provider("pigeon://secret@loft", Path(), production=False)
    assert "secret" not in str(refusal.value)
    assert all(f"{scheme}://" in refusal.value.hint for scheme in BY_API)


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("0", timedelta(seconds=1)),
        ("999999999999", timedelta(hours=6)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", timedelta(seconds=1)),
        ("Wed, 21 Oct 2065 07:28:00 GMT", timedelta(hours=6)),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_a_wait_is_read_in_seconds_or_as_a_date_and_never_too_long(given: str, wait: timedelta | None) -> None:
    assert retry_after(ApiAnswer(status=429, json={}, headers={"Retry-After": given})) == wait
