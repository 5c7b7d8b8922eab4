"""`python3 dev.py` sets up once, completely or not at all, and never deletes what is in use."""

from __future__ import annotations

import ast
import importlib.util
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from worker.runtime.supervisor import InstanceLock
from worker.runtime.valkey import ensure_valkey

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The launcher, in a folder of its own."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "LOCAL", tmp_path / ".local")
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(module, "MARK", tmp_path / ".venv" / "installed.json")
    for name in (module.RUNTIME, module.DEVELOPMENT, module.PROJECT):
        (tmp_path / name).write_text(name)
    return module


@pytest.fixture
def stages(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the stages that ran; nothing is installed, and "making .venv" makes an empty one."""
    ran: list[str] = []

    def stage(title: str, *_command: object) -> None:
        ran.append(title)
        if title == "making .venv":
            dev.MARK.unlink(missing_ok=True)
            dev.PYTHON.parent.mkdir(parents=True, exist_ok=True)
            dev.PYTHON.touch()

    monkeypatch.setattr(dev, "stage", stage)
    return ran


def again(dev: ModuleType, stages: list[str], lock: str) -> list[str]:
    """The stages of one more start."""
    stages.clear()
    dev.install(lock)
    return list(stages)


EVERYTHING = ["making .venv", "installing packages", "installing nurture"]


def test_the_first_start_sets_up_everything_and_the_second_nothing(dev: ModuleType, stages: list[str]) -> None:
    assert again(dev, stages, dev.RUNTIME) == EVERYTHING
    assert again(dev, stages, dev.RUNTIME) == []


def test_a_changed_lock_file_installs_the_packages_again(dev: ModuleType, stages: list[str]) -> None:
    dev.install(dev.RUNTIME)
    (dev.ROOT / dev.RUNTIME).write_text("changed")

    assert again(dev, stages, dev.RUNTIME) == ["installing packages"]


def test_a_changed_project_file_installs_only_our_own_package_again(dev: ModuleType, stages: list[str]) -> None:
    dev.install(dev.RUNTIME)
    (dev.ROOT / dev.PROJECT).write_text("changed")

    assert again(dev, stages, dev.RUNTIME) == ["installing nurture"]


def test_the_tests_add_their_packages_to_the_same_environment(dev: ModuleType, stages: list[str]) -> None:
    dev.install(dev.RUNTIME)

    assert again(dev, stages, dev.DEVELOPMENT) == ["installing packages"]
    assert again(dev, stages, dev.RUNTIME) == []


@pytest.mark.parametrize("killed_in", EVERYTHING)
def test_a_set_up_killed_half_way_is_done_again_from_the_start(
    dev: ModuleType, stages: list[str], monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    def killed(title: str, *command: object) -> None:
        if title == killed_in:
            raise KeyboardInterrupt
        run(title, *command)

    run = dev.stage
    with monkeypatch.context() as patch:
        patch.setattr(dev, "stage", killed)
        with pytest.raises(KeyboardInterrupt):
            dev.install(dev.RUNTIME)

    assert again(dev, stages, dev.RUNTIME) == EVERYTHING


def test_an_update_killed_half_way_is_done_again_from_the_start(
    dev: ModuleType, stages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.install(dev.RUNTIME)
    (dev.ROOT / dev.RUNTIME).write_text("changed")

    def killed(title: str, *command: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dev, "stage", killed)
        with pytest.raises(KeyboardInterrupt):
            dev.install(dev.RUNTIME)

    assert again(dev, stages, dev.RUNTIME) == EVERYTHING


def test_another_python_or_a_moved_folder_makes_the_environment_anew(
    dev: ModuleType, stages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.install(dev.RUNTIME)
    monkeypatch.setattr(dev, "HOME", "/somewhere/else python3.99")

    assert again(dev, stages, dev.RUNTIME) == EVERYTHING


def test_a_stage_that_fails_shows_its_last_lines_and_stops(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"no such package(.|\n)*Could not finish trying"):
        dev.stage("trying", "sh", "-c", "echo no such package; exit 4")

    captured = capsys.readouterr()
    assert captured.out == "", "standard output belongs to the command"
    assert "trying … failed" in captured.err


@pytest.mark.parametrize(
    ("on_path", "modules", "expected"),
    [
        ({"uv", "pip3"}, {"pip"}, ["/bin/uv", "pip", "install"]),
        ({"pip3"}, {"pip"}, [sys.executable, "-m", "pip", "--python"]),
        ({"pip3"}, set(), ["/bin/pip3", "--python"]),
        (set(), {"ensurepip"}, ["PYTHON", "-m", "pip", "install"]),
    ],
)
def test_it_takes_the_installer_that_is_there(
    dev: ModuleType, stages: list[str], monkeypatch: pytest.MonkeyPatch,
    on_path: set[str], modules: set[str], expected: list[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(dev.shutil, "which", lambda name: f"/bin/{name}" if name in on_path else None)
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: name in modules or None)

    command = ["PYTHON" if word == dev.PYTHON else word for word in dev.installer()]

    assert command[: len(expected)] == expected


def test_without_any_installer_it_names_the_package_to_get(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev.shutil, "which", lambda _: None)
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(SystemExit, match="apt install python3-pip"):
        dev.installer()


def test_a_missing_program_is_named_when_we_may_not_install_it(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.shutil, "which", lambda name: None if name == "redis-server" else name)
    monkeypatch.setattr(dev.os, "geteuid", lambda: 1000)

    with pytest.raises(SystemExit, match="apt-get install redis-server"):
        dev.ensure_programs()


def test_root_on_debian_gets_what_is_missing(
    dev: ModuleType, stages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.shutil, "which", lambda name: name if name in {"apt-get", "dpkg-deb"} else None)
    monkeypatch.setattr(dev.os, "geteuid", lambda: 0)

    dev.ensure_programs()

    installing = "installing redis-server chromium dovecot-imapd"
    assert stages == ["updating package lists", installing, "fetching promtool", "fetching postfix"]


def test_where_a_program_cannot_be_fetched_its_package_is_named(
    dev: ModuleType, stages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.shutil, "which", lambda name: None if name in {"promtool", "apt-get"} else name)

    with pytest.raises(SystemExit, match="in the package prometheus"):
        dev.ensure_programs()


def test_reset_refuses_while_a_product_runs_there(dev: ModuleType) -> None:
    lock = InstanceLock(dev.LOCAL / "demo")
    assert lock.acquire()

    with pytest.raises(SystemExit, match="product runs in"):
        dev.reset(confirmed=True)
    lock.release()

    assert dev.LOCAL.exists()


def test_reset_deletes_everything_and_ends_the_valkey_that_a_killed_product_left(dev: ModuleType) -> None:
    server = ensure_valkey(dev.LOCAL)

    dev.reset(confirmed=True)

    assert server.process.wait_gone(2)
    assert not dev.LOCAL.exists()


@pytest.mark.parametrize(("answer", "is_kept"), [("no", True), ("", True), ("yes", False)])
def test_reset_asks_first(dev: ModuleType, monkeypatch: pytest.MonkeyPatch, answer: str, is_kept: bool) -> None:
    dev.LOCAL.mkdir()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))

    if is_kept:
        with pytest.raises(SystemExit, match="Kept"):
            dev.reset(confirmed=False)
    else:
        dev.reset(confirmed=False)

    assert dev.LOCAL.exists() is is_kept


def test_reset_of_nothing_is_no_error(dev: ModuleType) -> None:
    dev.reset(confirmed=True)


def run_as(version: str) -> subprocess.CompletedProcess[str]:
    """Runs the launcher on a Python that says it is of another version."""
    code = f"import sys; sys.version_info = {version}; exec(compile(open('dev.py').read(), 'dev.py', 'exec'))"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_old_python_is_told_in_one_line() -> None:
    ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 8))  # else it would be told of a SyntaxError

    told = run_as("(3, 9, 2)")

    assert told.returncode == 1
    assert told.stderr.startswith("This needs Python 3.11 or newer")
    assert told.stderr.count("\n") == 1


def test_without_a_word_it_says_what_it_can_do() -> None:
    told = subprocess.run([sys.executable, "dev.py"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert told.returncode == 1
    assert "python3 dev.py demo" in told.stderr


@pytest.fixture
def held_by_a_leftover(dev: ModuleType) -> Callable[[], bool]:
    return lambda: subprocess.run(["flock", "-n", str(dev.ROOT / dev.PROJECT), "true"], check=False).returncode == 1


def test_an_installer_that_outlives_a_killed_start_keeps_the_next_one_waiting(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, held_by_a_leftover: Callable[[], bool]
) -> None:
    leftovers: list[subprocess.Popen[bytes]] = []

    def stage(title: str, *_command: object) -> None:
        leftovers.append(subprocess.Popen(["sleep", "60"], close_fds=False))
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "stage", stage)
    with pytest.raises(KeyboardInterrupt):
        dev.install(dev.RUNTIME)

    assert held_by_a_leftover()
    leftovers[0].kill()
    leftovers[0].wait()
    assert not held_by_a_leftover()
