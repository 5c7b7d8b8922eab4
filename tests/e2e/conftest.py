"""One running product for the modules that only look at it, and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.e2e.product import Product, new_product

BEFORE_THE_CLOCKS_CHANGE = datetime.fromisoformat("2026-03-06T22:15-06:00")


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Its calendar stands still on a Friday night, two nights before the clocks change."""
    state = tmp_path_factory.mktemp("product") / "state"
    with new_product(state, BEFORE_THE_CLOCKS_CHANGE, clock_speed="0") as prepared:
        yield prepared.start()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(chromium), args=CHROMIUM)
        yield started
        started.close()
