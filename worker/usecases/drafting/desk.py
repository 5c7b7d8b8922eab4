"""Where drafts stand: in the files of a folder, or, where that can't be written, in the database over what is sent.

Either way every text that was saved is kept as a version. In the database a draft is the published content with the
open versions laid over it, so a deploy or a publish from elsewhere never brings back what was there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from worker.content.catalog import read_content_files
from worker.content.snapshots import snapshot_hash
from worker.domain.drafting import GONE
from worker.storage import drafts, installation
from worker.storage.database import Database
from worker.usecases.content.content_history import sent_files


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftDesk:
    """`folder` is where the draft files are; None: the drafts are in the database."""

    database: Database
    folder: Path | None
    needs_second: bool = False

    def read(self) -> Draft:
        """The draft as it is now. Raises ContentInvalid and OSError where the files can't be read."""
        with self.database.read() as connection:
            return self.read_in(connection)

    def stamp(self) -> object:
        """Another value whenever what is published or drafted in the database has changed."""
        with self.database.read() as connection:
            return installation.active_snapshot(connection), drafts.stamp(connection)

    def read_in(self, connection: Connection) -> Draft:
        """The same, within a transaction."""
        published = sent_files(connection)
        versions = drafts.open_versions(connection)
        if self.folder is not None:
            files: Mapping[str, str] = read_content_files(self.folder)
        else:
            over = {**published, **{row["path"]: row["text"] for row in versions}}
            files = {path: text for path, text in over.items() if text != GONE}
        draft = Draft(files=files, published=published, versions=versions)
        still_open = {row["path"] for row in versions}
        taken_back = {path: files[path] for path in draft.changed if path in files and path not in still_open}
        return replace(draft, earlier=drafts.writers(connection, taken_back)) if taken_back else draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The draft beside what is published. `versions` are the open ones, in the order of saving; `earlier` are the
    writers of texts that were published and taken back, and still stand in the files."""

    files: Mapping[str, str]
    published: Mapping[str, str]
    versions: list[Mapping[str, Any]]
    earlier: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The hash of the whole draft: whoever publishes says which one they have read."""
        return snapshot_hash(self.files)

    @property
    def changed(self) -> tuple[str, ...]:
        """The paths that differ from what is published, in order."""
        paths = self.files.keys() | self.published.keys()
        return tuple(sorted(path for path in paths if self.files.get(path) != self.published.get(path)))

    def authors_of(self, path: str) -> tuple[str, ...]:
        """Who saved something for this path since it was published; nobody where it was changed in the files alone."""
        since = dict.fromkeys(row["saved_by"] for row in self.versions if row["path"] == path)
        return tuple(since) or self.earlier.get(path, ())

    @property
    def authors(self) -> frozenset[str]:
        """Everyone who wrote what would be published now."""
        return frozenset(who for path in self.changed for who in self.authors_of(path))
