"""The draft as it is now, and the last content that worked while they are being edited.

Nothing watches in the background: whoever looks compares the source's stamp (about a millisecond), and
rereads what changed. A draft that is broken never takes away the rendering that was there before.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.console.studio.sources import Source, Unreadable
from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.content.snapshots import snapshot_hash
from worker.content.uses import Use
from worker.errors import ContentInvalid, TemplateError

_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The files at one moment. `renderer` is of the newest files that load; `problems` are those of these files.

    `version` names the files' content: whoever shows another version is out of date.
    """

    version: str
    files: Mapping[str, str]
    renderer: Renderer | None
    problems: tuple[TemplateError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What can be shown of one email: the newest renderer that renders it, and why it is not the newest of all."""

    renderer: Renderer | None
    problem: TemplateError | None


class Drafts:
    """Reads one source. May be asked from several threads."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._seen: object = None
        self._draft = Draft(version="", files={}, renderer=None, problems=())
        self._loaded: list[Renderer] = []
        self._good: dict[Use, Renderer] = {}

    def look(self) -> Draft:
        """The files as they are now."""
        with self._lock:
            seen = self._source.stamp()
            if seen != self._seen:
                self._draft = self._read()
                self._seen = seen
            return self._draft

    def shown(self, use: Use) -> Shown:
        """How this email can be shown, in one place where it is used."""
        draft = self.look()
        problem = _problem(draft.renderer, use)
        if draft.renderer is not None and problem is None:
            self._good[use] = draft.renderer
            return Shown(renderer=draft.renderer, problem=None)
        return Shown(renderer=self._last_good(use), problem=problem)

    def _last_good(self, use: Use) -> Renderer | None:
        if use not in self._good:
            for renderer in reversed(self._loaded):
                if _problem(renderer, use) is None:
                    self._good[use] = renderer
                    break
        return self._good.get(use)

    def _read(self) -> Draft:
        files, problems = self._files()
        if not problems:
            try:
                self._loaded = [*self._loaded, Renderer(load_catalog(files))][-_KEPT:]
            except ContentInvalid as error:
                problems = _causes(error.problems)
        renderer = self._loaded[-1] if self._loaded else None
        told = "\n".join(map(str, problems))  # the same files with another problem are another thing to look at
        version = snapshot_hash({**files, "": told})[:12]
        return Draft(version=version, files=files, renderer=renderer, problems=problems)

    def _files(self) -> tuple[Mapping[str, str], tuple[TemplateError, ...]]:
        try:
            return self._source.files(), ()
        except Unreadable as error:
            return {} if error.is_gone else self._draft.files, error.problems


def _causes(problems: Sequence[TemplateError]) -> tuple[TemplateError, ...]:
    """Each problem once; of a file that can't be read at all, not what it therefore lacks."""
    unreadable = {problem.source for problem in problems if problem.problem.startswith("is not valid TOML")}
    told = {
        str(problem): problem
        for problem in problems
        if problem.source not in unreadable or problem.problem.startswith("is not valid TOML")
    }
    return tuple(told.values())


def _problem(renderer: Renderer | None, use: Use) -> TemplateError | None:
    """Why a renderer does not render this; None where it does."""
    email, _, sequence = use
    if renderer is None or email not in renderer.catalog.emails:
        return TemplateError(f"emails/{email}.md", "is not there")
    if sequence is not None and sequence not in renderer.catalog.sequences:
        return TemplateError(f"sequences/{sequence}.toml", "is not there")
    try:
        renderer.compiled(*use)
    except TemplateError as error:
        return error
    return None
