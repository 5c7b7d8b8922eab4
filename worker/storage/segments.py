"""A segment: the file of the spool that one process writes, an envelope a line, durable before each call returns (I1).

While it is open its writer holds its lock, so that a segment whose writer has died can be told from one that is being
written; the name tells which ones to look at. Only whole lines count: nobody was told "accepted" of a torn one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from worker.faults import fault

OPEN, CLOSED = ".open", ".sealed"

OPEN_AT_MOST_S = 1.0
"""So long a segment is written to. What lies in it is with the workers meanwhile; the relay looks at closed ones."""

_APPENDED_DURABLY = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_DSYNC
"""What is written is on the disk when the call returns: one call of the system for each group, at which this thread
gives way to the one that answers people."""


class Segment:
    """One open file. It is begun aside, and appears in `ready` with its first envelopes, durable."""

    def __init__(self, aside: Path, ready: Path, envelopes: Sequence[str]) -> None:
        """Raises OSError when the envelopes can't be kept; nothing then remains of them."""
        name = f"{time.time_ns():020d}-{uuid4().hex[:8]}"
        self.path, self.closed = ready / f"{name}{OPEN}", ready / f"{name}{CLOSED}"
        self.count, self._bytes = 0, 0
        begun = aside / f"{name}{CLOSED}"
        self._descriptor = os.open(begun, _APPENDED_DURABLY, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.append(envelopes)
            begun.rename(self.path)
            fsync_folder(ready)
            fault("spool_renamed")
        except BaseException:
            try:  # while it is locked: one that is free is adopted, and its people were told that it was not kept
                begun.unlink(missing_ok=True)
                self.path.unlink(missing_ok=True)
            finally:
                os.close(self._descriptor)
            raise

    def append(self, envelopes: Sequence[str]) -> None:
        """Make these durable. Raises OSError when they are not; whatever it was, the file then ends where it did
        before: what is written next must not join half a line."""
        rest = to_lines(envelopes)
        length = len(rest)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BaseException:
            os.ftruncate(self._descriptor, self._bytes)
            raise
        self._bytes += length
        self.count += len(envelopes)
        fault("spool_written")

    def close(self) -> Path:
        """Nothing more is written to it; where it lies now. A crash in between leaves what `adopt` finds."""
        try:
            self.path.rename(self.closed)
        finally:
            os.close(self._descriptor)
        return self.closed


def adopt(path: Path) -> None:
    """Close an open segment whose writer has died; nothing is done to one being written, or closed by now.

    One that can't be closed is left as it is, and offered as one whose writer is frozen: it holds no other up.
    """
    with contextlib.suppress(OSError), path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(file.read().rfind(b"\n") + 1)
        path.rename(path.with_suffix(CLOSED))


class Journal:
    """What one process writes: a segment at a time, closed when it is full, old, or could not be written.

    `closed` is told where each one lies then. For one thread.
    """

    def __init__(self, begin: Callable[[Sequence[str]], Segment], closed: Callable[[Path], None], most: int) -> None:
        """`most`: how many envelopes are enough for one segment."""
        self._begin, self._closed, self._most = begin, closed, most
        self._segment: Segment | None = None
        self._close_at = 0.0

    def write(self, envelopes: Sequence[str]) -> Path:
        """Make these durable; where they will lie closed. Raises OSError when they are not, none of them then."""
        if self._segment is not None and (self._segment.count >= self._most or time.monotonic() >= self._close_at):
            self.close()
        if self._segment is None:
            self._segment = self._begin(envelopes)
            self._close_at = time.monotonic() + OPEN_AT_MOST_S
            return self._segment.closed
        try:
            self._segment.append(envelopes)
        except BaseException:
            self.close()
            raise
        return self._segment.closed

    def closes_in(self) -> float | None:
        """Seconds until the open segment is to be closed; None without one."""
        return None if self._segment is None else max(0.0, self._close_at - time.monotonic())

    def close(self) -> None:
        """Close what is open, if anything."""
        if self._segment is None:
            return
        segment, self._segment = self._segment, None
        self._closed(segment.close())


def to_lines(envelopes: Sequence[str]) -> bytes:
    """How they stand in a file."""
    return ("\n".join(envelopes) + "\n").encode("ascii", "surrogateescape")


def fsync_folder(path: Path) -> None:
    """Make what was renamed into a folder stay there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
