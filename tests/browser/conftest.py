"""Debian's Chromium, driven by the DevTools protocol; without it these tests are skipped, and say so."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.visit import Visitor

BUILD = Path("build")
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
    folder = BUILD / "axe"
    script = folder / "node_modules/axe-core/axe.min.js"
    if not script.exists():
        if shutil.which("npm") is None:
            pytest.skip("there is no npm, which axe-core comes from")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--silent", "--no-audit", "axe-core@4"], cwd=folder, check=True, timeout=120)
    return script.read_text()
