"""The HTML form in a real browser."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Body, Conversation, Headers
from otel_openstack.render import html
from tests.browser.visit import WIDTHS, Scheme, Visitor, complaints, picture
from tests.golden.cases import CASES, image_list, marks, request, response, said

COMMAND = Command(("openstack", "image", "list", "--limit", "1"), "+----+------+\n| ID | Name |\n+----+------+\n")
_RUN = "<img src=//192.0.2.66/x onerror=alert(1)><script>alert(2)</script>"
HOSTILE = (
    f"\"'>{_RUN}",
    f"</pre></details></svg></style></script>{_RUN}",
    f"-->{_RUN}<!--",
    f"]]>{_RUN}{{{{ 7*7 }}}}{{% raw %}}",
    f'```\n=== "Body"\n{_RUN}\n\u202e\u2066gpj.exe',
    "javascript:alert(3)",
)


def written(folder: Path, conversation: Conversation, command: Command | None = None) -> Path:
    """Write a conversation as a file."""
    file = folder / "page.html"
    file.write_text(html.render(conversation, command=command), encoding="utf-8")
    return file


@pytest.fixture
def page(visitor: Visitor, tmp_path: Path) -> Page:
    """Show the small golden conversation."""
    return visitor.open(written(tmp_path, image_list(), COMMAND))


def message(page: Page, number: int) -> str:
    """Return the visible text of a message."""
    return page.locator(f"details[id='{number}']").inner_text()


@pytest.mark.parametrize("case", CASES)
def test_the_diagram_has_every_participant_and_every_arrow(case: str, visitor: Visitor, tmp_path: Path) -> None:
    """Drawn where it can be seen, and numbered as the messages are."""
    conversation = CASES[case]()
    page = visitor.open(written(tmp_path, conversation))
    services = {service for one in conversation.messages for service in (one.caller, one.callee)}
    shown = set(page.locator(".participant text").all_text_contents())
    assert shown == services
    numbers = [str(number) for number, _ in conversation.numbered()]
    assert page.locator("svg a .number").all_text_contents() == numbers
    assert page.locator("details.message > summary .number").all_inner_texts() == numbers
    wide, _ = WIDTHS["desktop"]
    for arrow in page.locator("svg a .line").all():
        box = arrow.bounding_box()
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= wide
        assert box["width"] > 20


def test_an_arrow_leads_to_its_message_and_an_address_too(visitor: Visitor, tmp_path: Path) -> None:
    """``#6`` opens message 6 and brings it into view, by mouse, by keyboard or in the address."""
    file = written(tmp_path, image_list())
    page = visitor.open(file.resolve().as_uri() + "#6")
    expect(page.locator("[id='6']")).to_have_attribute("open", "")
    expect(page.locator("[id='6']")).to_be_in_viewport()
    page.locator("svg a[href='#2']").click()
    expect(page.locator("[id='2'] h3").first).to_be_in_viewport()
    page.locator("svg a[href='#3']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[id='3'] h3").first).to_be_in_viewport()


def test_the_search_shows_the_messages_that_have_the_words(page: Page) -> None:
    """In whatever case, in headers and bodies, open or not; Escape shows all again."""
    page.keyboard.press("/")
    page.keyboard.type("REQ-4AA2")
    expect(page.locator("#found")).to_have_text("1 of 6")
    assert [one.get_attribute("id") for one in page.locator("details.message:visible").all()] == ["6"]
    assert page.locator("svg a:not(.off)").count() == 1
    page.keyboard.press("Escape")
    expect(page.locator("details.message:visible")).to_have_count(6)
    page.locator("#search").fill("link to this message")
    expect(page.locator("#found")).to_have_text("0 of 6")


def test_the_keyboard_is_enough(page: Page) -> None:
    """J and k walk, Enter opens and closes, Tab finds everything, and the first Tab skips the diagram."""
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    expect(page.locator("[id='2'] > summary")).to_be_focused()
    assert "X-Subject-Token" not in message(page, 2)
    page.keyboard.press("Enter")
    assert "X-Subject-Token" in message(page, 2)
    page.keyboard.press("Enter")
    assert "X-Subject-Token" not in message(page, 2)
    page.locator("#open").click()
    page.locator("[id='6'] > summary").focus()
    page.keyboard.press("k")
    tools, summary = (page.locator(one).bounding_box() for one in (".tools", "[id='5'] > summary"))
    assert tools is not None
    assert summary is not None
    assert summary["y"] >= tools["y"] + tools["height"]  # not below them


def test_all_messages_open_and_close_at_once(page: Page) -> None:
    """Those that the search has hidden stay as they are."""
    page.locator("#search").fill("images")
    expect(page.locator("#found")).to_have_text("2 of 6")
    page.locator("#open").click()
    assert page.locator("details.message[open]").count() == 2
    page.locator("#close").click()
    assert page.locator("details.message[open]").count() == 0


def test_a_call_is_copied_as_curl_with_the_token_as_a_variable(page: Page) -> None:
    """What the clipboard has can be pasted into a shell."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(page.url + "#3")
    page.locator("[id='3'] .curl > summary").click()
    page.locator("[id='3'] .copy").click()
    expect(page.locator("[id='3'] .copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == [
        "curl --silent --show-error --globoff --path-as-is --proto '=http,https' --include \\",
        "    --request GET \\",
        "    --header 'X-Auth-Token: '\"$OS_TOKEN\" \\",
        "    --header 'Accept;' \\",
        "    --header 'User-Agent:' \\",
        "    --url 'http://192.0.2.1:9292/v2/images?limit=1'",
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_escapes_from_what_a_service_sent(hostile: str, visitor: Visitor, tmp_path: Path) -> None:
    """Not from a name, a path, a reason, a header, a body or the terminal: no dialog, no request, no error."""
    headers: Headers = ((hostile, hostile), ("Location", hostile), ("", hostile))
    asked = request(hostile, "b", hostile, f"http://c/{hostile}", headers, Body(hostile), gap=hostile)
    answered = response(asked, 302, hostile, headers, Body(hostile), gap=hostile)
    conversation = replace(said(asked, answered), left_out=(hostile,))
    page = visitor.open(written(tmp_path, conversation, Command(("openstack", hostile), hostile, 1)))
    page.locator("#open").click()
    for summary in page.locator(".curl > summary").all():
        summary.click()
    assert page.locator("img, iframe, object, svg script, [onerror]").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("details.message").count() == 2
    assert not set("\u202e\u2066") & set(page.content())
    plain = hostile.replace("\u202e", "\\u202e").replace("\u2066", "\\u2066")
    assert page.locator("[id='2'] pre").nth(1).inner_text() == plain


def test_paper_shows_every_message_whole(page: Page) -> None:
    """Also those that were closed."""
    assert "X-Subject-Token" not in page.inner_text("body")
    page.emulate_media(media="print")
    assert page.locator("[id='2'] pre").first.bounding_box() is not None
    assert not page.locator(".tools").is_visible()
    assert page.pdf().startswith(b"%PDF-")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_read_and_operate_it(
    scheme: Scheme, width: str, visitor: Visitor, tmp_path: Path, axe: str
) -> None:
    """axe-core finds nothing serious, with messages open and closed; pictures of it are kept."""
    file = written(tmp_path, marks(), COMMAND)
    page = visitor.open(file, scheme=scheme, width=width, is_checked=True)
    picture(page, f"html-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(page.url + "#2")
    page.locator("[id='1'] > summary").click()
    picture(page, f"html-messages-{scheme}-{width}")
    assert complaints(page, axe) == []


def test_five_thousand_messages_are_painted_within_two_seconds(visitor: Visitor, tmp_path: Path) -> None:
    """And the last of them is reached by its number."""
    small = image_list()
    conversation = replace(small, messages=small.messages * 834, exchanges=small.exchanges * 834, parents=())
    file = written(tmp_path, conversation)
    page = visitor.open(file)
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime)")
    assert painted
    assert painted[0] < 2000
    page.goto(f"{file.resolve().as_uri()}#5003")
    expect(page.locator("[id='5003']")).to_be_in_viewport()
    began = time.monotonic()
    page.locator("#search").fill("req-4aa2")
    # Not expect(): where it has to look twice, it describes the whole page to itself
    while time.monotonic() - began < 2 and not page.evaluate("document.getElementById('found').textContent"):
        page.wait_for_timeout(20)
    assert page.locator("#found").text_content() == "834 of 5004"
