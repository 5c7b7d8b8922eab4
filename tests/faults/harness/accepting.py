"""How long people wait for an answer while Redis is well, down, frozen, full or denied: a table, and one verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.harness import injuries
from tests.faults.harness.clients import Clients
from tests.faults.harness.injuries import Injury
from tests.faults.harness.scene import Scene, open_scene

LIMIT_MS = 50.0
PEOPLE, AT_ONCE = 400, 4
_STATES: dict[str, Injury | None] = {
    "well": None,
    "down": injuries.crash_redis,
    "frozen": injuries.freeze_redis,
    "full": injuries.fill_redis,
    "denied": injuries.deny_redis,
}


def measure(folder: Path, database: str, say: Callable[[str], None]) -> bool:
    """Post with a few clients at once in each state of Redis; True when 99 of 100 answers came within the limit."""
    is_quick = True
    with open_scene(folder, on=database, clock_speed=0.0) as scene:
        _times(scene, 0, 50)  # whatever is loaded at first use
        say("redis     half within   99 of 100 within   slowest")
        for number, (state, injury) in enumerate(_STATES.items(), start=1):
            end = injury(scene, 0) if injury else None
            taken = sorted(_times(scene, number, PEOPLE))
            if end is not None:
                end()
            half, most = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
            say(f"{state:8}  {half:8.1f} ms   {most:14.1f} ms   {taken[-1]:4.0f} ms")
            is_quick = is_quick and most < LIMIT_MS
            scene.wait_quiet(120)
        verdict = scene.settled()
        say(verdict.line())
    return is_quick and verdict.is_kept


def _times(scene: Scene, seed: int, people: int) -> list[float]:
    """Milliseconds until each answer of 202."""
    clients = Clients(scene.crew.url, scene.promised, seed, per_second=1.0)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        posting = [pool.submit(clients.post_as_session, number) for number in range(people)]
        while not all(each.done() for each in posting):
            scene.crew.keep()
            time.sleep(0.02)
    assert all(each.result() for each in posting), "someone was not accepted"
    return [1000 * seconds for seconds in clients.seconds_to_answer]
