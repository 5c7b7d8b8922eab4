"""Staff alerts: in seconds, at least once, and never with contact or health data in them (I6, I8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.receiver import Receiver, receiver
from tests.support.smtp import SmtpSink
from tests.support.telling import HERE, SECRET
from tests.support.world import PUBLIC_URL, ScriptedProvider, World, open_world
from worker.delivery.alerts import AlertText, MailAlerts, open_alerts
from worker.delivery.smtp import SmtpProvider, SmtpSettings
from worker.domain.leads import Condition
from worker.errors import (
    AmbiguousDeliveryError,
    ConfigurationError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from worker.storage import alerts, tables
from worker.storage.alerts import LEASE
from worker.storage.database import real_now
from worker.usecases.health.deliver_alerts import MAX_ATTEMPTS


@contextmanager
def world_with_webhook(url: str, folder: Path, server: Receiver) -> Iterator[World]:
    channel = open_alerts(server.url, ScriptedProvider(), "alerts@clinic.example.com", folder, HERE)
    with open_world(url, folder, alerts=channel) as world:
        try:
            yield world
        finally:
            channel._session.close()  # type: ignore[attr-defined]


def states(world: World) -> list[str]:
    return [row["state"] for row in world.rows(tables.alerts)]


def words_that_must_not_leak() -> list[str]:
    said = [*SECRET.values(), "5550173", "0173", "quillfeather", "worries", "PTSD"]
    return [*said, *(condition.value for condition in Condition if condition is not Condition.OTHER)]


def test_a_webhook_is_told_of_a_new_lead_once(world_url: str, tmp_path: Path) -> None:
    with receiver(200) as server, world_with_webhook(world_url, tmp_path, server) as world:
        lead_id = world.lead_from(**SECRET)

        assert world.tell_staff() == {"sent": 1}
        assert world.tell_staff() == {}

        (posted,) = server.posted
        assert posted["title"] == "New consultation request, Carbondale"
        assert world.lead(lead_id)["reference"] in posted["text"]
        assert "02 Mar 10:00 CST" in posted["text"]
        assert posted["link"].startswith(PUBLIC_URL)
        assert posted["urgent"] is False
        assert [entry["detail"]["alert"] for entry in world.story(lead_id, "alerted")] == ["new_lead"]


def test_an_alert_says_where_when_and_which_and_nothing_about_the_person(world_url: str, tmp_path: Path) -> None:
    with receiver(200) as server, world_with_webhook(world_url, tmp_path, server) as world:
        world.post(**SECRET)
        world.post(**{**SECRET, "message": "I want to die"})
        world.post(email=None, phone="618-555-0173")
        world.tell_staff()

        said = json.dumps(server.posted).casefold()
        assert len(server.posted) == 4
        assert [word for word in words_that_must_not_leak() if word.casefold() in said] == []
        assert "die" not in said.split()


def test_a_crisis_alert_is_urgent(world_url: str, tmp_path: Path) -> None:
    with receiver(200) as server, world_with_webhook(world_url, tmp_path, server) as world:
        world.post(message="I want to die")
        world.tell_staff()

        urgent = [posted for posted in server.posted if posted["urgent"]]
        assert [posted["title"] for posted in urgent] == ["URGENT: please look at this message now, Carbondale"]


@pytest.mark.parametrize("trouble", [500, 503, 429, 408])
def test_a_webhook_in_trouble_is_tried_again(world_url: str, tmp_path: Path, trouble: int) -> None:
    with receiver(trouble, 200) as server, world_with_webhook(world_url, tmp_path, server) as world:
        world.post()
        assert world.tell_staff() == {"pending": 1}
        assert world.tell_staff() == {}, "it waits"
        (row,) = world.rows(tables.alerts)
        with world.database.read() as connection:
            assert timedelta(seconds=3) < row["not_before"] - real_now(connection) <= timedelta(seconds=5)

        world.let_retries_come_due()
        assert world.tell_staff() == {"sent": 1}
        assert [posted["id"] for posted in server.posted] == [row["id"]] * 2


@pytest.mark.parametrize("refusal", [404, 400, 401, 301, 302, 307])
def test_a_webhook_that_refuses_or_redirects_parks_the_alert(world_url: str, tmp_path: Path, refusal: int) -> None:
    with receiver(refusal) as server, world_with_webhook(world_url, tmp_path, server) as world:
        lead_id = world.lead_from()

        assert world.tell_staff() == {"parked": 1}

        assert server.paths == ["/hook"], "a redirect was followed: whoever is there would read our alerts"
        (row,) = world.rows(tables.alerts)
        assert row["last_code"] == f"alert_http_{refusal}"
        assert [entry["detail"]["code"] for entry in world.story(lead_id, "alert_parked")] == [f"alert_http_{refusal}"]


def test_an_alert_that_never_gets_through_is_parked_in_the_end(world_url: str, tmp_path: Path) -> None:
    with receiver(500) as server, world_with_webhook(world_url, tmp_path, server) as world:
        world.post()
        for _ in range(MAX_ATTEMPTS):
            world.let_retries_come_due()
            world.tell_staff()

        assert states(world) == ["parked"]
        assert len(server.posted) == MAX_ATTEMPTS


def test_a_webhook_that_is_not_there_is_tried_again(world_url: str, tmp_path: Path) -> None:
    with receiver(200) as server:
        gone = server
    with world_with_webhook(world_url, tmp_path, gone) as world:
        world.post()

        assert world.tell_staff() == {"pending": 1}
        assert [row["last_code"] for row in world.rows(tables.alerts)] == ["alert_unreachable"]


def test_an_alert_by_email_reaches_the_front_desk_and_says_no_more(
    world_url: str, tmp_path: Path, smtp_sink: SmtpSink
) -> None:
    provider = SmtpProvider(SmtpSettings.from_url(f"{smtp_sink.url}?tls=none"))
    channel = open_alerts("mailto:desk@clinic.example.com", provider, "alerts@clinic.example.com", tmp_path, HERE)
    with open_world(world_url, tmp_path, provider=provider, alerts=channel) as world:
        reference = world.lead(world.lead_from(**SECRET))["reference"]
        assert world.tell_staff() == {"sent": 1}

    (received,) = smtp_sink.wait_for(1)
    assert received.recipients == ("desk@clinic.example.com",)
    assert received.message["Subject"] == "New consultation request, Carbondale"
    body = received.message.get_body(("plain",))
    assert body is not None
    assert reference in body.get_content()
    assert [word for word in words_that_must_not_leak() if word.casefold() in received.raw.decode().casefold()] == []


@pytest.mark.parametrize(
    ("outcome", "raised"),
    [
        (AmbiguousDeliveryError("smtp_no_answer_after_data"), TransientDeliveryError),
        (TransientDeliveryError("smtp_451"), TransientDeliveryError),
        (PermanentDeliveryError("smtp_550"), PermanentDeliveryError),
    ],
)
def test_an_alert_by_email_of_a_doubtful_end_is_rather_sent_twice_than_never(
    outcome: Exception, raised: type[Exception]
) -> None:
    channel = MailAlerts("desk@clinic.example.com", ScriptedProvider(answer=lambda _: outcome), "a@clinic.example.com")  # type: ignore[arg-type,return-value]

    with pytest.raises(raised):
        channel.post(AlertText(id="1", title="A title", body="A body", link=PUBLIC_URL, urgent=False))


def test_without_a_channel_alerts_are_files_on_this_machine(world: World) -> None:
    world.post(**SECRET)
    world.tell_staff()

    (alert,) = world.alert_files
    assert alert.startswith("New consultation request, Carbondale")
    assert [word for word in words_that_must_not_leak() if word.casefold() in alert.casefold()] == []


def test_a_folder_that_cannot_be_written_is_tried_again(world: World) -> None:
    world.post()
    folder = world.folder / "alerts"
    folder.rmdir()

    assert world.tell_staff() == {"pending": 1}

    folder.mkdir()
    world.let_retries_come_due()
    assert world.tell_staff() == {"sent": 1}


def test_workers_that_tell_staff_at_once_tell_each_thing_once(world_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(receiver(200))
        workers = [stack.enter_context(world_with_webhook(world_url, tmp_path, server)) for _ in range(4)]
        for number in range(30):
            workers[0].post(email=f"lead{number}@example.com")
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(World.tell_staff, workers))

        ids = [posted["id"] for posted in server.posted]
        assert len(ids) == len(set(ids)) == 30


def test_an_alert_of_a_worker_that_died_is_told_by_another_after_a_while(world: World) -> None:
    world.post()
    with world.database.write() as connection:
        assert len(alerts.claim_due(connection, real_now(connection), 10)) == 1
        assert alerts.claim_due(connection, real_now(connection), 10) == []
        assert len(alerts.claim_due(connection, real_now(connection) + LEASE, 10)) == 1

    world.let_retries_come_due()
    assert world.tell_staff() == {"sent": 1}


def test_the_same_thing_is_not_told_twice(world: World) -> None:
    submission = world.submission()
    world.capture(world.envelope(submission))
    world.capture(world.envelope(submission))

    assert world.tell_staff() == {"sent": 1}


@pytest.mark.parametrize("url", ["ftp://chat.example.com", "desk@clinic.example.com", "file:///tmp/alerts"])
def test_an_address_that_is_no_channel_is_refused_at_the_start(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        open_alerts(url, ScriptedProvider(), "alerts@clinic.example.com", tmp_path, HERE)
