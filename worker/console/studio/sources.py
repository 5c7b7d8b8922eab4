"""Where the studio's drafts come from: a folder that somebody edits, or the console's desk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from worker.content.catalog import read_content_files
from worker.errors import ContentInvalid, TemplateError
from worker.usecases.drafting.desk import DraftDesk

_FOLDER = "templates/email"


class Unreadable(Exception):
    """The files can't be read now. `is_gone`: there are none any more."""

    def __init__(self, *problems: TemplateError, is_gone: bool = False) -> None:
        super().__init__(*map(str, problems))
        self.problems, self.is_gone = problems, is_gone


class Source(Protocol):
    """What drafts are read from."""

    def stamp(self) -> object:
        """Another value whenever the files may have changed; quick to ask."""

    def files(self) -> Mapping[str, str]:
        """The files by path. Raises Unreadable."""


class Folder:
    """A folder of draft files."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def stamp(self) -> object:
        """Times, sizes and places of all files."""
        times = []
        for path in sorted(self._root.rglob("*")):
            try:
                state = path.stat()
            except OSError:  # an editor's file of a moment
                continue
            times.append((str(path), state.st_mtime_ns, state.st_size, state.st_ino))
        return times

    def files(self) -> Mapping[str, str]:
        """What stands in them. Raises Unreadable."""
        try:
            return read_content_files(self._root)
        except ContentInvalid as error:
            if error.problems:
                raise Unreadable(*error.problems) from None
            gone = TemplateError(_FOLDER, "is not there; the studio shows what stands in this folder")
            raise Unreadable(gone, is_gone=True) from None
        except OSError as error:  # renamed or taken away between listing and reading
            raise Unreadable(TemplateError(_FOLDER, f"can't be read just now ({type(error).__name__})")) from None


class InTheDatabase:
    """The desk's drafts where they are kept in the database."""

    def __init__(self, desk: DraftDesk) -> None:
        self._desk = desk

    def stamp(self) -> object:
        """What is published, and the newest draft."""
        return self._desk.stamp()

    def files(self) -> Mapping[str, str]:
        """The whole draft."""
        return self._desk.read().files


def source_of(desk: DraftDesk) -> Source:
    """Where a desk's drafts are."""
    return Folder(desk.folder) if desk.folder is not None else InTheDatabase(desk)
