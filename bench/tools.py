"""What the product is compared with: programs of Debian's packages, and peers from the package index.

Nothing of the machine changes. A Debian package is downloaded and unpacked below `.local/bench`, so no daemon of it
ever starts; the peers get a virtual environment of their own there, from a lock with hashes. What is there already
is used; what can't be had is said, and the rest goes on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_PEERS_LOCK = Path(__file__).with_name("peers.lock")
_LIBRARIES = ("usr/lib/postfix", f"usr/lib/{os.uname().machine}-linux-gnu")
_PACKAGES = {
    "smtp-source": ("postfix",),
    "smtp-sink": ("postfix",),
    "wrk": ("wrk", "libluajit2-5.1-2"),
}


class Absent(Exception):
    """Something to compare with is not to be had here; the text says what and why."""


@dataclass
class Tools:
    """Where the programs are. `may_install` says whether to fetch what is missing."""

    home: Path
    may_install: bool
    say: Callable[[str], None] = lambda _: None
    _tried: dict[str, str] = field(default_factory=dict)

    def program(self, name: str) -> list[str]:
        """The words that start a program. Raises Absent."""
        if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
            return [found]
        if (unpacked := self._unpacked(name)) is None:
            self._once(f"{name} (Debian's {_PACKAGES[name][0]})", lambda: self._unpack(name))
            unpacked = self._unpacked(name)
        if unpacked is None:
            raise Absent(f"{name} is not in Debian's package {_PACKAGES[name][0]} here")
        libraries = ":".join(str(self.home / "debian" / library) for library in _LIBRARIES)
        return ["/usr/bin/env", f"LD_LIBRARY_PATH={libraries}", str(unpacked)]

    def peers(self) -> Path:
        """The Python of the peers' environment. Raises Absent."""
        python, mark = self.home / "peers" / "bin" / "python", self.home / "peers" / "installed.lock"
        wanted = _PEERS_LOCK.read_bytes()
        if not mark.exists() or mark.read_bytes() != wanted:
            self._once("the peers from the package index", lambda: self._install_peers(python))
            mark.write_bytes(wanted)
        return python

    def _unpacked(self, name: str) -> Path | None:
        places = (self.home / "debian" / folder / name for folder in ("usr/sbin", "usr/bin"))
        return next((place for place in places if place.exists()), None)

    def _once(self, what: str, fetch: Callable[[], None]) -> None:
        """A failed attempt is not repeated for every stage that asks."""
        if not self.may_install:
            raise Absent(f"{what}: not here, and nothing is installed in this run")
        if what not in self._tried:
            self.say(f"fetching {what}")
            try:
                fetch()
                self._tried[what] = ""
            except (OSError, subprocess.CalledProcessError) as error:
                output = getattr(error, "output", None) or b""
                self._tried[what] = (output.decode(errors="replace").strip().splitlines() or [str(error)])[-1]
        if self._tried[what]:
            raise Absent(f"{what}: {self._tried[what]}")

    def _unpack(self, name: str) -> None:
        downloads = self.home / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        for package in _PACKAGES[name]:
            _run(["apt-get", "download", "-q", package], downloads)
        for archive in downloads.glob("*.deb"):
            _run(["dpkg", "-x", str(archive), str(self.home / "debian")], downloads)

    def _install_peers(self, python: Path) -> None:
        shutil.rmtree(python.parents[1], ignore_errors=True)
        self.home.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "-m", "venv", "--without-pip", str(python.parents[1])], self.home)
        _run([*_installer(python), "--require-hashes", "-r", str(_PEERS_LOCK)], self.home)


def _installer(python: Path) -> list[str]:
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    pip = shutil.which("pip3") or shutil.which("pip")
    if pip is None:
        raise FileNotFoundError("pip is missing: `apt install python3-pip`")
    return [pip, "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]


def _run(words: list[str], folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
