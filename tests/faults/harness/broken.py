"""The product with one of its safeguards taken out, to show that the harness would see it.

`python -m tests.faults.harness.broken NAME MODULE WORDS…` takes the safeguard out of this process and of
all that it forks, then runs the module as the product does. Nothing of this is within the product.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select, update

from worker.domain.sends import SendState
from worker.storage import gate, sends
from worker.storage.tables import sends as table
from worker.usecases.arrival.relay import Relay


def trust_redis() -> None:
    """What was pushed once is let go of, whether the database holds it or not."""

    def let_go(self: Relay) -> int:
        self.spool.adopt()
        files = list(self.spool.waiting(lambda path: self._is_time_for(path)))
        for file in files:
            self._let_go(file)
        return len(files)

    Relay.run_once = let_go  # type: ignore[method-assign]


def repeat_what_is_unknown() -> None:
    """A hand-over that lapsed is simply made again, as task queues do."""
    recover = sends.recover_lapsed

    def take_everything_back(connection: Any, real_now: Any) -> tuple[int, list[Any]]:
        lapsed = (table.c.state == SendState.HANDED_OVER) & (table.c.lease_until < real_now)
        connection.execute(update(table).where(lapsed).values(state=SendState.PLANNED, lease_until=None))
        return recover(connection, real_now)

    sends.recover_lapsed = take_everything_back


def leave_the_gate_open() -> None:
    """Whoever has once claimed a send may hand it over, however long ago that was."""
    hand_over = gate.hand_over

    def let_all_pass(connection: Any, group: Any, *others: Any, **named: Any) -> set[str]:
        allowed = hand_over(connection, group, *others, **named)
        rows = connection.execute(select(table.c.id).where(table.c.id.in_([row["id"] for row in group])))
        return allowed | {row.id for row in rows}

    gate.hand_over = let_all_pass


WAYS: Mapping[str, Callable[[], None]] = {
    "trust_redis": trust_redis,
    "repeat_what_is_unknown": repeat_what_is_unknown,
    "leave_the_gate_open": leave_the_gate_open,
}


def main() -> None:
    """Break, then run."""
    name, module, *words = sys.argv[1:]
    WAYS[name]()
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
