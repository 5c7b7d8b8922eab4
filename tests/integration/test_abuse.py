"""Crowds, pranks and robots: set aside and never dropped; a person is never turned away because of others."""

from __future__ import annotations

import asyncio
import threading

import pytest
import redis
from starlette.requests import Request

from tests.support.redis_server import RedisServer
from tests.support.turnstile import GOOD, SECRET, turnstile
from worker.client_address import ClientAddress
from worker.intake.captcha import FAILED, UNREACHABLE, Captcha
from worker.intake.headers import content_policy
from worker.intake.limiting import FORM_TIMES, NETWORK_TIMES, REPEATS, Judgement, Limits, network_of
from worker.reach import Reach

LET_IN = Judgement()


def a_post(client: str) -> Request:
    return Request({"type": "http", "client": (client, 1), "headers": []})


def limits(limit: str = "2/minute", redis_url: str = "") -> Limits:
    return Limits(limit, ClientAddress(""), lambda text: f"<{hash(text)}>", redis_url)


def of_client(counted: Limits, client: str, form: str = "clinic") -> Judgement:
    return asyncio.run(counted.of_client(a_post(client), form))


def of_address(counted: Limits, address: str) -> Judgement:
    return asyncio.run(counted.of_address(address))


def test_a_client_that_posts_too_much_is_asked_to_wait_and_its_neighbour_is_not() -> None:
    counted = limits()
    assert [of_client(counted, "192.0.2.1").must_wait for _ in range(3)] == [False, False, True]
    assert of_client(counted, "192.0.2.2") == LET_IN


def test_a_crowd_from_one_network_is_let_in_and_set_aside() -> None:
    counted = limits()
    judged = [of_client(counted, f"192.0.2.{number}") for number in range(2 * NETWORK_TIMES + 3)]

    assert judged[: 2 * NETWORK_TIMES] == [LET_IN] * (2 * NETWORK_TIMES)
    assert {judgement.suspicions for judgement in judged[2 * NETWORK_TIMES :]} == {("rate.network",)}
    assert of_client(counted, "198.51.100.1") == LET_IN


def test_a_flood_on_one_form_is_set_aside_and_other_forms_go_on() -> None:
    counted = limits("1/minute")
    judged = [of_client(counted, f"10.{number}.0.1") for number in range(FORM_TIMES + 1)]

    assert judged[-1].suspicions == ("rate.form",)
    assert of_client(counted, "10.200.0.1", "other") == LET_IN


def test_twenty_posts_in_one_persons_name_in_a_day_look_like_a_prank() -> None:
    counted = limits("1000/minute")
    judged = [of_address(counted, "maya@example.com") for _ in range(REPEATS.amount + 1)]

    assert judged == [LET_IN] * REPEATS.amount + [Judgement(suspicions=("address.repeated",))]
    assert of_address(counted, "daniel@example.com") == LET_IN


@pytest.mark.parametrize(
    ("client", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("testclient", "unknown")],
)
def test_a_network_is_a_24_or_a_64(client: str, network: str) -> None:
    assert network_of(client) == network


def test_intake_hosts_share_their_counts_and_redis_learns_no_address(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushdb()
        hosts = [Limits("2/minute", ClientAddress(""), lambda text: f"{len(text)}", redis_server.url) for _ in range(2)]
        judged = [of_client(hosts[number % 2], "192.0.2.1").must_wait for number in range(3)]

        assert judged == [False, False, True]
        keys = b" ".join(client.scan_iter())
        assert b"nurture:limits" in keys
        assert b"192.0.2" not in keys
        client.flushdb()


def test_without_redis_each_host_counts_alone_and_nobody_waits_for_it() -> None:
    counted = limits(redis_url="redis://127.0.0.1:1/0")
    assert [of_client(counted, "192.0.2.1").must_wait for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("url", ["sentinel://a:26379/0", "nonsense"])
def test_a_broker_that_only_celery_can_reach_leaves_counting_to_each_host(url: str) -> None:
    counted = limits(redis_url=url)
    assert [of_client(counted, "192.0.2.1").must_wait for _ in range(3)] == [False, False, True]


def test_limits_can_be_off() -> None:
    counted = limits("off")
    assert {of_client(counted, "192.0.2.1") for _ in range(50)} == {LET_IN}


# --- CAPTCHA: as Cloudflare documents it ----------------------------------------------------------------------


def ask(url: str, *tokens: str, secret: str = SECRET) -> list[str | None]:
    async def all_of_them() -> list[str | None]:
        captcha = Captcha("site key", secret, url, Reach(allows_loopback=True))
        return [await captcha.suspicion(token) for token in tokens]

    return asyncio.run(all_of_them())


def test_a_good_token_is_good_once_and_cloudflare_learns_nothing_else() -> None:
    with turnstile() as server:
        assert ask(server.url, GOOD, GOOD, "forged") == [None, FAILED, FAILED]
        assert {frozenset(fields) for fields in server.asked} == {frozenset({"secret", "response"})}


def test_no_token_needs_no_question() -> None:
    with turnstile() as server:
        assert ask(server.url, "", "x" * 5000) == [FAILED, FAILED]
        assert server.asked == []


@pytest.mark.parametrize("answer", [b"not json", b"[]", b'"yes"', b'{"success": "true"}', b"{}"])
def test_an_odd_answer_is_no_yes(answer: bytes) -> None:
    with turnstile(answer) as server:
        assert ask(server.url, GOOD)[0] in {FAILED, UNREACHABLE}


def test_when_cloudflare_is_away_or_hangs_the_post_is_set_aside_and_not_refused() -> None:
    assert ask("http://127.0.0.1:1/", GOOD) == [UNREACHABLE]
    with turnstile(hang=threading.Event()) as server:
        assert ask(server.url, GOOD) == [UNREACHABLE]


def test_without_a_secret_nothing_is_asked() -> None:
    assert ask("http://127.0.0.1:1/", "", secret="") == [None]


# --- the policy of pages --------------------------------------------------------------------------------------


def test_a_page_may_run_our_script_alone_and_post_to_us_and_registered_thank_you_pages() -> None:
    policy = dict(part.strip().split(" ", 1) for part in content_policy(["https://clinic.example.com"]).split(";"))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["form-action"] == "'self' https://clinic.example.com"
    assert "frame-src" not in policy
    assert "unsafe" not in content_policy() + content_policy(captcha="https://captcha.example.com")
    assert "https:;" not in content_policy()
