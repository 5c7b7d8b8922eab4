"""People who post the form: each tries until told that it was accepted, with the same key, and writes that down."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from tests.faults.harness.log import Log

_PLACES = ("carbondale", "albany", "")
_TOPICS = ("depression", "anxiety", "ptsd", "chronic_pain", "fibromyalgia", "not_said")


@dataclass
class Clients:
    """Threads that post at a steady pace; `log` holds a line for every answer of 202."""

    url: str
    log: Log
    seed: int
    per_second: float
    threads: int = 4
    seconds_to_answer: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._kept = threading.local()
        self._running = [threading.Thread(target=self._keep_posting, daemon=True) for _ in range(self.threads)]

    def start(self) -> None:
        for thread in self._running:
            thread.start()

    def stop_while(self, keep_going: Callable[[], None]) -> None:
        """No new people; those who wait for an answer get it first, or give up after a while."""
        self._stop.set()
        while any(thread.is_alive() for thread in self._running):
            keep_going()
            time.sleep(0.05)

    def _keep_posting(self) -> None:
        pause = self.threads / self.per_second
        with requests.Session() as session:
            while not self._stop.wait(pause * random.uniform(0.5, 1.5)):
                self.post(session, next(self._numbers))

    def post_as_session(self, number: int) -> str | None:
        """`post`, over the connection that this thread keeps."""
        if not hasattr(self._kept, "session"):
            self._kept.session = requests.Session()
        return self.post(self._kept.session, number)

    def post(self, session: requests.Session, number: int, patience_s: float = 45.0, **changed: object) -> str | None:
        """One person: the same post with the same key until it is accepted; the submission's id."""
        person = random.Random(self.seed * 1_000_003 + number)
        fields: dict[str, object] = {
            "email": f"person{number}.{self.seed}@example.com",
            "first_name": f"Person{number}",
            "location": person.choice(_PLACES),
            "condition": person.choice(_TOPICS),
            "consent_email": True,
            **changed,
        }
        headers = {"Idempotency-Key": f"chaos-{self.seed}-{number}"}
        give_up_at = time.monotonic() + patience_s
        accepted = None
        while accepted is None and time.monotonic() < give_up_at:
            accepted = self._try(session, fields, headers)
            if accepted is None:
                time.sleep(0.3)
        if accepted and person.random() < 0.05:
            self._try(session, fields, headers)  # a second click
        return accepted

    def _try(self, session: requests.Session, fields: dict[str, object], headers: dict[str, str]) -> str | None:
        begun = time.monotonic()
        try:
            answer = session.post(f"{self.url}/v1/submissions", json=fields, headers=headers, timeout=10)
        except requests.RequestException:
            return None
        if answer.status_code != 202:
            return None
        self.seconds_to_answer.append(time.monotonic() - begun)
        submission_id = str(answer.json()["submission_id"])
        self.log.note("202", submission_id, str(fields["email"]))
        return submission_id
