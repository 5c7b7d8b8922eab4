"""A person who may be in danger: staff are told again and again until someone acknowledges it, by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.test_alerts import states, world_with_webhook
from tests.support.receiver import receiver
from tests.support.world import World, open_world
from worker.delivery.alerts import AlertText
from worker.domain.forms import TokenCheck
from worker.domain.health import verdict
from worker.domain.paging import UNANSWERED_AFTER
from worker.errors import NotFound, PermanentDeliveryError
from worker.storage import alerts, tables
from worker.storage.broker import Broker
from worker.storage.database import real_now
from worker.storage.spool import Spool
from worker.usecases.desk.acknowledge import acknowledge, acknowledge_quarantined
from worker.usecases.desk.quarantine import dismiss, release
from worker.usecases.health.status import read_status
from worker.usecases.nurture.release_hold import release_hold

DANGER = "I want to die"
HISTORY = "I attempted suicide when I was nineteen."


def crisis_rows(world: World) -> list[dict[str, object]]:
    return [dict(row) for row in world.rows(tables.alerts) if row["kind"].startswith("crisis")]


def wait_until_next_page(world: World) -> timedelta:
    (row,) = crisis_rows(world)
    with world.database.read() as connection:
        return row["not_before"] - real_now(connection)  # type: ignore[operator]


def test_staff_are_told_again_with_growing_pauses_until_someone_acknowledges(world_url: str, tmp_path: Path) -> None:
    with receiver(200) as server, world_with_webhook(world_url, tmp_path, server) as world:
        lead_id = world.lead_from(message=DANGER)
        for told in range(1, 6):
            world.tell_staff()
            pause = timedelta(minutes=5 * told)
            assert pause - timedelta(minutes=1) < wait_until_next_page(world) <= pause
            assert world.tell_staff() == {}, "it waits"
            world.let_retries_come_due()

        urgent = [posted for posted in server.posted if posted["urgent"]]
        assert len(urgent) == 5
        assert "nurture leads acknowledge" in urgent[0]["text"]
        assert "Told 4 times so far" in urgent[-1]["text"]

        assert acknowledge(world.services, lead_id, "jordan") == 1
        assert world.tell_staff() == {}
        world.let_retries_come_due()
        assert world.tell_staff() == {}
        ((done),) = crisis_rows(world)
        assert (done["state"], done["acknowledged_by"]) == ("acknowledged", "jordan")
        assert [entry["actor"] for entry in world.story(lead_id, "acknowledged")] == ["jordan"]
        assert world.lead(lead_id)["hold_reason"] == "crisis_acute", "acknowledged is not released"


def test_what_speaks_of_the_past_is_told_calmly_and_by_the_hour(world_url: str, tmp_path: Path) -> None:
    with receiver(200) as server, world_with_webhook(world_url, tmp_path, server) as world:
        world.post(message=HISTORY)
        world.tell_staff()

        assert not any(posted["urgent"] for posted in server.posted)
        assert "Please read this message today, Carbondale" in [posted["title"] for posted in server.posted]
        assert timedelta(minutes=58) < wait_until_next_page(world) <= timedelta(hours=1)


class Broken:
    """A channel that refuses for good."""

    def post(self, alert: AlertText) -> None:
        raise PermanentDeliveryError("alert_http_404")


def test_an_urgent_message_is_never_given_up_however_the_channel_fails(world_url: str, tmp_path: Path) -> None:
    with open_world(world_url, tmp_path, alerts=Broken()) as world:
        world.post(message=DANGER)
        for _ in range(25):
            world.tell_staff()
            world.let_retries_come_due()

        assert sorted(states(world)) == ["parked", "pending"], "the new lead's own alert is given up, this one is not"
        (row,) = crisis_rows(world)
        assert row["last_code"] == "alert_http_404"
        world.tell_staff()
        assert wait_until_next_page(world) <= timedelta(minutes=5)


def test_it_is_told_before_everything_else(world_url: str, tmp_path: Path) -> None:
    with receiver(200) as server, world_with_webhook(world_url, tmp_path, server) as world:
        for number in range(30):
            world.post(email=f"lead{number}@example.com")
        world.post(email="danger@example.com", message=DANGER)
        world.tell_staff()

        assert server.posted[0]["urgent"]


def test_the_status_says_so_when_nobody_answers(world: World) -> None:
    world.post(message=DANGER)

    def unanswered() -> int:
        broker = Broker("redis://127.0.0.1:1")
        figures = read_status(world.database, broker, Spool(world.folder / "spool")).figures
        broker.close()
        assert ("nobody has acknowledged" in verdict(figures).sentence) == (figures.unanswered > 0)
        return figures.unanswered

    counts = []
    for _ in range(UNANSWERED_AFTER):
        counts.append(unanswered())
        world.tell_staff()
        world.let_retries_come_due()
    assert [*counts, unanswered()] == [0] * UNANSWERED_AFTER + [1]


def test_releasing_a_lead_acknowledges_in_one_recorded_act(world: World) -> None:
    lead_id = world.lead_from(message=DANGER)
    world.tell_staff()

    release_hold(world.services, lead_id, "jordan", "spoke with them")

    assert world.lead(lead_id)["hold_reason"] is None
    assert crisis_rows(world)[0]["state"] == "acknowledged"
    assert [(entry["actor"], entry["detail"]["reason"]) for entry in world.story(lead_id, "released")] == [
        ("jordan", "spoke with them")
    ]
    with pytest.raises(NotFound):
        release_hold(world.services, lead_id, "jordan", "again")


def test_a_second_message_alarms_again_after_the_first_was_acknowledged(world: World) -> None:
    lead_id = world.lead_from(message=DANGER)
    acknowledge(world.services, lead_id, "jordan")
    world.post(message="I am going to kill myself")
    world.tell_staff()

    assert sorted(str(row["state"]) for row in crisis_rows(world)) == ["acknowledged", "paging"]
    assert acknowledge(world.services, lead_id, "jordan") == 1


def test_there_is_nothing_to_acknowledge_twice(world: World) -> None:
    lead_id = world.lead_from(message=DANGER)
    acknowledge(world.services, lead_id, "jordan")

    with pytest.raises(NotFound):
        acknowledge(world.services, lead_id, "sam")
    assert crisis_rows(world)[0]["acknowledged_by"] == "jordan"


def quarantined(world: World) -> str:
    submission = world.submission(message=DANGER, token=TokenCheck(suspicion="token.forged"))
    world.capture(world.envelope(submission))
    return submission.id


def test_a_message_in_quarantine_calls_and_is_acknowledged_without_being_released(world: World) -> None:
    submission_id = quarantined(world)
    assert world.tell_staff() == {"paging": 1}
    assert "nurture quarantine acknowledge" in world.alert_files[0]

    acknowledge_quarantined(world.services, submission_id, "jordan")

    world.let_retries_come_due()
    assert world.tell_staff() == {}
    with pytest.raises(NotFound):
        acknowledge_quarantined(world.services, submission_id, "jordan")


def test_a_released_submission_goes_on_calling_for_its_lead(world: World) -> None:
    submission_id = quarantined(world)
    world.tell_staff()
    lead_id = release(world.services, submission_id, "jordan")

    assert [row["state"] for row in crisis_rows(world)] == ["paging"]
    assert acknowledge(world.services, lead_id, "jordan") == 1


def test_dismissing_a_submission_ends_the_calling(world: World) -> None:
    submission_id = quarantined(world)
    world.tell_staff()
    dismiss(world.services, submission_id, "jordan", "a test of ours")

    assert [row["state"] for row in crisis_rows(world)] == ["acknowledged"]


def test_an_answer_while_staff_are_being_told_is_not_overwritten(world: World) -> None:
    """Acknowledged between the post to the channel and the note that it was told."""
    lead_id = world.lead_from(message=DANGER)
    stock = world.services.alerts

    class Meanwhile:
        def post(self, alert: AlertText) -> None:
            stock.post(alert)
            if "URGENT" in alert.title:
                acknowledge(world.services, lead_id, "jordan")

    world.services.alerts = Meanwhile()
    world.tell_staff()

    assert [row["state"] for row in crisis_rows(world)] == ["acknowledged"]


def test_two_who_acknowledge_at_once_are_not_both_told_that_they_have_it(world: World) -> None:
    lead_id = world.lead_from(message=DANGER)

    def try_to(actor: str) -> bool:
        try:
            return acknowledge(world.services, lead_id, actor) == 1
        except NotFound:
            return False

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(try_to, "abcd")) == 1


def test_counts_of_alerts_name_every_state(world: World) -> None:
    with world.database.read() as connection:
        assert alerts.counts(connection).keys() == {"pending", "paging", "acknowledged", "sent", "parked"}
