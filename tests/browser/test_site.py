"""A site of pages in a real browser, opened from disk: nobody serves it."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Body, Headers
from otel_openstack.render import page as pages
from otel_openstack.site import build
from tests.browser.test_html import COMMAND, HOSTILE
from tests.browser.visit import WIDTHS, Scheme, Visitor, complaints, letters, picture
from tests.golden.cases import image_list, marks, request, response, said

STORAGE = ("swift-proxy-server", "swift-container-server", "swift-object-server")
pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm, which Mermaid comes from")


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a site of some good pages, and one for each hostile text."""
    del browser  # without it there is nothing to build for
    folder, output = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("site")
    (folder / "list.md").write_text(pages.render(image_list(), command=COMMAND))
    (folder / "marks.md").write_text(pages.render(marks()))
    services = ("openstack", "nova-api", "neutron-server", "glance-api", *STORAGE)
    path = "/v1/AUTH_22c8d4e61a6f4a7e8b1e0c4b3a6f2d10/glance/6ab6b1cf"
    hops = [request(caller, callee, "GET", f"http://c{path}") for caller, callee in pairwise(services)]
    wide = [message for asked in hops for message in (asked, response(asked, 200, "OK"))]
    (folder / "wide.md").write_text(pages.render(said(*wide)))
    for number, hostile in enumerate(HOSTILE):
        headers: Headers = ((hostile, hostile), ("Location", hostile), ("", hostile))
        asked = request(hostile, "b", "GET", f"http://c/{hostile}", headers, Body(hostile), gap=hostile)
        answered = response(asked, 302, hostile, headers, Body(hostile), gap=hostile)
        command = Command(("openstack", hostile), hostile, 1)
        (folder / f"hostile-{number}.md").write_text(pages.render(said(asked, answered), command=command))
    build(folder, output, name="Our cloud")
    return output


@pytest.fixture
def page(visitor: Visitor, site: Path) -> Page:
    """Show the page of a command."""
    return visitor.open(site / "list.html")


def test_the_diagram_has_every_participant_and_every_arrow(page: Page) -> None:
    """Mermaid has drawn it, numbers and all."""
    expect(page.locator(".mermaid svg .messageText")).to_have_count(6)
    assert set(page.locator(".mermaid svg text.actor").all_text_contents()) == {"openstack", "keystone", "glance-api"}
    assert page.locator(".mermaid svg .sequenceNumber").all_text_contents() == list("123456")
    box = page.locator(".mermaid svg").bounding_box()
    assert box is not None
    assert box["width"] > 300


@pytest.mark.parametrize("width", WIDTHS)
def test_a_wide_diagram_can_be_read_and_scrolls_in_its_frame(width: str, visitor: Visitor, site: Path) -> None:
    """By keyboard, too; the page stays as wide as the window."""
    page = visitor.open(site / "wide.html", width=width)
    expect(page.locator(".mermaid svg .messageText")).to_have_count(12)
    assert letters(page) >= 11
    frame = page.locator("div.mermaid")
    frame.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('div.mermaid').scrollLeft > 0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, f"site-wide-{width}")


def test_a_small_diagram_is_as_large_as_it_was_drawn(page: Page) -> None:
    """And as small as the window, before it scrolls."""
    expect(page.locator(".mermaid svg .messageText")).to_have_count(6)
    assert letters(page) > 14
    assert page.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('div.mermaid'))"
    )


def test_tabs_switch_between_header_and_body(page: Page) -> None:
    """Where somebody clicks."""
    tabs = page.locator(".tabbed-set").first
    expect(tabs.get_by_text("Host: 192.0.2.1")).to_be_visible()
    tabs.locator("label", has_text="Body").click()
    expect(tabs.get_by_text("Host: 192.0.2.1")).to_be_hidden()
    expect(tabs.get_by_text('"methods"')).to_be_visible()


def test_an_anchor_leads_to_its_message(page: Page) -> None:
    """In a step's link, and in the address."""
    page.locator("li a[href='#6']").click()
    expect(page.locator("h3", has_text="(6) 200 OK")).to_be_in_viewport()
    page.goto(page.url.partition("#")[0] + "#2")
    expect(page.locator("h3", has_text="(2) 201 CREATED")).to_be_in_viewport()


def test_the_index_leads_to_the_page_by_command_and_by_service(visitor: Visitor, site: Path) -> None:
    """Both are links."""
    page = visitor.open(site / "index.html")
    expect(page.locator("table a", has_text="openstack image list")).to_be_visible()
    page.locator("h3#keystone + ul a", has_text="openstack image list").click()
    expect(page.locator("h1")).to_contain_text("openstack image list")


def test_the_index_fits_on_a_phone(visitor: Visitor, site: Path) -> None:
    """Commands with their numbers of messages; who takes part is told below."""
    page = visitor.open(site / "index.html", width="phone")
    box = page.locator("table").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= WIDTHS["phone"][0]
    expect(page.get_by_role("columnheader")).to_have_text(["command", "messages"])


def test_the_search_finds_a_page_by_its_words(page: Page) -> None:
    """Also from disk."""
    page.locator("input.md-search__input").click()
    page.keyboard.type("keystone")
    expect(page.locator(".md-search-result__item").first).to_be_visible()


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_nothing_escapes_from_what_a_service_sent(number: int, visitor: Visitor, site: Path) -> None:
    """Not from a page either."""
    page = visitor.open(site / f"hostile-{number}.html")
    expect(page.locator(".mermaid svg .messageText")).to_have_count(2)
    assert page.locator("article img, article script, article iframe, article [onerror]").count() == 0
    assert page.locator("article a[href^='javascript:']").count() == 0
    assert page.locator("article h3").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_of_it_are_kept(scheme: Scheme, width: str, visitor: Visitor, site: Path) -> None:
    """To be looked at; nothing is wider than the window."""
    for name in ("index", "list"):
        page = visitor.open(site / f"{name}.html", scheme=scheme, width=width)
        if name == "list":
            expect(page.locator(".mermaid svg .messageText")).to_have_count(6)
        picture(page, f"site-{name}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", ["index", "list", "wide"])
def test_everybody_can_read_and_operate_what_we_write(name: str, visitor: Visitor, site: Path, axe: str) -> None:
    """axe-core finds nothing serious in the article; what stands around it is the theme's."""
    page = visitor.open(site / f"{name}.html", is_checked=True)
    assert complaints(page, axe, within="article") == []
