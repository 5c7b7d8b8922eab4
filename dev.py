#!/usr/bin/env python3
"""Starts everything, on a machine that has Python 3.11 and pip and nothing else.

  python3 dev.py demo      the whole product on a fast clock, with made-up leads
  python3 dev.py up        the same product for real: empty, real time, your settings
  python3 dev.py test      the whole test suite, three at a time (further words go to pytest; -n 0: one)
  python3 dev.py chaos     break everything for a minute (--seed, --seconds, --database), then one verdict
  python3 dev.py bench     measure every stage, or the named ones, against its peers (--rounds, --size)
  python3 dev.py reset     delete .local/, with every lead in it (asks first; --yes does not)
  python3 dev.py ...       anything else goes to `nurture`, for example `status` or `--help`

Nothing outside this folder changes, except that `test` adds missing Debian packages when you are root.
A half-made .venv is never used: the mark that says what is installed is written last, and in one piece.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file is what tells it; it must parse on older ones
    sys.exit(f"This needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")
if sys.platform == "win32":
    sys.exit("This runs on Linux and macOS; on Windows, use it inside WSL.")

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCAL, VENV = ROOT / ".local", ROOT / ".venv"
PYTHON, NURTURE, MARK = VENV / "bin" / "python", VENV / "bin" / "nurture", VENV / "installed.json"
# A virtual environment works only where it was made, and only with the Python that made it.
HOME = f"{ROOT} python{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME, DEVELOPMENT, PROJECT = "requirements.lock", "requirements-dev.lock", "pyproject.toml"
MODULES = {
    "test": ["pytest", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"],
    "chaos": ["tests.faults"],
    "bench": ["bench"],
}
PROGRAMS = {
    "redis-server": ["redis-server"],
    "chromium": ["chromium", "chromium-browser", "google-chrome"],
    "dovecot-imapd": ["dovecot", "/usr/sbin/dovecot"],
}
# Of these packages a part is all that the tests need, so it is unpacked rather than installed with its service:
# what of the package, and where below .venv.
UNPACKED = {"prometheus": ("usr/bin/promtool", "bin/promtool"), "postfix": ("usr/lib/postfix", "lib/postfix")}
CALM = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
CALM |= {"PIP_USER": "0", "DEBIAN_FRONTEND": "noninteractive"}


def main(arguments: list[str]) -> None:
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)  # set but empty, it would make "/" the place of every cache
    if not arguments:
        sys.exit(__doc__)
    command, *rest = arguments
    if command == "reset":
        reset(confirmed="--yes" in rest)
    elif command in MODULES:
        install(DEVELOPMENT)
        if command != "bench":  # it fetches what it compares with by itself, and goes on without what can't be had
            ensure_programs()
        os.execv(PYTHON, [str(PYTHON), "-m", *MODULES[command], *rest])
    else:
        install(RUNTIME)
        os.execv(NURTURE, [str(NURTURE), *arguments])


def install(lock: str) -> None:
    """Brings .venv to what `lock` says; instant when it is there already."""
    with open(ROOT / PROJECT) as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)  # of two first starts at once, the second waits and finds it done
        os.set_inheritable(gate.fileno(), True)  # and a pip that outlives a killed start still holds it
        mark = before = json.loads(MARK.read_text()) if MARK.exists() else {}
        if mark.get("home") != HOME or not PYTHON.exists():
            stage("making .venv", sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
            mark = {"home": HOME}
        if mark.get(lock) != digest(lock):
            MARK.unlink(missing_ok=True)
            stage("installing packages", *installer(), "--require-hashes", "-r", ROOT / lock)
            mark = mark | {lock: digest(lock), RUNTIME: digest(RUNTIME)}  # the development lock holds both
        if mark.get(PROJECT) != digest(PROJECT):
            MARK.unlink(missing_ok=True)
            stage("installing nurture", *installer(), "--no-build-isolation", "--no-deps", "-e", ROOT)
            mark = mark | {PROJECT: digest(PROJECT)}
        if mark != before:
            MARK.with_suffix(".new").write_text(json.dumps(mark, indent=1))
            MARK.with_suffix(".new").replace(MARK)


def digest(name: str) -> str:
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def installer() -> list[object]:
    """uv, else the pip of this Python or of the machine, else the one Python carries; each fills .venv."""
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", PYTHON]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet"]
    if pip := shutil.which("pip3") or shutil.which("pip"):
        return [pip, "--python", PYTHON, "install", "--quiet"]
    if importlib.util.find_spec("ensurepip"):
        stage("unpacking pip", PYTHON, "-m", "ensurepip")
        return [PYTHON, "-m", "pip", "install", "--quiet"]
    sys.exit("pip is missing. Get it with `apt install python3-pip` (or install uv), then run this again.")


def ensure_programs() -> None:
    missing = [package for package, names in PROGRAMS.items() if not any(map(shutil.which, names))]
    if missing and (os.geteuid() != 0 or not shutil.which("apt-get")):
        sys.exit(f"The tests need {' and '.join(missing)}: `sudo apt-get install {' '.join(missing)}`.")
    if missing:
        stage("updating package lists", "apt-get", "update", "-q")
        words = ["apt-get", "install", "-qy", "--no-install-recommends", *missing]
        stage(f"installing {' '.join(missing)}", *words)

    for package, (path, place) in UNPACKED.items():
        is_on_path = place.startswith("bin/") and shutil.which(Path(place).name)
        if not (is_on_path or (VENV / place).exists()):
            unpack(package, path, VENV / place)


def unpack(package: str, path: str, target: Path) -> None:
    """Puts a program or a folder of a Debian package into .venv, the whole of it or nothing."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        sys.exit(f"The tests need {target.name}: put it at {target} (Debian has it in the package {package}).")
    with tempfile.TemporaryDirectory() as folder:
        get = f"apt-get download -q {package}"
        words = f"cd '{folder}' && ({get} || (apt-get update -q && {get})) && dpkg-deb -x {package}_*.deb ."
        words += f" && mv '{path}' '{target}.new' && mv '{target}.new' '{target}'"
        stage(f"fetching {target.name}", "sh", "-c", words)


def stage(title: str, *command: object) -> None:
    """Runs one step and says so in one calm line, on standard error: standard output belongs to `--json`."""
    print(f"  {title} … ", end="", file=sys.stderr, flush=True)
    begun, words = time.monotonic(), [str(word) for word in command]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(words, cwd=ROOT, env=os.environ | CALM, text=True, close_fds=False, **streams)
    print("failed" if done.returncode else f"{time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-15:])
        sys.exit(f"{last}\n\nCould not finish {title}. Mend what the lines above say and run this again.")


def reset(confirmed: bool) -> None:
    for lock in LOCAL.rglob("run/nurture.lock"):
        with open(lock) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sys.exit(f"The product runs in {lock.parent.parent}. Stop it first (Ctrl-C where it runs).")
    if not confirmed and input(f"Delete {LOCAL} with every lead in it? Type yes: ").strip() != "yes":
        sys.exit("Kept.")
    for address in LOCAL.rglob("valkey/valkey.sock"):
        # A server outlives a killed product on purpose; without its folder nobody would find it again.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as server:
            server.connect(str(address))
            server.sendall(b"SHUTDOWN NOSAVE\r\n")
            server.recv(1)  # ends when the server has
    shutil.rmtree(LOCAL, ignore_errors=not LOCAL.exists())
    print(f"Deleted {LOCAL}.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)
