"""The site that ``make demo`` leaves: real pages of a real cloud, in a real browser."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visit import WIDTHS, Visitor, complaints, letters, picture
from tests.cloud.demo import SITE, demonstrate
from tests.cloud.progress import Progress

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm, which the site's scripts come from"),
]
# Each command, and who has to take part in it besides the client
COMMANDS = {
    "token issue": {"keystone"},
    "image create": {"keystone", "glance-api", "swift-proxy-server"},
    "image list": {"keystone", "glance-api"},
    "image show": {"keystone", "glance-api"},
    "image set": {"keystone", "glance-api"},
    "image save": {"keystone", "glance-api", "swift-proxy-server"},
    "image delete": {"keystone", "glance-api", "swift-proxy-server"},
}


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the demonstration."""
    del browser  # without it there is nothing to look with
    directory = tmp_path_factory.mktemp("demo")
    demonstrate(directory, Progress(quiet=True))
    return directory / SITE


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_diagram_can_be_read_on_any_screen(command: str, width: str, visitor: Visitor, site: Path) -> None:
    """What is too wide scrolls in its frame, and nothing makes the page wider than the window."""
    page = visitor.open(site / f"{command.replace(' ', '-')}.html", width=width)
    expect(page.locator(".mermaid svg .messageText").last).to_be_attached()
    assert letters(page) >= 11
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_a_command_is_drawn_whole(command: str, visitor: Visitor, site: Path) -> None:
    """As many arrows as messages, everybody who took part, its output, and nothing from another host."""
    page = visitor.open(site / f"{command.replace(' ', '-')}.html")
    expect(page.locator("h1")).to_contain_text(f"openstack {command}")
    messages = page.locator("article h3").count()
    assert messages >= 4
    expect(page.locator(".mermaid svg .messageText:not(.noteText)")).to_have_count(messages)
    shown = set(page.locator(".mermaid svg text.actor").all_text_contents())
    assert shown >= COMMANDS[command] | {"openstack"}
    assert f"$ openstack {command}" in page.locator("article pre").first.inner_text()
    picture(page, f"demo-{command.replace(' ', '-')}")
    page.goto(page.url + f"#{messages}")
    expect(page.locator("article h3").last).to_be_in_viewport()


def test_the_index_has_every_command(visitor: Visitor, site: Path, axe: str) -> None:
    """And everybody can read it."""
    page = visitor.open(site / "index.html", is_checked=True)
    links = page.locator("table a").all_text_contents()
    assert sorted(links) == sorted(f"openstack {command}" for command in COMMANDS)
    picture(page, "demo-index")
    assert complaints(page, axe, within="article") == []
