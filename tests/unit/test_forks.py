"""A child that is forked in the midst of a write would take the database for locked, for ever."""

from __future__ import annotations

import os
import threading
import time

from worker.forks import no_fork_meanwhile


def test_a_fork_waits_until_a_thread_has_written() -> None:
    is_writing, has_written = threading.Event(), threading.Event()

    def write() -> None:
        with no_fork_meanwhile():
            is_writing.set()
            time.sleep(0.2)  # long enough for a fork that does not wait
            has_written.set()

    thread = threading.Thread(target=write)
    thread.start()
    is_writing.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if has_written.is_set() else 1)  # no clean-up of pytest's in a copy of it
    _, status = os.waitpid(child, 0)
    thread.join()

    assert os.waitstatus_to_exitcode(status) == 0


def test_both_sides_of_a_fork_may_write_afterwards() -> None:
    child = os.fork()
    if child == 0:
        with no_fork_meanwhile():
            os._exit(0)
    with no_fork_meanwhile():
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
