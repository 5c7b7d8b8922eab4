"""One stub as a process. See the package for how and why."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tests.support.providers.all import STUBS


def main() -> None:
    parser = argparse.ArgumentParser(description="A mail provider on this machine.")
    parser.add_argument("provider", choices=sorted(STUBS))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--misbehave", default="", help="deed=chance,…")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    stub = STUBS[given.provider](given.log, given.port)
    odds = dict(entry.split("=") for entry in given.misbehave.split(",") if entry)
    stub.misbehave({deed: float(chance) for deed, chance in odds.items()}, given.seed)
    print(stub.mail_url, flush=True)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    stub.close()


main()
