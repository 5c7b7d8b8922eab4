"""No process is forked while a thread of it writes to the database.

A child inherits what SQLite keeps in memory of locks. Forked in the midst of another thread's transaction, it takes
the database for locked by itself, for ever, and every task of that child fails.
"""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager

_writing = threading.Lock()
os.register_at_fork(before=_writing.acquire, after_in_parent=_writing.release, after_in_child=_writing.release)


def no_fork_meanwhile() -> AbstractContextManager[bool]:
    """A fork by any other thread waits until this block has ended. Keep it short, and do not fork in it."""
    return _writing
