"""Links that a command prints open: they lead to where the product answers."""

from __future__ import annotations

from pathlib import Path

from worker.cli.common import linking_to_what_runs
from worker.runtime.supervisor import InstanceLock
from worker.settings import load_settings


def test_a_command_links_to_the_port_that_the_running_product_took(tmp_path: Path) -> None:
    settings = load_settings({}, state_dir=tmp_path)
    lock = InstanceLock(tmp_path)
    assert lock.acquire()
    lock.publish({"url": "http://127.0.0.1:8123"})

    assert linking_to_what_runs(settings).links == "http://127.0.0.1:8123"
    lock.release()
    assert linking_to_what_runs(settings).links == settings.links


def test_an_address_that_is_set_is_the_one_that_is_linked(tmp_path: Path) -> None:
    settings = load_settings({"NURTURE_PUBLIC_URL": "https://links.example.com"}, state_dir=tmp_path)
    lock = InstanceLock(tmp_path)
    assert lock.acquire()
    lock.publish({"url": "http://127.0.0.1:8123"})

    assert linking_to_what_runs(settings).links == "https://links.example.com"
    lock.release()
