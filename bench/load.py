"""Many people posting at once: wrk, or a few threads of this process where wrk is not to be had."""

from __future__ import annotations

import http.client
import json
import random
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.harness import Bench, WrongCount
from bench.tools import Absent

FORM = {
    "email": "maya@example.com", "first_name": "Maya", "last_name": "Park", "zip": "62901", "phone": "618-555-0123",
    "condition": "depression", "location": "carbondale", "consent_email": "yes",
    "message": "I would like to hear more about your clinic. " * 6,
}  # fmt: skip
_BODY = json.dumps(FORM)
_PATH = "/v1/submissions"
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Felt:
    """How many were answered in a second, and how long 99 of 100 waited at most."""

    per_second: float
    p99_ms: float


def post_many(bench: Bench, port: int, connections: int, seconds: float, pause_s: float = 0.0) -> Felt:
    """Keep posting; each connection rests after each answer, for `pause_s` on average, and as people do: at random.
    Rests of one length would let all post at the same instant, again and again."""
    try:
        program = bench.tools.program("wrk")
    except Absent:
        return _by_threads(port, min(connections, 4), seconds, pause_s)
    script = bench.new_folder("wrk") / "post.lua"
    rest = f"function delay() return -{1000 * pause_s:.0f} * math.log(1 - math.random()) end\n" if pause_s else ""
    script.write_text(
        f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [[{_BODY}]]\n{rest}'
    )
    words = ["-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s", "--latency", "-s", str(script)]
    url = f"http://127.0.0.1:{port}{_PATH}"
    return _read(subprocess.run([*program, *words, url], check=True, capture_output=True, text=True).stdout)


def _read(said: str) -> Felt:
    if "Non-2xx" in said or "Socket errors" in said:
        raise WrongCount(said)
    rate, p99 = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    assert rate is not None
    assert p99 is not None
    return Felt(float(rate[1]), 1e3 * float(p99[1]) * _SECONDS[p99[2]])


def _by_threads(port: int, connections: int, seconds: float, pause_s: float) -> Felt:
    until = time.perf_counter() + seconds

    def keep_posting() -> list[float]:
        taken: list[float] = []
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not taken or time.perf_counter() < until:
            begun = time.perf_counter()
            connection.request("POST", _PATH, _BODY, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 202:
                raise WrongCount(f"answered {answer.status}")
            taken.append(time.perf_counter() - begun)
            time.sleep(random.expovariate(1 / pause_s) if pause_s else 0)
        connection.close()
        return taken

    begun = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        futures = [pool.submit(keep_posting) for _ in range(connections)]
        taken = sorted(seconds for future in futures for seconds in future.result())
    return Felt(len(taken) / (time.perf_counter() - begun), 1e3 * taken[int(0.99 * (len(taken) - 1))])
