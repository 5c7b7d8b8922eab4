"""Each provider's words become ours, and only words that it signed, lately, are believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support import feedback as posts
from tests.support.feedback import DELIVERED, NOW, SECRETS, SEND, Amazon, Post
from worker.domain.feedback import DeliveryEvent, EventKind
from worker.errors import ConfigurationError, FeedbackRefused
from worker.feedback import mailgun, postmark, resend, sendgrid, ses
from worker.feedback.base import send_id_in, status_in
from worker.feedback.sources import SOURCES, open_sources, read_again
from worker.settings import FEEDBACK_PROVIDERS, load_settings

PROVIDERS = sorted(DELIVERED)


def events_of(post: Post) -> tuple[DeliveryEvent, ...]:
    reading = posts.sources()[post.source].read(post.body)
    assert reading.unmapped == ()
    return reading.events


def the_event(post: Post) -> DeliveryEvent:
    (event,) = events_of(post)
    return event


def ses_bounce(sort: str, sub: str, **recipient: str) -> Post:
    recipients = [{"emailAddress": posts.ADDRESS, **recipient}]
    bounce = {"feedbackId": "0100-b", "bounceType": sort, "bounceSubType": sub, "bouncedRecipients": recipients}
    return posts.ses("Bounce", bounce=bounce)


def mailgun_failed(severity: str, reason: str, **status: Any) -> Post:
    return posts.mailgun("failed", severity=severity, reason=reason, **{"delivery-status": status})


TABLE: list[tuple[Callable[[], Post], EventKind, str]] = [
    (
        lambda: posts.postmark("Bounce", Type="HardBounce", Details="smtp;550 5.1.1 unknown"),
        EventKind.HARD_BOUNCE,
        "5.1.1",
    ),
    (lambda: posts.postmark("Bounce", Type="HardBounce"), EventKind.HARD_BOUNCE, "hardbounce"),
    (
        lambda: posts.postmark("Bounce", Type="SoftBounce", Details="smtp;452 4.2.2 full"),
        EventKind.SOFT_BOUNCE,
        "4.2.2",
    ),
    (lambda: posts.postmark("Bounce", Type="Transient", Details="smtp;550 5.1.1 no"), EventKind.HARD_BOUNCE, "5.1.1"),
    (lambda: posts.postmark("Bounce", Type="HardBounce", Details="550 5.7.26 DMARC"), EventKind.OUR_FAULT, "5.7.26"),
    (lambda: posts.postmark("Bounce", Type="Blocked", Details="no code"), EventKind.OUR_FAULT, "blocked"),
    (lambda: posts.postmark("Bounce", Type="AutoResponder"), EventKind.AUTO_REPLY, "autoresponder"),
    (lambda: posts.postmark("SpamComplaint", Type="SpamComplaint"), EventKind.COMPLAINED, "spamcomplaint"),
    (
        lambda: posts.postmark("SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression"),
        EventKind.UNSUBSCRIBED,
        "",
    ),
    (
        lambda: posts.postmark("SubscriptionChange", SuppressSending=True, SuppressionReason="HardBounce"),
        EventKind.HARD_BOUNCE,
        "",
    ),
    (
        lambda: mailgun_failed("permanent", "bounce", code=550, message="5.1.1 no such user"),
        EventKind.HARD_BOUNCE,
        "5.1.1",
    ),
    (
        lambda: mailgun_failed("permanent", "bounce", code=605, message="Not delivering"),
        EventKind.HARD_BOUNCE,
        "bounce",
    ),
    (lambda: mailgun_failed("permanent", "suppress-bounce", code=605), EventKind.HARD_BOUNCE, "suppress-bounce"),
    (lambda: mailgun_failed("permanent", "suppress-complaint"), EventKind.COMPLAINED, "suppress-complaint"),
    (lambda: mailgun_failed("temporary", "generic", **{"enhanced-code": "4.2.2"}), EventKind.DEFERRED, "4.2.2"),
    (lambda: mailgun_failed("permanent", "old", code=602), EventKind.SOFT_BOUNCE, "old"),
    (lambda: mailgun_failed("permanent", "espblock", **{"enhanced-code": "5.7.1"}), EventKind.OUR_FAULT, "5.7.1"),
    (lambda: posts.mailgun("complained"), EventKind.COMPLAINED, ""),
    (lambda: posts.mailgun("unsubscribed"), EventKind.UNSUBSCRIBED, ""),
    (
        lambda: posts.resend(
            "email.bounced", bounce={"type": "Permanent", "subType": "General", "message": "550 5.1.1"}
        ),
        EventKind.HARD_BOUNCE,
        "5.1.1",
    ),
    (
        lambda: posts.resend("email.bounced", bounce={"type": "Transient", "subType": "MailboxFull", "message": ""}),
        EventKind.SOFT_BOUNCE,
        "mailboxfull",
    ),
    (lambda: posts.resend("email.delivery_delayed"), EventKind.DEFERRED, ""),
    (lambda: posts.resend("email.complained"), EventKind.COMPLAINED, ""),
    (lambda: posts.resend("email.failed", failed={"reason": "reached_daily_quota"}), EventKind.OUR_FAULT, ""),
    (
        lambda: posts.sendgrid("bounce", type="bounce", status="5.1.1", reason="550 unknown"),
        EventKind.HARD_BOUNCE,
        "5.1.1",
    ),
    (lambda: posts.sendgrid("bounce", type="blocked", status="5.7.1"), EventKind.OUR_FAULT, "5.7.1"),
    (
        lambda: posts.sendgrid("bounce", type="blocked", status="", reason="Connection timed out"),
        EventKind.SOFT_BOUNCE,
        "bounce",
    ),
    (lambda: posts.sendgrid("deferred", response="452 4.2.2"), EventKind.DEFERRED, "deferred"),
    (lambda: posts.sendgrid("dropped", reason="Bounced Address"), EventKind.HARD_BOUNCE, "bounced_address"),
    (
        lambda: posts.sendgrid("dropped", reason="Spam Reporting Address"),
        EventKind.COMPLAINED,
        "spam_reporting_address",
    ),
    (lambda: posts.sendgrid("dropped", reason="Recipient List over Package Quota"), EventKind.OUR_FAULT, "dropped"),
    (lambda: posts.sendgrid("spamreport"), EventKind.COMPLAINED, "spamreport"),
    (lambda: posts.sendgrid("group_unsubscribe"), EventKind.UNSUBSCRIBED, "group_unsubscribe"),
    (lambda: ses_bounce("Permanent", "General", status="5.1.1"), EventKind.HARD_BOUNCE, "5.1.1"),
    (lambda: ses_bounce("Permanent", "OnAccountSuppressionList"), EventKind.HARD_BOUNCE, "onaccountsuppressionlist"),
    (lambda: ses_bounce("Transient", "MailboxFull", diagnosticCode="smtp; 552 5.2.2"), EventKind.SOFT_BOUNCE, "5.2.2"),
    (lambda: ses_bounce("Transient", "General", status="5.7.1"), EventKind.OUR_FAULT, "5.7.1"),
    (lambda: posts.ses("Complaint", complaint={"feedbackId": "0100-c"}), EventKind.COMPLAINED, "complaint"),
    (
        lambda: posts.ses("DeliveryDelay", deliveryDelay={"delayType": "MailboxFull"}),
        EventKind.DEFERRED,
        "deliverydelay",
    ),
    (lambda: posts.ses("Reject", reject={"reason": "Bad content"}), EventKind.OUR_FAULT, "reject"),
]


@pytest.mark.parametrize(("make", "kind", "code"), TABLE)
def test_a_foreign_event_becomes_ours(make: Callable[[], Post], kind: EventKind, code: str) -> None:
    event = the_event(make())

    assert (event.kind, event.code, event.send_id) == (kind, code, SEND)


TABLES: list[dict[str, Any]] = [
    postmark._RECORDS,
    postmark._BOUNCES,
    mailgun._EVENTS,
    resend._EVENTS,
    sendgrid._EVENTS,
    ses._EVENTS,
]


def test_every_word_that_a_provider_documents_is_read_or_known_to_mean_nothing() -> None:
    """No row of any table is ever parked, whatever else its event lacks."""
    made = [
        *(posts.postmark(word) for word in postmark._RECORDS if word != "Bounce"),
        *(posts.postmark("Bounce", Type=word) for word in postmark._BOUNCES),
        *(posts.mailgun(word) for word in mailgun._EVENTS),
        *(posts.resend(word) for word in resend._EVENTS if word != "email.bounced"),
        *(posts.resend("email.bounced", bounce={"type": word}) for word in resend._BOUNCES),
        *(posts.sendgrid(word) for word in sendgrid._EVENTS),
        *(posts.ses(word) for word in ses._EVENTS if word != "Bounce"),
        *(ses_bounce(word, "General") for word in ses._BOUNCES),
    ]

    assert len(made) > 60
    assert all(len(events_of(post)) <= 1 for post in made)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_signed_is_believed_and_says_that_the_email_arrived(provider: str) -> None:
    post = DELIVERED[provider]()
    source = posts.sources()[provider]

    source.verify(post.headers, post.body, NOW)

    (event,) = source.read(post.body).events
    assert event.kind is EventKind.DELIVERED
    assert event.send_id == SEND
    assert event.provider_message_id
    assert source.read(post.body) == source.read(post.body), "a repeat has the same event's id"


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name not in {"postmark", "mailgun"}])
def test_one_changed_byte_is_not_believed(provider: str) -> None:
    """Postmark signs nothing and Mailgun no content: there, TLS and the secret are all there is."""
    post = DELIVERED[provider]()
    changed = post.body.replace(b"maya@", b"mara@")
    assert changed != post.body

    with pytest.raises(FeedbackRefused):
        posts.sources()[provider].verify(post.headers, changed, NOW)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"signature": {"timestamp": "1"}}', b"[" * 100_000]
)
def test_strangers_are_refused_and_read_as_nothing(provider: str, body: bytes) -> None:
    source = posts.sources()[provider]

    with pytest.raises(FeedbackRefused):
        source.verify({}, body, NOW)
    assert source.read(body).events == ()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_signature_of_another_secret_is_refused(provider: str) -> None:
    others = {
        "postmark": "albany:another",
        "mailgun": "another",
        "resend": "whsec_" + "QW5vdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=",
    }
    post = DELIVERED[provider]()
    if provider in others:
        source = open_sources({provider: others[provider]})[provider]
        with pytest.raises(FeedbackRefused):
            source.verify(post.headers, post.body, NOW)
    else:
        headers = {name: value[::-1] for name, value in post.headers.items()}
        body = post.body if provider == "sendgrid" else post.body.replace(b'"Signature": "', b'"Signature": "AAAA')
        with pytest.raises(FeedbackRefused):
            posts.sources()[provider].verify(headers, body, NOW)


@pytest.mark.parametrize("provider", ["mailgun", "sendgrid", "ses"])
@pytest.mark.parametrize("age", [timedelta(days=2), timedelta(minutes=-30)])
def test_an_old_or_a_future_signature_is_refused(provider: str, age: timedelta) -> None:
    post = DELIVERED[provider](at=NOW - age)

    with pytest.raises(FeedbackRefused, match="too_old"):
        posts.sources()[provider].verify(post.headers, post.body, NOW)


def test_resend_s_signature_is_good_for_minutes() -> None:
    post = posts.resend(at=NOW - timedelta(days=400))

    with pytest.raises(FeedbackRefused):
        posts.sources()["resend"].verify(post.headers, post.body, NOW)


# --- Amazon ---


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_of_amazon_s_signatures_are_checked(version: str) -> None:
    post = posts.sns("Notification", version=version, Message="{}")

    posts.sources()["ses"].verify(post.headers, post.body, NOW)


def test_a_stranger_s_topic_is_refused_before_anything_is_fetched() -> None:
    amazon = Amazon()
    post = posts.sns("Notification", topic="arn:aws:sns:us-east-1:999999999999:evil", Message="{}")

    with pytest.raises(FeedbackRefused, match="other_topic"):
        posts.sources(amazon)["ses"].verify(post.headers, post.body, NOW)
    assert amazon.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.us-east-1.amazonaws.com.evil.example.com/SimpleNotificationService-1.pem",
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://evil.example.com/SimpleNotificationService-1.pem",
        "https://user@sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
        "https://s3.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com/?Action=x",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_never_fetched(url: str) -> None:
    amazon = Amazon()
    post = posts.sns("Notification", SigningCertURL=url, Message="{}")

    with pytest.raises(FeedbackRefused):
        posts.sources(amazon)["ses"].verify(post.headers, post.body, NOW)
    assert amazon.asked == []


def test_amazon_s_certificate_is_fetched_once() -> None:
    amazon = Amazon()
    source, post = posts.sources(amazon)["ses"], posts.ses()

    for _ in range(3):
        source.verify(post.headers, post.body, NOW)

    assert amazon.asked == [posts.CERTIFICATE_URL]


def test_a_subscription_of_our_topic_is_confirmed_at_amazon_only() -> None:
    amazon = Amazon()
    source = posts.sources(amazon)["ses"]
    url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37"
    post = posts.sns("SubscriptionConfirmation", SubscribeURL=url, Token="2336412f37")

    source.verify(post.headers, post.body, NOW)
    reading = source.read(post.body)
    assert reading.confirm_url == url
    source.confirm(url)

    assert amazon.asked[-1] == url
    with pytest.raises(FeedbackRefused):
        source.confirm("https://evil.example.com/?Action=ConfirmSubscription")


def test_amazon_s_events_are_matched_by_tag_then_return_path_then_the_message_id_that_we_wrote() -> None:
    data = json.loads(json.loads(posts.ses().body)["Message"])
    for removed in ("tags", "source"):
        del data["mail"][removed]
        data["mail"]["headers"] = [{"name": "Message-ID", "value": f"<{SEND}@mail.albanyclinic.example.com>"}]
        assert the_event(posts.sns("Notification", Message=json.dumps(data))).send_id == SEND


# --- what they share ---


def test_an_event_without_our_id_keeps_the_provider_s() -> None:
    event = the_event(posts.postmark(Metadata={}))

    assert event.send_id is None
    assert event.provider_message_id == "883953f4-6105-42a2-a16a-77a8eac79483"


@pytest.mark.parametrize(
    "text",
    [
        SEND,
        SEND.upper(),
        f"<{SEND}@mail.albanyclinic.example.com>",
        f"bounce+{SEND.replace('-', '')}@mail.albanyclinic.example.com",
        f"Maya <bounce+{SEND.replace('-', '')}@mail.albanyclinic.example.com>",
    ],
)
def test_our_id_is_found_wherever_it_is_written(text: str) -> None:
    assert send_id_in(None, "", text) == SEND


@pytest.mark.parametrize(
    "text", ["", "nothing", SEND[:-1], f"{SEND}0", SEND.replace("-5", "-4"), 7, None, "a" * 100_000]
)
def test_what_is_not_our_id_is_none(text: Any) -> None:
    assert send_id_in(text) is None


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("smtp; 550 5.1.1 <maya@example.com>: unknown", "5.1.1"),
        ("550-5.7.26 This mail", "5.7.26"),
        ("host 192.0.2.5 said: 550 no", ""),
        ("version 5.1", ""),
        ("5.1.1.2", ""),
    ],
)
def test_a_status_code_is_told_from_an_address_of_a_host(text: str, status: str) -> None:
    assert status_in(text) == status


def test_every_provider_has_a_setting_for_its_secret_and_a_reader() -> None:
    assert set(FEEDBACK_PROVIDERS) == set(SOURCES) == set(PROVIDERS)
    assert all(read_again(name, b"{}") is not None for name in SOURCES)
    assert read_again("mail", b"{}") is None
    settings = load_settings({f"NURTURE_FEEDBACK_SECRET_{name.upper()}": name for name in FEEDBACK_PROVIDERS})
    assert settings.feedback_secrets == {name: name for name in FEEDBACK_PROVIDERS}


@pytest.mark.parametrize(
    ("name", "secret"), [("sendgrid", "not a key"), ("sendgrid", "aGVsbG8="), ("resend", "whsec_")]
)
def test_a_secret_that_is_none_is_refused_at_the_start_and_never_shown(name: str, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="NRT-E040") as caught:
        open_sources({name: secret})
    assert secret not in str(caught.value).replace(f"SECRET_{name.upper()}", "")


def test_no_secret_is_shown_with_the_settings() -> None:
    settings = load_settings({f"NURTURE_FEEDBACK_SECRET_{name.upper()}": secret for name, secret in SECRETS.items()})

    assert not any(secret in f"{settings!r} {settings}" for secret in SECRETS.values())
