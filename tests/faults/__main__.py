"""`python3 dev.py chaos --seed N --seconds S`: break everything for a while, then one line that says how it went.

The last line is `chaos: accepted …`; the exit code is 0 only when nothing was lost, sent twice or never sent.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.harness.accepting import measure
from tests.faults.harness.chaos import Outcome, run_chaos


def main() -> int:
    arguments = _parser().parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1_000_000)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    if arguments.accepting:
        return 0 if measure(folder, arguments.database, lambda line: print(line, flush=True)) else 1
    print(f"seed {seed}, {arguments.seconds:g} s on {arguments.database}; everything is in {folder}", flush=True)
    outcome = run_chaos(
        folder,
        seed=seed,
        seconds=arguments.seconds,
        database=arguments.database,
        per_second=arguments.posts_per_second,
        keyed=arguments.keyed,
        say=lambda line: print(line, flush=True),
    )
    _print_faults(outcome)
    for line in outcome.verdict.contradictions:
        print(f"contradiction: {line}")
    if outcome.verdict.is_kept and not arguments.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(outcome.verdict.line(), flush=True)
    return 0 if outcome.verdict.is_kept else 1


def _print_faults(outcome: Outcome) -> None:
    for kind, count in sorted(outcome.faults.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {count:4}  {kind}")
    print(f"  {outcome.faults.total():4}  faults in all")
    answers = sorted(outcome.accept_seconds)
    if answers:
        middle, slow = answers[len(answers) // 2], answers[int(len(answers) * 0.99)]
        print(f"  accepted posts were answered in {1000 * middle:.0f} ms (half) and {1000 * slow:.0f} ms (99 of 100)")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the same seed strikes at the same moments; default: a new one")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long things break (default 60)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--posts-per-second", type=float, default=3.0, help="people who post (default 3)")
    parser.add_argument("--accepting", action="store_true", help="no chaos: how quick answers are while Redis is away")
    parser.add_argument("--keyed", action="store_true", help="a provider that honours idempotency keys, not SMTP")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and database")
    return parser


if __name__ == "__main__":
    sys.exit(main())
