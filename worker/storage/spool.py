"""The spool: where every accepted submission lies, sealed and durable, until the database confirms it (I1).

A process appends what arrives together to its open segment (`segments.py`), before anyone is told "accepted". The
spool is the only way in, so it is always exercised; Redis only makes it quick. Closed segments are removed when every
envelope in them is confirmed, and moved to `quarantine/`, never deleted, when the database refuses to confirm after
many tries. `tmp/` holds what is being begun.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from worker.storage.segments import CLOSED, OPEN, Segment, adopt, fsync_folder, to_lines

_UNFINISHED_AFTER_S = 3600.0
_FROZEN_AFTER_S = 10.0
"""Ten times as long as a segment is written to. What lies in one that is still open has a writer that hangs."""

_CLOSED_WITHIN_S, _LOOK_EVERY_S = 5.0, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFile:
    """One file of the spool: its envelopes, and since when (real time, seconds) it lies there."""

    path: Path
    envelopes: tuple[str, ...]
    written_at: float

    @property
    def is_open(self) -> bool:
        """Its writer hangs, and may go on to append to it: it can be read, never moved or removed."""
        return self.path.suffix == OPEN


def _ignore(_path: Path) -> None:
    """Nobody wants to know."""


class Spool:
    """A spool folder. One per intake host, on a disk that outlives the container."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tmp, self._ready, self._quarantine = root / "tmp", root / "ready", root / "quarantine"
        for folder in (self._tmp, self._ready, self._quarantine):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, envelopes: Sequence[str]) -> Segment:
        """A new segment with these in it, durable. Raises OSError when they are not; nothing then remains of them."""
        return Segment(self._tmp, self._ready, envelopes)

    def adopt(self) -> None:
        """Close the segments whose writers have died, so that they are looked at as any other."""
        for path in self._open():
            adopt(path)

    def waiting(
        self, is_wanted: Callable[[str], bool] = lambda _: True, not_read: Callable[[Path], None] = _ignore
    ) -> Iterator[SpoolFile]:
        """The closed files not yet confirmed, oldest first, and open ones whose writers hang; only those wanted are
        read. They are asked for by name. One that can't be read is told, and holds no other up."""
        for path in map(self._ready.joinpath, filter(is_wanted, self._names())):
            try:
                written_at = path.stat().st_mtime
                if path.suffix == OPEN and time.time() - written_at < _FROZEN_AFTER_S:
                    continue
                text = path.read_text(encoding="ascii", errors="replace")  # damage is for the relay to judge
            except FileNotFoundError:
                continue  # confirmed by another relay pass in between
            except OSError:
                not_read(path)
                continue
            whole = text[: text.rfind("\n") + 1] if path.suffix == OPEN else text
            yield SpoolFile(path=path, envelopes=tuple(whole.splitlines()), written_at=written_at)

    def remove(self, file: SpoolFile) -> None:
        """Let go of a confirmed file."""
        file.path.unlink(missing_ok=True)

    def forget_unfinished(self) -> int:
        """Delete what a dead process left half-written an hour ago or more: nobody was told "accepted" of it."""
        forgotten = 0
        for path in self._tmp.glob(f"*{CLOSED}"):
            with contextlib.suppress(OSError):  # a disk that takes no more can still be read, and relayed from
                if time.time() - path.stat().st_mtime > _UNFINISHED_AFTER_S:
                    path.unlink()
                    forgotten += 1
        return forgotten

    def quarantine(self, file: SpoolFile) -> None:
        """Set aside a file that the database does not take, for a person."""
        file.path.rename(self._quarantine / file.path.name)

    def offer_again(self) -> int:
        """Put back what was set aside, after what was wrong has been mended; how many files."""
        aside = list(self._quarantine.glob(f"*{CLOSED}"))
        for path in aside:
            path.rename(self._ready / path.name)
        return len(aside)

    def take_out(self, is_meant: Callable[[str], bool]) -> int:
        """Take single envelopes out of the files that hold them; how many. The rest of each file stays durable.

        A segment that is being written is waited for, as its writer closes it within a moment. One that stays open, its
        writer being frozen, is left: the relay lets go of what was erased when it is closed.
        """
        until = time.monotonic() + _CLOSED_WITHIN_S
        while any(map(is_meant, self._in_open_segments())) and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
        return sum(self._take_out(path, is_meant) for path in self.everything() if path.suffix == CLOSED)

    def take_out_of(self, file: SpoolFile, is_meant: Callable[[str], bool]) -> None:
        """Take single envelopes out of one closed file."""
        self._take_out(file.path, is_meant)

    def _take_out(self, path: Path, is_meant: Callable[[str], bool]) -> int:
        """Write the rest aside, where what a crash leaves is found and goes; locked, so that no two do it at once,
        and none does it to what is being begun: its writer would append to a file that has no name any more."""
        with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            envelopes = read_lines(path)
            kept = [envelope for envelope in envelopes if not is_meant(envelope)]
            if not kept:
                path.unlink(missing_ok=True)
            elif len(kept) < len(envelopes):
                self._put_in_place(path, kept)
            return len(envelopes) - len(kept)
        return 0  # confirmed, or finished writing, in between

    def _put_in_place(self, path: Path, envelopes: Sequence[str]) -> None:
        aside = self._tmp / f"{uuid4().hex}{CLOSED}"
        try:
            _write_durably(aside, to_lines(envelopes))
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)

    def _open(self) -> Iterator[Path]:
        yield from (self._ready / name for name in self._names() if name.endswith(OPEN))

    def _names(self) -> list[str]:
        """What lies in `ready`, oldest first. As names: after a long outage there are tens of thousands."""
        return sorted(name for name in os.listdir(self._ready) if name.endswith((OPEN, CLOSED)))

    def _in_open_segments(self) -> Iterator[str]:
        self.adopt()
        for path in self._open():
            with contextlib.suppress(FileNotFoundError):  # closed in between
                yield from read_lines(path)

    def everything(self) -> Iterator[Path]:
        """Every file: being begun, written, waiting, and set aside."""
        for folder in (self._tmp, self._ready, self._quarantine):
            yield from sorted(path for path in folder.iterdir() if path.suffix in (OPEN, CLOSED))

    def counts(self) -> tuple[int, int]:
        """How many files wait, and how many are in quarantine."""
        return len(self._names()), sum(1 for _ in self._quarantine.glob(f"*{CLOSED}"))

    def free_share(self) -> float:
        """How much of its disk is free, from 0 to 1."""
        disk = shutil.disk_usage(self.root)
        return disk.free / disk.total

    def oldest_age(self) -> float | None:
        """Seconds since the oldest waiting file was written: the first by its name, which tells when it was begun."""
        written = filter(None, map(_written_at, map(self._ready.joinpath, self._names())))
        oldest = next(written, None)
        return None if oldest is None else max(0.0, time.time() - oldest)


def read_lines(path: Path) -> list[str]:
    """The envelopes of a file, whatever damage there is kept as it is. Raises FileNotFoundError where it has gone."""
    return path.read_text(encoding="ascii", errors="surrogateescape").splitlines()


def _written_at(path: Path) -> float | None:
    with contextlib.suppress(FileNotFoundError):  # closed or confirmed in between
        return path.stat().st_mtime
    return None


def _write_durably(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
