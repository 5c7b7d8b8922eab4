"""What people feel, on an idle product: from a form post to its answer, to the database, to staff, to the inbox.

One person at a time, so nothing is grouped and nothing waits for company. The mail server runs in this process.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from uuid import uuid4

import requests
from sqlalchemy import Engine, create_engine, text

from bench.harness import DESK, Bench, Report, Sample, Series, Target
from bench.servers import wait_until
from tests.support.smtp import SmtpSink

ANSWERED, STORED = "answered with 202", "stored in the database"
TOLD, ACCEPTED = "staff alert accepted by the mail server", "acknowledgement accepted by the mail server"


def measure(bench: Bench) -> Report:
    posts = bench.number(40, 2)
    engine = create_engine(bench.product.environment["NURTURE_DATABASE_URL"])
    taken: dict[str, list[list[float]]] = defaultdict(list)
    with requests.Session() as session:
        _one(session, bench)  # whatever is loaded at first use
        for number in range(1, bench.rounds + 1):
            bench.say(f"round {number} of {bench.rounds}")
            times = [_one(session, bench) for _ in range(posts)]
            for name in (ANSWERED, TOLD, ACCEPTED):
                taken[name].append([each[name] for each in times])
            taken[STORED].append([_until_stored(session, bench, engine) for _ in range(max(2, posts // 4))])
    engine.dispose()
    everyone = sorted(1e3 * seconds for each in taken[ACCEPTED] for seconds in each)
    p99 = everyone[min(len(everyone) - 1, int(0.99 * len(everyone)))]
    return Report(
        title="From a form post, idle",
        unit="ms, the middle of a round",
        series=[_series(name, taken[name]) for name in (ANSWERED, STORED, TOLD, ACCEPTED)],
        targets=[
            Target(says="acknowledgement, half within", measured=statistics.median(everyone), at_most=60, unit="ms"),
            Target(says="acknowledgement, 99 of 100 within", measured=p99, at_most=250, unit="ms"),
        ],
        notes=[f"{len(everyone)} posts; the slowest took {everyone[-1]:.0f} ms."],
    )


def _series(name: str, rounds: list[list[float]]) -> Series:
    return Series(name, tuple(Sample(1e3 * statistics.median(times)) for times in rounds))


def _one(session: requests.Session, bench: Bench) -> dict[str, float]:
    """Seconds until each thing has happened for one person."""
    address = f"{uuid4().hex}@example.com"
    begun = time.perf_counter()
    _post(session, bench, address)
    found = {ANSWERED: time.perf_counter() - begun}
    found[ACCEPTED] = _until_mail(bench.sink, address) - begun
    found[TOLD] = _until_mail(bench.sink, DESK) - begun
    bench.sink.clear()
    return found


def _until_mail(sink: SmtpSink, address: str, seconds: float = 60.0) -> float:
    """When a message to this address had arrived."""
    until = time.monotonic() + seconds
    arrived: dict[str, float] = sink.arrivals
    while address not in arrived:
        sink.wait_for(len(sink.messages) + 1, until - time.monotonic())
    return arrived[address]


def _until_stored(session: requests.Session, bench: Bench, engine: Engine) -> float:
    """Seconds until a post stands in the database, by asking again and again."""
    query = text("select count(*) from submissions where reference = :reference")
    begun = time.perf_counter()
    reference = _post(session, bench, f"{uuid4().hex}@example.com")

    def is_stored() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(query, {"reference": reference}).scalar_one())

    wait_until(is_stored, "storing one lead", every_s=0.002)
    seconds = time.perf_counter() - begun
    bench.sink.wait_for(2, 60.0)
    bench.sink.clear()
    return seconds


def _post(session: requests.Session, bench: Bench, address: str) -> str:
    fields = {"email": address, "first_name": "Maya", "location": "carbondale", "condition": "depression"}
    answer = session.post(f"{bench.product.url}/v1/submissions", json=fields | {"consent_email": "yes"}, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["reference"])
