"""Debian's Chromium, driven by the DevTools protocol; without it these tests are skipped, and say so."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.visit import Visitor
from tests.npm import package

CHROMIUM = shutil.which("chromium")
_ARGUMENTS = (
    "--no-sandbox",  # root, as in containers, cannot have one
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def launch(playwright: Playwright) -> Browser:
    """Start Chromium without a window, with a profile that is new."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run Chromium."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with sync_playwright() as playwright, launch(playwright) as chromium:
        yield chromium


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Open pages, and see in the end that none of them did what it must not."""
    with Visitor(browser) as visitor:
        yield visitor
        assert visitor.misdeeds == []


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core, which tells where somebody could not read or operate a page (MPL-2.0, from npm)."""
    return (package("axe-core", "4") / "axe.min.js").read_text()
