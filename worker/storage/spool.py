"""The spool: where every accepted submission lies, sealed and fsynced, until the database confirms it (I1).

One file holds what arrived together, one envelope a line; it is written aside, fsynced, renamed into
`ready/`, and its folder is fsynced, before anyone is told "accepted". The spool is the only way in, so it
is always exercised; Redis only makes it quick. Files are removed when every envelope in them is confirmed,
and moved to `quarantine/`, never deleted, when the database refuses to confirm after many tries.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from worker.faults import fault

_UNFINISHED_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFile:
    """One file of the spool: its envelopes, and since when (real time, seconds) it lies there."""

    path: Path
    envelopes: tuple[str, ...]
    written_at: float


class Spool:
    """A spool folder. One per intake host, on a disk that outlives the container."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tmp, self._ready, self._quarantine = root / "tmp", root / "ready", root / "quarantine"
        for folder in (self._tmp, self._ready, self._quarantine):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, envelopes: Sequence[str]) -> Path:
        """Make these durable in one file. Raises OSError when they are not; nothing then remains of them."""
        name = f"{time.time_ns():020d}-{uuid4().hex[:8]}.sealed"
        aside = self._tmp / name
        try:
            _write_durably(aside, "\n".join(envelopes) + "\n")
            fault("spool_written")
            ready = self._ready / name
            aside.rename(ready)
            _fsync_folder(self._ready)
            fault("spool_renamed")
        except OSError:
            aside.unlink(missing_ok=True)
            (self._ready / name).unlink(missing_ok=True)
            raise
        return ready

    def waiting(self, is_wanted: Callable[[Path], bool] = lambda _: True) -> Iterator[SpoolFile]:
        """The files not yet confirmed, oldest first; only those wanted are read."""
        for path in filter(is_wanted, sorted(self._ready.glob("*.sealed"))):
            try:
                text = path.read_text(encoding="ascii", errors="replace")  # damage is for the relay to judge
                written_at = path.stat().st_mtime
            except FileNotFoundError:
                continue  # confirmed by another relay pass in between
            yield SpoolFile(path=path, envelopes=tuple(text.splitlines()), written_at=written_at)

    def remove(self, file: SpoolFile) -> None:
        """Let go of a confirmed file."""
        file.path.unlink(missing_ok=True)

    def forget_unfinished(self) -> int:
        """Delete what a dead process left half-written an hour ago or more: nobody was told "accepted" of it."""
        forgotten = 0
        for path in self._tmp.glob("*.sealed"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _UNFINISHED_AFTER_S:
                    path.unlink()
                    forgotten += 1
        return forgotten

    def quarantine(self, file: SpoolFile) -> None:
        """Set aside a file that the database does not take, for a person."""
        file.path.rename(self._quarantine / file.path.name)

    def offer_again(self) -> int:
        """Put back what was set aside, after what was wrong has been mended; how many files."""
        aside = list(self._quarantine.glob("*.sealed"))
        for path in aside:
            path.rename(self._ready / path.name)
        return len(aside)

    def take_out(self, is_meant: Callable[[str], bool]) -> int:
        """Take single envelopes out of the files that hold them; how many. The rest of each file stays durable."""
        taken = 0
        for path in self.everything():
            try:
                envelopes = path.read_text(encoding="ascii", errors="surrogateescape").splitlines()
            except FileNotFoundError:
                continue  # confirmed, or finished writing, in between
            kept = [envelope for envelope in envelopes if not is_meant(envelope)]
            taken += len(envelopes) - len(kept)
            if not kept:
                path.unlink(missing_ok=True)
            elif len(kept) < len(envelopes):
                aside = path.with_suffix(f".{uuid4().hex[:8]}")
                _write_durably(aside, "\n".join(kept) + "\n")
                aside.replace(path)
                _fsync_folder(path.parent)
        return taken

    def everything(self) -> Iterator[Path]:
        """Every file: being written, waiting, and set aside."""
        for folder in (self._tmp, self._ready, self._quarantine):
            yield from sorted(folder.glob("*.sealed"))

    def counts(self) -> tuple[int, int]:
        """How many files wait, and how many are in quarantine."""
        return sum(1 for _ in self._ready.glob("*.sealed")), sum(1 for _ in self._quarantine.glob("*.sealed"))

    def free_share(self) -> float:
        """How much of its disk is free, from 0 to 1."""
        disk = shutil.disk_usage(self.root)
        return disk.free / disk.total

    def oldest_age(self) -> float | None:
        """Seconds since the oldest waiting file was written."""
        oldest = min((path.stat().st_mtime for path in self._ready.glob("*.sealed")), default=None)
        return None if oldest is None else max(0.0, time.time() - oldest)


def _write_durably(path: Path, text: str) -> None:
    """With the fewest calls of the system: at each, this thread gives way to the one that answers people."""
    rest = text.encode("ascii", "surrogateescape")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _fsync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
